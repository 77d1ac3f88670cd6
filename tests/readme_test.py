"""The tour and the review of README, typed line by line: they print what README shows."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tests.kit import example
from tests.kit.console import Shell, is_shown, normal, typed

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[1] / "README.md").read_text()


def _section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _play(shell: Shell, section: str) -> str:
    """Type what a section types; all that was printed."""
    steps = typed(section)
    assert len(steps) >= 5
    everything = ""
    for step in steps:
        code, printed = shell.type(step.line)
        is_right = is_shown(step.shown or ["..."] if "#" in step.line else step.shown, printed)
        assert is_right, "\n".join([f"$ {step.line}", printed, "README shows:", *step.shown])
        assert code in (0, 1), (step.line, printed)
        everything += printed
    return everything


def _read(markdown: str) -> str:
    """A line of Markdown as it is read, not as it is escaped."""
    return normal(re.sub(r"\\(.)", r"\1", re.sub(r" *(</?b>|\*\*) *", " ", html.unescape(markdown))))


def test_tour_and_review_print_what_is_shown(tmp_path):
    shell = Shell(tmp_path, example.environment())
    _play(shell, _section("A tour of five minutes"))
    assert shell.type("git switch -q weaker-model && mlgit run")[0] == 0
    printed = {_read(line) for line in _play(shell, _section("Review")).splitlines()}
    quoted = re.findall(r"^> (.+)$", _section("Review"), re.MULTILINE)
    assert len(quoted) > 12
    assert [line for line in quoted if _read(line) not in printed] == []


def test_line_that_is_no_longer_printed_would_be_found():
    shown = ("running    train  (never run)", "ran        train  2.31 s", "1 ran in 2.33 s", "  metric  0.988", "...")
    printed = "\n".join(shown[:-1])
    assert is_shown(shown, printed.replace("2.31 s", "0.1 s"))
    assert is_shown(shown, f"{printed}\nmore\n")
    assert not any(is_shown(shown, printed.replace(line, "")) for line in shown[:-1])
    assert not is_shown(shown, printed.replace("0.988", "0.983"))
    assert not is_shown((), "anything")
