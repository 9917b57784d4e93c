"""YAML text → nodes with positions, within bounds.

The event stream is looked at before anything is built from it, because composing is recursive
and because an alias repeats what it names: neither depth nor aliases can cost more than the file.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import yaml
from yaml.reader import Reader

from broker.directory.declaration.problems import MAX_LISTED, DeclarationProblems, Mark, Problem

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 150
"""Nested collections: two for each level of folders, which end at 56, and a few more."""

_TOO_DEEP: Final = "maximum nesting depth"
"""What libyaml says of more levels than it reads (1,000)."""

# libyaml where PyYAML was built with it: the same nodes, ten times as fast.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SCALAR_TAGS: Final = "tag:yaml.org,2002:"


def compose(source: bytes) -> yaml.Node | None:
    """The document's root node; None for a document without content.

    Raises `DeclarationProblems`: not UTF-8, too big, too deep, not YAML, aliases or anchors or
    tags in it, more than one document.
    """
    text = _text(source)
    if unprintable := _unprintable(text):
        raise DeclarationProblems(unprintable)
    try:
        if beyond := _beyond_bounds(text):
            raise DeclarationProblems(beyond)
        node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise DeclarationProblems([_syntax_problem(error)]) from None
    return node


def mark_of(node: yaml.Node) -> Mark:
    """Where it begins."""
    return _mark(node.start_mark)


def kind_of(node: yaml.Node) -> str:
    """`str`, `int`, `bool`, `float`, `null`, `timestamp`, `map`, `seq`: YAML's own resolution."""
    return str(node.tag).removeprefix(_SCALAR_TAGS)


def _mark(mark: Any) -> Mark:
    # of either loader, which count from 0, each in a class of its own; some errors have none
    return Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(1, 1)


def _text(source: bytes) -> str:
    if len(source) > MAX_BYTES:
        raise DeclarationProblems([Problem(1, 1, "", f"the file is larger than {MAX_BYTES} bytes")])
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = source[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise DeclarationProblems(
            [Problem(line, column, "", "the file is not UTF-8 here")]
        ) from None


def _unprintable(text: str) -> list[Problem]:
    # YAML 1.1 §5.1. libyaml finds these too, and says where in bytes only.
    problems = []
    for found in islice(Reader.NON_PRINTABLE.finditer(text), MAX_LISTED):
        before = text[: found.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"character U+{ord(found.group()):04X} may not stand in YAML"
        problems.append(Problem(line, column, "", message))
    return problems


def _beyond_bounds(text: str) -> list[Problem]:
    problems: list[Problem] = []
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        complaint = ""
        match event:
            case yaml.AliasEvent():
                complaint = f"alias *{event.anchor}: aliases are not read; write the value out"
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    complaint = "a second document; a file holds one"
            case yaml.CollectionStartEvent() | yaml.ScalarEvent():
                if event.anchor is not None:
                    complaint = f"anchor &{event.anchor}: anchors are not read"
                elif event.tag is not None and event.tag != "!":
                    complaint = f"tag {event.tag}: tags are not read"
                depth += isinstance(event, yaml.CollectionStartEvent)
            case yaml.CollectionEndEvent():
                depth -= 1
        mark = _mark(event.start_mark)
        if complaint:
            problems.append(Problem(mark.line, mark.column, "", complaint))
        if depth > MAX_DEPTH:
            problems.append(_too_deep(mark))
            break
    return problems


def _too_deep(at: Mark) -> Problem:
    return Problem(at.line, at.column, "", f"nested deeper than {MAX_DEPTH} levels")


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = _mark(mark)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    context = getattr(error, "context", None)
    if _TOO_DEEP in said:  # its own limit, which its look-ahead meets before we meet ours
        return _too_deep(place)
    return Problem(
        place.line, place.column, "", f"not YAML: {f'{context}, ' if context else ''}{said}"
    )
