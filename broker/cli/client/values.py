"""Values of options: durations, times, NAME=VALUE, lists with commas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(?:[0-9]+[dhms])+", re.ASCII)
_PART: Final = re.compile(r"([0-9]+)([dhms])", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in new releases only
    """Text such as `168h`, `7d` or `1h30m`, as a timedelta."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Fails as click wants it, for what is none."""
        if isinstance(value, timedelta):
            return value
        if (found := duration(str(value))) is None:
            self.fail(f"{value!r}: expected a duration such as 168h, 7d or 1h30m.", param, ctx)
        return found


class Pair(click.ParamType):  # type: ignore[type-arg]  # as above
    """Text NAME=VALUE, as a pair; the value may be empty and may hold `=`."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Fails as click wants it, without a name or `=`."""
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r}: expected NAME=VALUE.", param, ctx)
        return name, text


def duration(text: str) -> timedelta | None:
    """None for what is none, or none that a timedelta can hold."""
    if not _DURATION.fullmatch(text):
        return None
    try:
        return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in _PART.findall(text)))
    except (OverflowError, ValueError):  # beyond a timedelta, beyond the digits of an int
        return None


def moment(text: str, *, now: datetime, flag: str) -> str:
    """A time in RFC 3339: given as one, as a date (its beginning in UTC), or as a duration from
    now. Raises `click.BadParameter` naming the flag.
    """
    after = duration(text)
    try:
        if after is not None:
            at = now + after
        else:
            at = datetime.fromisoformat(text)
            if _DATE.fullmatch(text):
                at = at.replace(tzinfo=UTC)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r}: expected 2026-12-31, 2026-12-31T12:00:00Z, or a duration such as 30d.",
            param_hint=flag,
        ) from None


def moment_of(epoch: int) -> str:
    """Seconds since the epoch, as the API writes times."""
    return datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")


def is_past(time: str, now: datetime) -> bool:
    """Whether an RFC 3339 time of the API's is over; an empty one never is."""
    return bool(time) and datetime.fromisoformat(time) <= now


def seconds(length: timedelta) -> str:
    """As JSON has a google.protobuf.Duration."""
    return f"{length.total_seconds():.0f}s"


def separated(values: Iterable[str]) -> list[str]:
    """Of an option that repeats, and takes several with commas between: each once, in order."""
    parts = [part.strip() for value in values for part in value.split(",")]
    return list(dict.fromkeys(part for part in parts if part))


def changed(before: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A map with these members set, and those with an empty value removed."""
    after = {**before, **dict(pairs)}
    return {name: value for name, value in after.items() if value}
