"""docs/lint.md against the rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from broker.directory.declaration import lint_declaration, parse_declaration
from broker.directory.declaration.linting import FILE_RULES
from broker.iam.lint import RULES, Level
from tests.docs.documents import ROOT, blocks

DOCUMENT: Final = ROOT / "docs" / "lint.md"


def test_every_rule_has_its_row() -> None:
    """With its level, in the order in which SARIF lists them; and there is no other."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(rule.id, rule.level.word) for rule in (*RULES, *FILE_RULES)]


def test_the_comment_in_the_example_lets_its_finding_be() -> None:
    """Without it there would be a warning; with it there is none."""
    (block,) = blocks("yaml", among=[DOCUMENT])

    def found(text: str) -> list[str]:
        source = text.encode()
        now = datetime(2026, 11, 25, tzinfo=UTC)
        placed = lint_declaration(parse_declaration(source), source, now=now)
        return [p.finding.rule.id for p in placed if p.finding.level >= Level.WARNING]

    assert found(block.text) == []
    assert found(re.sub("#.*", "", block.text)) == ["project-not-pinned"]
