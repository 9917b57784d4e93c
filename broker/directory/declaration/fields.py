"""Reading one YAML mapping member by member, collecting what is wrong instead of stopping at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Final, TypeVar

import yaml

from broker.directory.declaration.document import kind_of, mark_of
from broker.directory.declaration.problems import Mark, Problem, Where, suggestion

_COUNT: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_DURATION: Final = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)

_ADVICE: Final = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false to YAML",
    "null": "nothing",
    "timestamp": "a date to YAML",
    "map": "a mapping",
    "seq": "a list",
    "merge": "a merge key",
    "value": "a value key",
}

_Choice = TypeVar("_Choice", bound=Enum)
_Default = TypeVar("_Default", bool, None)


class Fields:
    """The members of a mapping. Every reader notes its problem and gives the empty value.

    `path` is the mapping's own path in the document. When everything was asked for, `finish`
    notes what nobody asked for.
    """

    def __init__(self, node: yaml.Node, path: str, problems: list[Problem]) -> None:
        self._path = path
        self._problems = problems
        self._before = len(problems)
        self._members: dict[str, yaml.Node] = {}
        self._keys: dict[str, Mark] = {}
        self._known: set[str] = set()
        self._marks: dict[str, Mark] = {}
        self._at = mark_of(node)
        self._is_mapping = isinstance(node, yaml.MappingNode)
        if not self._is_mapping:
            self._note(self._at, "", f"expected a mapping, this is {_shown(node)}")
            return
        for key, value in node.value:
            self._add(key, value)

    @property
    def sound(self) -> bool:
        """Whether nothing in this mapping, or in what was read below it since, is wrong."""
        return len(self._problems) == self._before

    @property
    def where(self) -> Where:
        """Its place, and that of its members."""
        return Where(self._path, self._at, self._marks)

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def wrong(self, key: str, message: str) -> None:
        """Note a problem of a member."""
        self._problems.append(self.where.problem(key, message))

    def absent(self, key: str, advice: str = "") -> None:
        """Note that a member is required; what is no mapping has that problem already."""
        if self._is_mapping:
            self._note(self._at, key, f"is required{advice}")

    def text(self, key: str, *, required: bool = False) -> str:
        """A string; an empty one is as good as an absent one, and neither will do if required."""
        node = self._take(key)
        if node is None:
            if required:
                self.absent(key)
            return ""
        return self._string(node, key, required=required)

    def flag(self, key: str, default: _Default) -> bool | _Default:
        """True or false."""
        node = self._take(key)
        if node is None:
            return default
        if kind_of(node) == "bool" and node.value.lower() in {"true", "false"}:
            return bool(node.value.lower() == "true")
        self.wrong(key, f"expected true or false, this is {_shown(node)}")
        return default

    def choice(self, key: str, words: Mapping[str, _Choice]) -> _Choice | None:
        """What one of the words stands for; None when it is absent."""
        node = self._take(key)
        if node is None:
            return None
        if kind_of(node) == "str":
            if chosen := words.get(node.value):
                return chosen
            near = suggestion(node.value, words)
        else:
            near = ""
        self.wrong(key, f"expected {', '.join(words)}; this is {_shown(node)}{near}")
        return None

    def count(self, key: str) -> int | None:
        """A whole number, not negative; None when it is absent."""
        node = self._take(key)
        if node is None:
            return None
        if kind_of(node) == "int" and _COUNT.fullmatch(node.value):
            return int(node.value)
        self.wrong(key, f"expected a whole number, 0 to 999999999; this is {_shown(node)}")
        return None

    def version(self, key: str, supported: int) -> None:
        """The version of the format."""
        node = self._take(key)
        if node is None:
            self.absent(key, f": `{key}: {supported}`")
        elif kind_of(node) != "int" or node.value != str(supported):
            self.wrong(key, f"expected {supported}, this is {_shown(node)}")

    def seconds(self, key: str, default: int) -> int:
        """A duration: `15m`, `1h30m`, `900s`, or a number of seconds."""
        node = self._take(key)
        if node is None:
            return default
        if kind_of(node) == "int" and re.fullmatch(r"[0-9]{1,9}", node.value):
            return int(node.value)
        match = _DURATION.fullmatch(node.value) if kind_of(node) == "str" else None
        if match is None or not match.group():
            self.wrong(key, "expected a duration such as 15m, 1h30m or 900s, or seconds")
            return default
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds

    def instant(self, key: str) -> datetime | None:
        """A time with its zone (RFC 3339 §5.6), as UTC in whole seconds."""
        node = self._take(key)
        if node is None:
            self.absent(key)
            return None
        try:
            instant = datetime.fromisoformat(str(node.value))
            if instant.tzinfo is not None:
                return instant.astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            pass  # the same advice as for a time without a zone
        example = "expected a time with its zone, such as 2026-12-01T00:00:00Z"
        self.wrong(key, f"{example}; this is {_shown(node)}")
        return None

    def texts(self, key: str) -> dict[str, str]:
        """A list of strings, none of them twice, each with the path of its field."""
        seen: dict[str, str] = {}
        for node, path in self._elements(key):
            text = self._string(node, path, required=True)
            if text in seen:
                self.wrong(path, f"{text!r} is listed twice")
            if text:
                seen[text] = path
        return seen

    def table(self, key: str) -> dict[str, str]:
        """A mapping of strings to strings."""
        node = self._take(key)
        if node is None or _is_null(node):
            return {}
        members = Fields(node, self._join(key), self._problems)
        self.under(key, members)
        return {name: members.text(name, required=True) for name in members._members}

    def mapping(self, key: str) -> Fields | None:
        """A mapping to be read on; None when it is absent."""
        node = self._take(key)
        return None if node is None else Fields(node, self._join(key), self._problems)

    def node(self, key: str) -> yaml.Node | None:
        """The member as it is, for what can be of several kinds."""
        return self._take(key)

    def records(self, key: str) -> Iterator[Fields]:
        """A list of mappings. A key without a value is an empty list: one with all lines out."""
        for node, path in self._elements(key):
            yield Fields(node, self._join(path), self._problems)

    def finish(self) -> None:
        """Note members that nobody asked for."""
        for key, mark in self._keys.items():
            if key not in self._known:
                self._note(mark, key, f"unknown field{suggestion(key, self._known)}")

    def under(self, key: str, member: Fields) -> None:
        """Take over the marks of a member mapping, so that its fields are found from here."""
        self._marks.update({f"{key}.{name}": mark for name, mark in member._marks.items()})

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        mark = mark_of(key)
        if not isinstance(key, yaml.ScalarNode):
            self._note(mark, "", f"a field name is a text, this is {_shown(key)}")
        elif kind_of(key) != "str":
            advice = f"quote it: {_quoted(key.value)}"
            self._note(mark, "", f"a field name is a text, this is {_shown(key)}; {advice}")
        elif key.value in self._members:
            first = self._keys[key.value].line
            self._note(mark, key.value, f"is there twice, first on line {first}")
        else:
            self._members[key.value] = value
            self._keys[key.value] = mark
            self._marks[key.value] = mark_of(value)

    def _take(self, key: str) -> yaml.Node | None:
        self._known.add(key)
        return self._members.get(key)

    def _elements(self, key: str) -> Iterator[tuple[yaml.Node, str]]:
        node = self._take(key)
        if node is None or _is_null(node):
            return
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(key, f"expected a list, this is {_shown(node)}")
            return
        for index, element in enumerate(node.value):
            path = f"{key}[{index}]"
            self._marks[path] = mark_of(element)
            yield element, path

    def _string(self, node: yaml.Node, path: str, *, required: bool) -> str:
        kind = kind_of(node)
        if kind == "str":
            if required and not node.value:
                self.wrong(path, "is an empty text; give it a value")
            return str(node.value)
        if kind in {"map", "seq"}:
            self.wrong(path, f"expected a text, this is {_shown(node)}")
        elif kind == "null":
            self.wrong(path, "has no value; leave the field out or give it one")
        else:
            advice = f"quote it: {_quoted(node.value)}"
            self.wrong(path, f"expected a text, this is {_shown(node)}; {advice}")
        return ""

    def _join(self, path: str) -> str:
        return f"{self._path}.{path}" if self._path else path

    def _note(self, mark: Mark, key: str, message: str) -> None:
        path = self._join(key) if key else self._path
        self._problems.append(Problem(mark.line, mark.column, path, message))


def _is_null(node: yaml.Node) -> bool:
    return kind_of(node) == "null"


def _shown(node: yaml.Node) -> str:
    kind = kind_of(node)
    said = _ADVICE.get(kind, "a text")
    if isinstance(node, yaml.ScalarNode) and node.value:
        value = node.value if len(node.value) <= 40 else f"{node.value[:40]}…"
        return f"{value!r} ({said})" if kind != "str" else repr(value)
    return said


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
