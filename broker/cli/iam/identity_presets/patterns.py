"""Literals within RE2 patterns."""

from __future__ import annotations

import re
from typing import Final

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def literal(text: str) -> str:
    """A pattern that matches this text alone (RE2 syntax)."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def one_of(texts: list[str] | tuple[str, ...]) -> str:
    """A pattern that matches each of these texts, and nothing else."""
    return "|".join(map(literal, texts))
