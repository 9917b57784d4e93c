"""Paths of the API's HTTP rules: templates of google.api.http, and the operation of a path.

A template is literal segments, then perhaps one variable that takes one segment (`*`) or all that
are left, none included (`**`), then perhaps a verb: `/iam/v1/groups/{id=**}:requestGroupAccess`.
That is all that the contract uses; a UIDP goes into the path as it is, slashes and all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Self, TypeVar
from urllib.parse import unquote

_Target = TypeVar("_Target")

_TEMPLATE: Final = re.compile(
    r"(?P<literal>(/[A-Za-z0-9_.]+)+)(/\{(?P<variable>[a-z0-9_.]+)=(?P<wild>\*\*?)\})?"
    r"(:(?P<verb>[A-Za-z]+))?"
)


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """One template, taken apart."""

    text: str
    literals: tuple[str, ...]
    variable: tuple[str, ...]
    """Names of fields, from the request inward; empty when there is none."""
    takes_slashes: bool
    verb: str
    """What follows the colon; empty without."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what the contract does not use."""
        found = _TEMPLATE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text}: a template of this form is not supported")
        variable = found["variable"]
        return cls(
            text=text,
            literals=tuple(found["literal"][1:].split("/")),
            variable=tuple(variable.split(".")) if variable else (),
            takes_slashes=found["wild"] == "**",
            verb=found["verb"] or "",
        )


class Found(NamedTuple, Generic[_Target]):
    """What a path leads to."""

    target: _Target
    value: str
    """Of the variable, decoded; empty without one."""


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path is there, with other methods than the one that was asked for."""

    template: str
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry(Generic[_Target]):
    template: str
    target: _Target


_Methods = Mapping[str, _Entry[_Target]]
_Key = tuple[str, str, tuple[str, ...]]
"""Verb, how the variable takes segments (``, `*`, `**`), literal segments."""


class PathRouter(Generic[_Target]):
    """A few look-ups in a dictionary, however many templates there are.

    Literal segments win over variables, and longer literal beginnings over shorter ones. Raises
    ValueError when two rules have the same method and the same path.
    """

    def __init__(self, rules: Iterable[tuple[str, PathTemplate, _Target]]) -> None:
        """`rules`: HTTP method, template, what it leads to."""
        table: dict[_Key, dict[str, _Entry[_Target]]] = {}
        for method, template, target in rules:
            wild = ("**" if template.takes_slashes else "*") if template.variable else ""
            methods = table.setdefault((template.verb, wild, template.literals), {})
            if method in methods:
                raise ValueError(f"{method} {template.text}: this path is taken")
            methods[method] = _Entry(template.text, target)
        self._table: Mapping[_Key, _Methods[_Target]] = table
        self._verbs = frozenset(verb for verb, _, _ in table if verb)
        self._deepest = max((len(literals) for _, _, literals in table), default=0)

    def find(self, method: str, raw_path: str) -> Found[_Target] | WrongMethod | None:
        """What this path, which is still percent-encoded, leads to; None when nowhere.

        HEAD is there wherever GET is (RFC 9110 §9.3.2).
        """
        segments, verb = self._split(raw_path)
        wanted = "GET" if method == "HEAD" else method
        others: list[_Methods[_Target]] = []
        for methods, value in self._candidates(segments, verb):
            if wanted in methods:
                return Found(methods[wanted].target, value)
            others.append(methods)
        return _wrong_method(others)

    def _split(self, raw_path: str) -> tuple[list[str], str]:
        """Decoded segments, and the verb. A colon that is encoded is none of a verb."""
        path, colon, verb = raw_path.rpartition(":")
        if not colon or verb not in self._verbs:
            path, verb = raw_path, ""
        segments = path[1:].split("/")
        if "%" in path:
            try:
                segments = [unquote(segment, errors="strict") for segment in segments]
            except UnicodeDecodeError:
                return [], ""
        return segments, verb

    def _candidates(
        self, segments: list[str], verb: str
    ) -> Iterable[tuple[_Methods[_Target], str]]:
        whole = self._table.get((verb, "", tuple(segments)))
        if whole is not None:
            yield whole, ""
        for length in range(min(len(segments), self._deepest), 0, -1):
            literals, rest = tuple(segments[:length]), segments[length:]
            if len(rest) == 1 and rest[0]:
                one = self._table.get((verb, "*", literals))
                if one is not None:
                    yield one, rest[0]
            many = self._table.get((verb, "**", literals))
            if many is not None:
                yield many, "/".join(rest)


def _wrong_method(candidates: list[_Methods[_Target]]) -> WrongMethod | None:
    if not candidates:
        return None
    allowed = {method for methods in candidates for method in methods}
    if "GET" in allowed:
        allowed.add("HEAD")
    template = next(iter(candidates[0].values())).template
    return WrongMethod(template, tuple(sorted(allowed)))
