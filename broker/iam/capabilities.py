"""Capabilities: what a role allows, each with a fixed bit number.

In tokens a set of capabilities is a bitset in base64url without padding: capability number n is
bit n % 8 (least significant first) of byte n // 8; trailing zero bytes are left out. The numbers
never change and are published, with the names, at `/.well-known/capabilities`.
"""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Self

from broker.errors import Invalid

FIRST_CUSTOM_BIT: Final = 1024
LAST_CUSTOM_BIT: Final = 2047
"""Bound, because the highest bit sets the length of every set that holds it (256 bytes here)."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a role can allow, `resource.action`."""

    name: str
    bit: int
    deprecated: bool = False
    internal: bool = False
    """Never part of a role that a customer makes."""


class CapabilityTable:
    """The capabilities of an installation: the built-in ones and the operator's own."""

    def __init__(self, capabilities: Iterable[Capability]) -> None:
        self._by_name = {capability.name: capability for capability in capabilities}
        self._by_bit = {capability.bit: capability for capability in self._by_name.values()}

    @classmethod
    def load(cls, custom: Mapping[str, int] | None = None) -> Self:
        """The built-in table plus `custom` (name → bit number, 1024 to 2047)."""
        data = files("broker.iam").joinpath("data/capabilities.tsv").read_text()
        builtin = [
            Capability(
                row["name"],
                int(row["bit"]),
                deprecated=row["flags"] == "deprecated",
                internal=row["flags"] == "internal_only",
            )
            for row in csv.DictReader(data.splitlines(), delimiter="\t")
        ]
        names = {capability.name for capability in builtin}
        return cls([*builtin, *_checked(custom or {}, names)])

    def __iter__(self) -> Iterator[Capability]:
        return iter(sorted(self._by_name.values(), key=lambda capability: capability.bit))

    @property
    def names(self) -> frozenset[str]:
        """Every name."""
        return frozenset(self._by_name)

    @property
    def internal(self) -> frozenset[str]:
        """Those of the installation's own services."""
        return frozenset(c.name for c in self._by_bit.values() if c.internal)

    @property
    def custom(self) -> frozenset[str]:
        """The operator's own."""
        return frozenset(c.name for c in self._by_bit.values() if c.bit >= FIRST_CUSTOM_BIT)

    def bit(self, name: str) -> int:
        """Its number. Raises `Invalid` for a name that does not exist."""
        try:
            return self._by_name[name].bit
        except KeyError:
            raise Invalid(
                "capability_unknown",
                f"capability {name[:100]!r} does not exist",
                field="capability",
            ) from None

    def to_bits(self, names: Iterable[str]) -> int:
        """The set as an integer. Raises `Invalid` for a name that does not exist."""
        bits = 0
        for name in names:
            bits |= 1 << self.bit(name)
        return bits

    def to_names(self, bits: int) -> tuple[str, ...]:
        """The names in the set, by number; bits that nobody named are `bit:N`."""
        return tuple(
            self._by_bit[n].name if n in self._by_bit else f"bit:{n}"
            for n in range(bits.bit_length())
            if bits >> n & 1
        )


def _checked(custom: Mapping[str, int], taken: set[str]) -> Iterable[Capability]:
    seen: dict[int, str] = {}
    for name, bit in custom.items():
        if not _NAME.fullmatch(name) or len(name) > 100:
            raise Invalid(
                "capability_malformed",
                f"capability {name!r}: expected lower-case words joined by dots, "
                "such as deploy.create",
                field="capabilities",
            )
        if name in taken:
            raise Invalid(
                "capability_taken", f"capability {name!r} is built in", field="capabilities"
            )
        if not FIRST_CUSTOM_BIT <= bit <= LAST_CUSTOM_BIT:
            raise Invalid(
                "capability_malformed",
                f"capability {name!r}: number {bit} is not between "
                f"{FIRST_CUSTOM_BIT} and {LAST_CUSTOM_BIT}",
                field="capabilities",
            )
        if bit in seen:
            raise Invalid(
                "capability_taken",
                f"capability {name!r}: number {bit} is also that of {seen[bit]!r}",
                field="capabilities",
            )
        seen[bit] = name
        yield Capability(name, bit)


def encode(bits: int) -> str:
    """The set as it stands in a token's `cap` claim."""
    octets = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> int:
    """The reverse of `encode`. Raises ValueError for text that is not base64url."""
    if not text.isascii() or "+" in text or "/" in text or "=" in text:
        raise ValueError("not unpadded base64url")
    padded = text + "=" * (-len(text) % 4)
    return int.from_bytes(base64.b64decode(padded, altchars=b"-_", validate=True), "little")
