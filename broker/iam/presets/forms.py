"""Forms of what is answered, and literals within RE2 patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NoReturn

from broker.errors import Invalid

NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
A_UUID: Final = "a UUID, such as 0f3a1c52-7d1e-4b60-9a53-2c1f0e9b7d44"

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def literal(text: str) -> str:
    """A pattern that matches this text alone (RE2 syntax)."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def one_of(texts: Iterable[str]) -> str:
    """A pattern that matches each of these texts, and nothing else."""
    return "|".join(map(literal, texts))


def expect(field: str, text: str, form: re.Pattern[str], expected: str) -> str:
    """The text, if all of it has the form. Raises `Invalid` naming the field otherwise."""
    if not form.fullmatch(text):
        refuse(field, f"{text[:128]!r}: expected {expected}")
    return text


def uuid(field: str, text: str) -> str:
    """In lower case and without braces, which some platforms write and others do not."""
    return expect(field, text.strip("{}").lower(), UUID, A_UUID)


def refuse(field: str, fault: str) -> NoReturn:
    """Raises `Invalid` naming the field."""
    raise Invalid("field_invalid", f"{field}: {fault}", field=field)


def answered(**values: str) -> dict[str, str]:
    """Those that are not empty, by name."""
    return {name: value for name, value in values.items() if value}
