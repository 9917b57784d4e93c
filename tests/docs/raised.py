"""The error codes that the program raises, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from broker.errors import BrokerError, Kind

KINDS: Final = {
    each.__name__: each.kind
    for each in BrokerError.__subclasses__()
    if each.__module__ == "broker.errors"
}

FROM_THE_WIRE: Final = "sdk/refusal.py"
"""The client raises again what a broker told it: the kind and the code are the answer's."""


class Raised(NamedTuple):
    """A code with the kind that it is raised as."""

    code: str
    kind: Kind


class Unreadable(NamedTuple):
    """A place where the code is neither a literal nor an argument of a function of the module."""

    place: str
    source: str


def raised_in(folder: Path) -> tuple[set[Raised], list[Unreadable]]:
    """Every code that is raised below `folder`, and what could not be read."""
    raised: set[Raised] = set()
    unreadable: list[Unreadable] = []
    for path in sorted(folder.rglob("*.py")):
        module = _Module(path.relative_to(folder).as_posix(), ast.parse(path.read_text()))
        for found in module.found():
            if isinstance(found, Raised):
                raised.add(found)
            elif not found.place.startswith(FROM_THE_WIRE):
                unreadable.append(found)
    return raised, unreadable


class _Module:
    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._functions = {
            node.name: node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self._tree = tree

    def found(self) -> Iterator[Raised | Unreadable]:
        for function, calls in self._calls():
            for call, kind in calls:
                yield from self._codes(call.args[0], kind, function)

    def _calls(self) -> Iterator[tuple[str, list[tuple[ast.Call, Kind]]]]:
        """Calls that make an error, by the function that they stand in."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, [(c, k) for c in _own_calls(node) if (k := _kind(c)) and c.args]
            elif isinstance(node, ast.ClassDef) and (kind := _kind_of_class(node)):
                calls = [c for c in ast.walk(node) if isinstance(c, ast.Call) and _is_init(c)]
                yield node.name, [(c, kind) for c in calls if c.args]

    def _codes(self, code: ast.expr, kind: Kind, function: str) -> Iterator[Raised | Unreadable]:
        match code:
            case ast.Constant(value=str(text)):
                yield Raised(text, kind)
            case ast.IfExp(body=one, orelse=other):
                yield from self._codes(one, kind, function)
                yield from self._codes(other, kind, function)
            case ast.Name(id=name) if given := self._arguments(function, name):
                for argument in given:
                    yield from self._codes(argument, kind, "")
            case _:
                yield Unreadable(f"{self._name}:{code.lineno}", ast.unparse(code))

    def _arguments(self, function: str, parameter: str) -> list[ast.expr]:
        """What the module's calls of `function` give for `parameter`."""
        if function not in self._functions:
            return []
        names = [argument.arg for argument in self._functions[function].args.args]
        if parameter not in names:
            return []
        position = names.index(parameter)
        return [
            call.args[position]
            for call in ast.walk(self._tree)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == function
            and len(call.args) > position
        ]


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Calls in a function, without those of functions inside."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _own_calls(node)


def _kind(call: ast.Call) -> Kind | None:
    return KINDS.get(call.func.id) if isinstance(call.func, ast.Name) else None


def _kind_of_class(node: ast.ClassDef) -> Kind | None:
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    return next((KINDS[base] for base in bases if base in KINDS), None)


def _is_init(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
