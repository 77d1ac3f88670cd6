"""The page about cards lists every section."""

from __future__ import annotations

from pathlib import Path

from mlgit.cards.catalogue import TOPICS

_HF = {"asked": "x ", "optional": "(x) ", "": ""}
PAGE = Path(__file__).parents[2] / "docs" / "cards.md"


def test_page_lists_every_section_with_its_question_and_profiles():
    text = PAGE.read_text()
    rows = [row for row in text.splitlines() if row.startswith("| `") and row.count("|") == 5]
    expected = [f"| `{each.key}` | {each.prompt} | {_HF[each.hf]}| {each.annex} |" for each in TOPICS]
    assert rows == expected
