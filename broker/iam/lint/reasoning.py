"""Questions about patterns, and answers that RE2 has confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import re2

from broker.iam.lint.automaton import Budget, Exhausted, witness
from broker.iam.lint.syntax import Unfollowed
from broker.iam.matching import compile_pattern

FEW: Final = 8
"""Values that a pattern may take for it to count as a list of values."""


class Unknown(Exception):
    """The pattern is beyond what can be worked out; the message says why."""


@dataclass(frozen=True)
class Form:
    """Texts of a known form, and which part of them is asked about. The members are patterns,
    without groups that capture.
    """

    before: str
    part: str
    after: str = ""

    @cached_property
    def whole(self) -> str:
        """The pattern of all these texts."""
        return f"(?:{self.before})({self.part})(?:{self.after})"

    def having(self, values: Iterable[str]) -> str:
        """The pattern of those with one of these parts. Case does not count: no platform tells
        two owners apart by it.
        """
        parts = "|".join(map(re2.escape, values))
        if not parts.isascii():
            return f"(?:{self.before})(?:{parts})(?:{self.after})"
        return f"(?:{self.before})(?i:{parts})(?:{self.after})"

    def split(self, text: str) -> tuple[str, str, str]:
        """Before the part, the part, after it. Raises ValueError for a text of another form."""
        found = compile_pattern(self.whole).fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r}: not of the form {self.whole}")
        start, end = found.span(1)
        return text[:start], text[start:end], text[end:]


WHOLE: Final = Form("", ".+")
"""The value itself."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts occur in the texts that a pattern takes."""

    values: tuple[str, ...]
    beyond: str | None = None
    """When there are more: a whole text with another one."""

    @property
    def are_few(self) -> bool:
        """Whether there are some, and no more than these."""
        return bool(self.values) and self.beyond is None


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern takes the whole text, as RE2 and so the exchange sees it."""
    return compile_pattern(pattern).fullmatch(text.encode()) is not None


@dataclass(slots=True)
class Reasoning:
    """About the patterns of one identity, within one bound."""

    budget: Budget = field(default_factory=Budget)
    gaps: dict[str, str] = field(default_factory=dict)
    """Pattern → why not everything about it could be worked out."""

    def example(
        self, pattern: str, form: str | None = None, *, but_not: Iterable[str] = ()
    ) -> str | None:
        """A short text that the pattern takes, of a form, and that `but_not` do not take; None
        when there is none. Raises `Unknown`.
        """
        takers = (pattern,) if form is None else (pattern, form)
        try:
            found = witness(takers, but_not, budget=self.budget)
        except Unfollowed as error:
            raise self._unknown(pattern, f"lint does not follow {error}") from None
        except Exhausted:
            raise self._unknown(pattern, "working it out takes too long") from None
        if found is not None and not matches(pattern, found):
            raise self._unknown(pattern, "RE2 reads it in another way than lint does")
        return found

    def parts(
        self, pattern: str, form: Form, *, but_not: Iterable[str] = (), limit: int = FEW
    ) -> Parts:
        """Which parts the form has in the texts that the pattern takes. Raises `Unknown`."""
        found: list[str] = []
        while True:
            known = [*but_not, *([form.having(found)] if found else [])]
            text = self.example(pattern, form.whole, but_not=known)
            if text is None:
                return Parts(tuple(found))
            if len(found) == limit:
                return Parts(tuple(found), text)
            found.append(form.split(text)[1])

    def is_one_of_few(self, pattern: str, form: Form = WHOLE, *, limit: int = FEW) -> bool:
        """Whether the part is one of a few; what cannot be worked out is given the benefit."""
        try:
            return self.parts(pattern, form, limit=limit).are_few
        except Unknown:
            return True

    def _unknown(self, pattern: str, reason: str) -> Unknown:
        self.gaps.setdefault(pattern, reason)
        return Unknown(reason)
