"""Capabilities on the wire: numbers of chainguard.capabilities.Capability, and their names."""

from __future__ import annotations

from typing import Final

from broker.contract.options import capability_names
from broker.contract.proto.capabilities import capabilities_pb2
from broker.errors import Invalid
from broker.iam.capabilities import CapabilityTable

FIRST_CUSTOM_NUMBER: Final = 1_000_000


class CapabilityNumbers:
    """Name ↔ number of every capability of an installation.

    A built-in one travels as its value of the enum. The operator's own (bits 1024 to 2047) have no
    value there: they travel as 1,000,000 + bit, which a proto3 enum carries as it is and JSON
    shows as a number.
    """

    def __init__(self, capabilities: CapabilityTable) -> None:
        self._names = capability_names(capabilities_pb2.Capability.DESCRIPTOR)
        for name in capabilities.custom:
            self._names[FIRST_CUSTOM_NUMBER + capabilities.bit(name)] = name
        self._numbers = {name: number for number, name in self._names.items()}

    def number(self, name: str) -> int:
        """The number of `groups.create`. Raises `Invalid` for a name that does not exist."""
        try:
            return self._numbers[name]
        except KeyError:
            raise Invalid(
                "capability_unknown",
                f"capability {name[:100]!r} does not exist",
                field="capabilities",
            ) from None

    def name(self, number: int) -> str:
        """The reverse of `number`. Raises `Invalid` for a number that does not exist."""
        try:
            return self._names[number]
        except KeyError:
            raise Invalid(
                "capability_unknown",
                f"capability number {number} does not exist",
                field="capabilities",
            ) from None
