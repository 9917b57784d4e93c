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
        path = self.path(kind, audience)
        try:
            private_files.write(path, token.encode("ascii"))
        except OSError as error:
            raise _unusable(path) from error

    def delete(self, kind: Kind, audience: str) -> None:
        """Forget it; there need not be one."""
        _delete(self.path(kind, audience))

    def clear(self) -> None:
        """Forget every token, and leave what others have put there."""
        for folder in self._folders():
            for kind in Kind:
                _delete(folder / kind.value)
            with suppress(OSError):  # not empty
                folder.rmdir()

    def refreshable(self, issuer: str, preferred: str) -> tuple[Path, str] | None:
        """A refresh token of this issuer's and its file: that of an audience, else of any login.

        A login for several audiences leaves one, with the first. Whose a refresh token is, is said
        by the access token beside it: of its own it says only when it ends.
        """
        for folder in (self.path(Kind.REFRESH, preferred).parent, *self._folders()):
            path = folder / Kind.REFRESH.value
            access = _read(folder / Kind.ACCESS.value)
            if access is None or claims_of(access).get("iss") != issuer:
                continue
            if token := _read(path):
                return path, token
        return None

    def replace(self, path: Path, token: str | None) -> None:
        """Keep a refresh token where `refreshable` found the one before; None: forget it."""
        if token is None:
            _delete(path)
            return
        try:
            private_files.write(path, token.encode("ascii"))
        except OSError as error:
            raise _unusable(path) from error

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


def _name(audience: str) -> str:
    name = audience.replace("/", "-")
    if os.name == "nt":
        name = name.replace(":", "-")
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


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path) from error


def _unusable(path: Path) -> Precondition:
    return Precondition("token_cache_unusable", f"{path}: cannot be read or written")
