"""UIDPs: unique identifiers that carry their path.

A root UIDP is 40 lower-case hex characters (20 bytes); every level below appends `/` and 16 hex
characters (8 bytes). A record's UIDP begins with its group's, so ancestry is a string prefix.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from broker.errors import Invalid

MAX_LENGTH: Final = 1024
"""Characters."""

MAX_DEPTH: Final = (MAX_LENGTH - 40) // 17
"""Levels below the root, 57."""

_FORM: Final = re.compile(r"[0-9a-f]{40}(?:/[0-9a-f]{16})*", re.ASCII)

RandomBytes = Callable[[int], bytes]
"""A source of that many unpredictable bytes; `secrets.token_bytes` outside of tests."""


class Uidp(str):
    """A well-formed UIDP. Make one with `parse`, `Uidp.root`, `child` or `person`.

    It is a string, so it compares, sorts, hashes and serializes as one.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, *, field: str = "id") -> Uidp:
        """Check `text` and take it. Raises `Invalid` naming `field`."""
        if len(text) <= MAX_LENGTH and _FORM.fullmatch(text):
            return cls(text)
        raise Invalid(
            "uidp_malformed",
            f"{field}: not a UIDP (expected 40 lower-case hex characters, "
            "then '/' and 16 more for each level)",
            field=field,
        )

    @classmethod
    def new_root(cls, random: RandomBytes) -> Uidp:
        """A fresh root, for an organization."""
        return cls(random(20).hex())

    @classmethod
    def derived(cls, purpose: str, *parts: str) -> Uidp:
        """The root that belongs to these parts, always the same.

        The parts' lengths are hashed with them, so ("ab", "c") and ("a", "bc") differ.
        """
        digest = hashlib.sha256()
        for part in (purpose, *parts):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        return cls(digest.hexdigest()[:40])

    @classmethod
    def of_person(cls, issuer: str, subject: str) -> Uidp:
        """The identity of a person, known before their first login from who they are upstream."""
        return cls.derived("person", issuer, subject)

    def child(self, random: RandomBytes) -> Uidp:
        """A fresh UIDP one level below."""
        return Uidp(f"{self}/{random(8).hex()}")

    @property
    def parent(self) -> Uidp | None:
        """One level up; None for a root."""
        head, slash, _ = self.rpartition("/")
        return Uidp(head) if slash else None

    @property
    def root(self) -> Uidp:
        """The organization (or person) at the top of the path."""
        return Uidp(self[:40])

    @property
    def is_root(self) -> bool:
        """Whether it has no parent."""
        return len(self) == 40

    @property
    def depth(self) -> int:
        """Levels below the root; 0 for a root."""
        return (len(self) - 40) // 17

    @property
    def has_room(self) -> bool:
        """Whether what lies below it has a UIDP that `parse` takes."""
        return self.depth < MAX_DEPTH

    def covers(self, other: str) -> bool:
        """Whether `other` is this UIDP or lies below it: what is held here is held there."""
        return other.startswith(self) and (len(other) == len(self) or other[len(self)] == "/")

    def lineage(self) -> Iterator[Uidp]:
        """Itself, its parent, and so on up to the root."""
        at: Uidp | None = self
        while at is not None:
            yield at
            at = at.parent
