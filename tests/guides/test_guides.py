"""What holds for every guide."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from broker.iam.presets import PRESETS, Preset
from tests.docs.documents import blocks
from tests.guides.following import GUIDES, commands

PAGES = sorted(GUIDES.glob("*.md"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_has_a_guide_that_uses_it(preset: Preset) -> None:
    """Its page shows the command, and pins every id that the platform has."""
    used = [w for w in commands(preset.guide) if " ".join(w).startswith(preset.name)]
    assert used
    for words in used:
        if "--issuer-keys" not in words:
            pins = {question.flag for question in preset.questions if question.pins}
            assert pins <= set(words), words


def test_the_index_has_every_guide() -> None:
    """And no other."""
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (GUIDES / "README.md").read_text()))
    assert listed == {page.name for page in PAGES} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_yaml_of_guides_can_be_read(page: Path) -> None:
    """Each block is a document, as the platform would read it."""
    for block in blocks("yaml", among=[page]):
        assert yaml.safe_load(block.text), str(block)
