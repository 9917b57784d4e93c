"""The text of a refresh token: base64 (standard alphabet) of JSON `exp`, `id`, `n`, `s`.

Clients read `exp`, seconds since the epoch, to know when it ends; the rest is ours. `s` holds a
part that all tokens of a family have in common, and `id` is the hash of that part: who never had a
token of a family, and only read the id as `sid` in an access token, cannot end it by something that
looks like an old one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

import orjson

from broker.errors import Denied, Stage
from broker.iam.model import RefreshGrant
from broker.iam.uidp import RandomBytes

MAX_TOKEN: Final = 1024
"""Characters."""
_FAMILY: Final = 32
_SECRET: Final = 32
"""Bytes of what a family has in common, and of what each token has to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One token; `family` and `secret` show in no log."""

    generation: int
    family: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    @classmethod
    def first(cls, random: RandomBytes, *, family: bytes = b"") -> Self:
        """Of a new family; `family`: 32 bytes, where somebody has to know them beforehand."""
        return cls(generation=0, family=family or random(_FAMILY), secret=random(_SECRET))

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises `Denied` (`refresh_token_invalid`) for what was not written here."""
        try:
            if len(text) > MAX_TOKEN:
                raise ValueError(len(text))
            members: Any = orjson.loads(base64.b64decode(text, validate=True))
            secrets = base64.b64decode(members["s"], validate=True)
            token = cls(generation=members["n"], family=secrets[:_FAMILY], secret=secrets[_FAMILY:])
            if len(token.secret) != _SECRET or members["id"] != token.grant:
                raise ValueError(token.grant)
        except (ValueError, TypeError, KeyError, binascii.Error):
            raise refresh_token_invalid() from None
        return token

    def next(self, random: RandomBytes) -> RefreshToken:
        """That which takes its place."""
        return RefreshToken(
            generation=self.generation + 1, family=self.family, secret=random(_SECRET)
        )

    @property
    def grant(self) -> str:
        """The id of its grant."""
        return grant_of(self.family)

    @property
    def secret_sha256(self) -> str:
        """What is kept of it, in hex."""
        return hashlib.sha256(self.secret).hexdigest()

    def is_newest_of(self, grant: RefreshGrant) -> bool:
        """Whether no other has taken its place."""
        is_same = hmac.compare_digest(self.secret_sha256, grant.secret_sha256)
        return is_same and self.generation == grant.generation

    def text(self, *, ends_at: datetime) -> str:
        """As it is handed out."""
        members = {
            "exp": int(ends_at.timestamp()),
            "id": self.grant,
            "n": self.generation,
            "s": base64.b64encode(self.family + self.secret).decode("ascii"),
        }
        return base64.b64encode(orjson.dumps(members)).decode("ascii")


def grant_of(family: bytes) -> str:
    """The id of the grant whose tokens have this part in common."""
    return hashlib.sha256(b"refresh grant " + family).hexdigest()[:32]


def refresh_token_invalid() -> Denied:
    """One answer, whatever is wrong."""
    return Denied(
        "refresh_token_invalid",
        "the refresh token is none of this client, or has ended; log in again",
        stage=Stage.TOKEN,
    )


def ends_at(text: str) -> int:
    """`exp` of a token that was written here."""
    members: dict[str, Any] = orjson.loads(base64.b64decode(text))
    return int(members["exp"])
