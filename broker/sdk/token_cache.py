"""Tokens of a person, kept on their machine from one command to the next.

A folder an audience, below `chainguard` in the person's cache, with `oidc-token` and
`refresh-token`: so the platform's own tools find them, and this finds theirs.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, Self

from broker.errors import Precondition, field_invalid
from broker.sdk import private_files
from broker.sdk.user_folders import cache_folder

FOLDER: Final = "chainguard"
MAX_FILE: Final = 65_536
"""Bytes that are read of a file."""


class Kind(Enum):
    """What is kept for an audience, by the name of its file."""

    ACCESS = "oidc-token"
    REFRESH = "refresh-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is kept for one audience."""

    folder: Path
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    claims: dict[str, Any]
    """Of the access token, unchecked. They say whose the refresh token is, too: of its own it says
    only when it ends."""

    @property
    def subject(self) -> object:
        """Whom the tokens are for."""
        return self.claims.get("sub")

    @property
    def audience(self) -> str:
        """For whom they are: of several, the one that the folder is named after; else empty."""
        named = self.claims.get("aud")
        audiences = named if isinstance(named, list) else [named]
        texts = (each for each in audiences if isinstance(each, str))
        return next((text for text in texts if _folder_name(text) == self.folder.name), "")


class TokenCache:
    """The tokens in `folder`.

    Every method raises `Invalid` (`field_invalid`) for an audience that makes no name of a folder,
    and `Precondition` (`token_cache_unusable`) where the system does not let it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Self:
        """That of whose environment it is. Raises `Precondition` where that does not say."""
        folder = cache_folder(environ, sys.platform)
        if folder is None:
            raise Precondition(
                "token_cache_unusable", "neither XDG_CACHE_HOME nor HOME says where tokens are kept"
            )
        return cls(folder / FOLDER)

    def path(self, kind: Kind, audience: str) -> Path:
        """Where the token is, or would be."""
        return self.folder / _name(audience) / kind.value

    def load(self, kind: Kind, audience: str) -> str | None:
        """The token, expired or not; None where there is none."""
        return _read(self.path(kind, audience))

    def save(self, kind: Kind, audience: str, token: str) -> None:
        """Keep it instead of the one before."""
        _write(self.path(kind, audience), token)

    def delete(self, kind: Kind, audience: str) -> None:
        """Forget it; there need not be one."""
        _delete(self.path(kind, audience))

    def clear(self) -> None:
        """Forget every token, and leave what others have put there."""
        for folder in self._folders():
            _forget(folder)

    def entries(self, issuer: str) -> list[Entry]:
        """All of an issuer's."""
        found = []
        for folder in self._folders():
            access = _read(folder / Kind.ACCESS.value)
            claims = claims_of(access or "")
            if access is not None and claims.get("iss") == issuer:
                refresh = _read(folder / Kind.REFRESH.value)
                found.append(Entry(folder=folder, access=access, refresh=refresh, claims=claims))
        return found

    def refreshable(self, issuer: str, audience: str) -> Entry | None:
        """What has a refresh token to get a token for an audience with: its own, else that of
        another audience and the same person, since a login for several leaves one, with the first.
        """
        entries = self.entries(issuer)
        folder = self.path(Kind.REFRESH, audience).parent
        own = next((entry for entry in entries if entry.folder == folder), None)
        if own is not None and own.refresh:
            return own
        others = (e for e in entries if e.refresh and (own is None or own.subject == e.subject))
        return next(others, None)

    def replace(self, entry: Entry, refresh_token: str | None) -> None:
        """Keep a refresh token instead of the one of an entry; None: forget it."""
        path = entry.folder / Kind.REFRESH.value
        if refresh_token is None:
            _delete(path)
        else:
            _write(path, refresh_token)

    def forget(self, entry: Entry) -> None:
        """Both tokens."""
        _forget(entry.folder)

    def exposed(self, kind: Kind, audience: str) -> Path | None:
        """The token's file, if others than its owner may read or write it."""
        path = self.path(kind, audience)
        return path if private_files.is_exposed(path) else None

    def locked(self) -> AbstractContextManager[None]:
        """While no other process renews a token of this cache: a refresh token that is used twice
        ends the login. Blocks.
        """
        return private_files.locked(self.folder / ".lock")

    def _folders(self) -> Iterator[Path]:
        try:
            yield from sorted(path for path in self.folder.iterdir() if path.is_dir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(self.folder) from error


def claims_of(token: str) -> dict[str, Any]:
    """What is in a token, unchecked: for whoever holds it to know what it is. Empty for none.

    A JWT, or a refresh token of the broker's, which is JSON in base64.
    """
    parts = token.split(".")
    payload = parts[1] if len(parts) == 3 else token
    try:
        padded = payload + "=" * (-len(payload) % 4)
        claims = json.loads(base64.b64decode(padded.translate(_STANDARD), validate=True))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def seconds_left(token: str | None, now: float) -> float:
    """Until it expires; 0 for one that has, for none, and where it does not say."""
    match claims_of(token or "").get("exp"):
        case bool():
            return 0.0
        case int() | float() as expires:
            return max(0.0, expires - now)
        case _:
            return 0.0


_STANDARD: Final = str.maketrans("-_", "+/")


def _folder_name(audience: str) -> str:
    name = audience.replace("/", "-")
    return name.replace(":", "-") if os.name == "nt" else name


def _name(audience: str) -> str:
    name = _folder_name(audience)
    if not 1 <= len(name) <= 255 or not name.isprintable() or name in (".", ".."):
        raise field_invalid("audience", "expected 1 to 255 printable characters")
    return name


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path) from error
    # what was changed by hand must not end up in a header
    if not text or not text.isascii() or any(octet <= 0x20 for octet in text):
        return None
    return text.decode("ascii")


def _write(path: Path, token: str) -> None:
    try:
        private_files.write(path, token.encode("ascii"))
    except OSError as error:
        raise _unusable(path) from error


def _forget(folder: Path) -> None:
    for kind in Kind:
        _delete(folder / kind.value)
    with suppress(OSError):  # others have put something there
        folder.rmdir()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path) from error


def _unusable(path: Path) -> Precondition:
    return Precondition("token_cache_unusable", f"{path}: cannot be read or written")
