"""The whole comment in each state, as a reviewer gets it; `python -m tests.report.golden_test` writes these files anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgit.report import document, markdown
from tests.report.samples import FAILED, FULL, STATES

FOLDER = Path(__file__).parent / "golden"


def comment(state: str) -> str:
    report = document.from_json(document.to_json(STATES[state]), source="report.json")
    return markdown.comment(report, previous=markdown.comment(FULL) if report.state == FAILED.state else "")


@pytest.mark.parametrize("state", STATES)
def test_comment(state):
    assert comment(state) == (FOLDER / f"{state}.md").read_text(encoding="utf-8")


def test_every_file_is_of_a_state():
    assert {path.stem for path in FOLDER.iterdir()} == set(STATES)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in STATES:
        (FOLDER / f"{name}.md").write_text(comment(name), encoding="utf-8")
