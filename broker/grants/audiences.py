"""For whom tokens are minted."""

from __future__ import annotations

from typing import Final

from broker.errors import Invalid, Stage

MAX_AUDIENCES: Final = 10
RESERVED: Final = frozenset({"customer"})
"""`customer` is the audience of webhook tokens; an access token must never pass for one."""


class Audiences:
    """What may be asked for. `allowed`: nothing else but the default, unless it is empty."""

    def __init__(self, *, default: str, allowed: frozenset[str] = frozenset()) -> None:
        self._default = (default,)
        self._allowed = allowed

    def of(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """What was asked for, or the default. Raises `Invalid`."""
        if len(asked) > MAX_AUDIENCES:
            raise _refused("audience_invalid", f"more than {MAX_AUDIENCES} values")
        for value in asked:
            if not 1 <= len(value) <= 512 or not value.isascii() or not value.isprintable():
                raise _refused("audience_invalid", "expected 1 to 512 printable ASCII characters")
            if value in RESERVED or not self._is_allowed(value):
                raise _refused(
                    "audience_not_allowed", f"no access tokens are minted for {value!r} here"
                )
        return asked or self._default

    def _is_allowed(self, value: str) -> bool:
        # who names the default gets no more than who names nothing
        return not self._allowed or value in self._allowed or value in self._default


def _refused(code: str, fault: str) -> Invalid:
    return Invalid(code, f"audience: {fault}", stage=Stage.REQUEST, field="audience")
