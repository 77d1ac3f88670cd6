"""The tour of README, typed line by line: it prints what README shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import example
from tests.kit.console import Shell, is_shown, typed

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[1] / "README.md").read_text()
TOUR = README.split("\n## A tour of five minutes\n")[1].split("\n## ")[0]


def test_tour_prints_what_is_shown(tmp_path):
    shell = Shell(tmp_path, example.environment())
    steps = typed(TOUR)
    assert len(steps) > 12
    for step in steps:
        code, printed = shell.type(step.line)
        assert is_shown(step.shown, printed), "\n".join([f"$ {step.line}", printed, "README shows:", *step.shown])
        assert code in (0, 1), (step.line, printed)


def test_line_that_is_no_longer_printed_would_be_found():
    shown = ("running    train  (never run)", "ran        train  2.31 s", "1 ran in 2.33 s", "  metric  0.988", "...")
    printed = "\n".join(shown[:-1])
    assert is_shown(shown, printed.replace("2.31 s", "0.1 s"))
    assert is_shown(shown, f"{printed}\nmore\n")
    assert not any(is_shown(shown, printed.replace(line, "")) for line in shown[:-1])
    assert not is_shown(shown, printed.replace("0.988", "0.983"))
    assert not is_shown((), "anything")
