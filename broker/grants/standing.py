"""Whether somebody whose login goes on may still do so."""

from __future__ import annotations

from typing import Protocol

from broker.iam.model import Identity


class Standing(Protocol):
    """Asked at every refresh; who provisions people has it."""

    async def check(self, person: Identity, provider: str) -> None:
        """Raises `Denied` (`person_deactivated`) when the organization's directory says no.

        `provider`: through whom they logged in, as `Login.provider`.
        """
        ...
