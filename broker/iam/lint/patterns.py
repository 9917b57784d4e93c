"""What can be said of any pattern, whatever it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from broker.iam.lint import findings as rules
from broker.iam.lint.findings import Finding
from broker.iam.lint.reasoning import Reasoning, Unknown, matches
from broker.iam.lint.syntax import Chars, Choice, Edge, Node, Repeat, Sequence, Unfollowed, parse

STRANGERS: Final = (
    "evil",
    "repo:evil/evil:pull_request",
    "repo:evil@1/evil@2:ref:refs/heads/main",
    "project_path:evil/evil:ref_type:branch:ref:main",
    "organization:evil:pipeline:evil:ref:refs/heads/evil:commit:0:step:evil",
    "https://evil.example/evil",
    "arn:aws:sts::000000000000:assumed-role/evil/evil",
    "mallory@evil.example",
    "system:serviceaccount:evil:evil",
    "refs/heads/evil",
    "104232000000000000000",
    "00000000-0000-4000-8000-000000000000",
)
"""Values of every kind that somebody else has. What takes them all takes everything."""

_OF_REFS: Final = frozenset(
    {"ref", "base_ref", "head_ref", "environment", "workflow", "workflow_ref", "job_workflow_ref"}
)
"""Claims whose beginnings are meant: `refs/tags/v.*`."""


def takes_everything(pattern: str) -> bool:
    """Whether strangers of every kind pass."""
    return all(matches(pattern, text) for text in STRANGERS)


def pattern_findings(field: str, pattern: str, reasoning: Reasoning) -> Iterator[Finding]:
    """What is odd about a pattern that does not take everything."""
    try:
        if reasoning.example(pattern) is None:
            yield Finding(
                rules.NEVER_MATCHES,
                field,
                "no text matches this pattern.",
                "An anchor in the middle, or a class without characters, is the usual cause.",
            )
            return
    except Unknown:
        pass
    try:
        tree = parse(pattern)
    except Unfollowed:
        return
    yield from _dots(field, pattern, tree)
    yield from _anchors(field, tree)
    yield from _wildcards(field, tree)


def gap_findings(fields: dict[str, str], reasoning: Reasoning) -> Iterator[Finding]:
    """For patterns (field → pattern) that could not be worked out."""
    for field, pattern in fields.items():
        if reason := reasoning.gaps.get(pattern):
            yield Finding(
                rules.NOT_ANALYSED,
                field,
                f"{reason}; it was tried with examples only.",
                "A simpler pattern can be checked, by lint and by people.",
            )


def _dots(field: str, pattern: str, tree: Node) -> Iterator[Finding]:
    found = sorted({dot.at for dot in _literal_dots(tree)})
    if not found:
        return
    mended = pattern
    for at in reversed(found):
        mended = f"{mended[:at]}\\{mended[at:]}"
    count = "a dot stands" if len(found) == 1 else f"{len(found)} dots stand"
    yield Finding(
        rules.UNESCAPED_DOT,
        field,
        f"{count} for any character.",
        f"If a dot is meant, write {mended}",
    )


def _literal_dots(node: Node) -> Iterator[Chars]:
    match node:
        case Choice(options):
            for option in options:
                yield from _literal_dots(option)
        case Repeat(Chars(), _, _):
            return  # `.+` is meant as it is
        case Repeat(item, _, _):
            yield from _literal_dots(item)
        case Sequence(items):
            for before, item, after in zip(items, items[1:], items[2:], strict=False):
                if isinstance(item, Chars) and item.is_dot and _names_around(before, after):
                    yield item
            for item in items:
                yield from _literal_dots(item)


def _names_around(before: Node, after: Node) -> bool:
    """Whether a name ends before and begins behind: `actions.github`, `[a-z]+.example`."""
    named = _is_of_name(before), _is_of_name(after)
    return any(named) and all(
        is_named or (isinstance(node, Repeat | Choice) and not _is_wildcard(node))
        for is_named, node in zip(named, (before, after), strict=True)
    )


def _anchors(field: str, tree: Node) -> Iterator[Finding]:
    ends = sorted(
        {item.source for get in (_first, _last) for item in get(tree) if isinstance(item, Edge)}
    )
    if ends:
        yield Finding(
            rules.REDUNDANT_ANCHOR,
            field,
            f"patterns match the whole value, with or without {' and '.join(ends)}.",
            f"Leave {'it' if len(ends) == 1 else 'them'} out.",
        )


def _wildcards(field: str, tree: Node) -> Iterator[Finding]:
    if any(_opens(option) for option in _options(tree)):
        yield Finding(
            rules.LEADING_WILDCARD,
            field,
            "anything may stand before what this pattern names.",
            "Write out what the value begins with; patterns match the whole value.",
        )
    name = field.partition(".")[2]
    trailing = next((text for option in _options(tree) if (text := _closes(option))), "")
    if trailing and name not in _OF_REFS and "refs/" not in trailing:
        yield Finding(
            rules.TRAILING_WILDCARD,
            field,
            f"behind {_end_of(trailing)!r} anything may follow, as in {_end_of(trailing)}-evil.",
            "Put the delimiter (':', '/') before the wildcard, or leave the wildcard out.",
        )


def _end_of(text: str) -> str:
    """The last name of a text with delimiters."""
    for delimiter in ":/@":
        text = text.rpartition(delimiter)[2]
    return text


def _options(node: Node) -> Iterator[Sequence]:
    match node:
        case Choice(options):
            for option in options:
                yield from _options(option)
        case Sequence():
            yield node
        case _:
            yield Sequence((node,))


def _opens(option: Sequence) -> bool:
    items = [item for item in option.items if not isinstance(item, Edge)]
    if len(items) < 2 or not _is_wildcard(items[0]):
        return False
    behind = items[1]
    # `.*@example\.com`: of a domain, everybody is meant
    return not (isinstance(behind, Chars) and behind.literal in {"@", "."})


def _closes(option: Sequence) -> str:
    """The literal text right before a wildcard at the end, if a name ends there."""
    items = [item for item in option.items if not isinstance(item, Edge)]
    if not items or not _is_wildcard(items[-1]):
        return ""
    text = ""
    for item in reversed(items[:-1]):
        if not isinstance(item, Chars) or not item.literal:
            break
        text = item.literal + text
    return text if text[-1:].isalnum() else ""


def _is_wildcard(node: Node) -> bool:
    r"""`.*`, `.+`, `[\s\S]*`: any number of nearly any characters."""
    if not isinstance(node, Repeat) or node.most is not None or not isinstance(node.item, Chars):
        return False
    return all(
        any(low <= ord(sample) <= high for low, high in node.item.ranges) for sample in "a0-_:/@."
    )


def _is_of_name(node: Node) -> bool:
    return isinstance(node, Chars) and node.literal.isalnum()


def _ends(pick: Callable[[tuple[Node, ...]], Node]) -> Callable[[Node], Iterator[Node]]:
    def walk(node: Node) -> Iterator[Node]:
        match node:
            case Choice(options):
                for option in options:
                    yield from walk(option)
            case Sequence(items) if items:
                yield from walk(pick(items))
            case _:
                yield node

    return walk


_first = _ends(lambda items: items[0])
_last = _ends(lambda items: items[-1])
