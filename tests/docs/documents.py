"""The documents of the repository, and what tests look for in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SKIPPED: Final = frozenset({"var", "node_modules", "build", "dist", "requirements"})

_FENCE: Final = re.compile(
    r"^(?P<fence>`{3,})(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
RUN: Final = "<!-- A test runs this. -->\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block."""

    document: Path
    line: int
    language: str
    text: str
    marked: bool
    """Whether a comment before it says that a test runs it."""

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    """Every Markdown file of the repository."""
    found = []
    for path in sorted(ROOT.rglob("*.md")):
        folders = path.relative_to(ROOT).parts[:-1]
        if not any(name in SKIPPED or name.startswith(".") for name in folders):
            found.append(path)
    return found


def blocks(*languages: str, among: list[Path] | None = None) -> list[Block]:
    """Fenced blocks in these languages; in any when none is given."""
    return [
        block
        for document in among or documents()
        for block in _blocks(document)
        if not languages or block.language in languages
    ]


def _blocks(document: Path) -> Iterator[Block]:
    text = document.read_text()
    for match in _FENCE.finditer(text):
        yield Block(
            document,
            text.count("\n", 0, match.start()) + 1,
            match["language"],
            match["text"],
            text[: match.start()].endswith(RUN),
        )


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCE.sub("", document.read_text())


def spans(document: Path) -> list[str]:
    """Code in the running text."""
    return _SPAN.findall(prose(document))


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """Every anchor of a document."""
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)}
