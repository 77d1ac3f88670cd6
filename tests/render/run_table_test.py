"""The table of what runs, in any width and height."""

from __future__ import annotations

import pytest

from mlgit.render.run_table import Row, about, rows, summary
from mlgit.render.terminal import width, wrap

RUNNING = [Row("train", 75.2, 600.0, "epoch 3: \tloss 0.12"), Row("漢字の名前がとても長い", 3700.0, 60.0), Row("new", 0.4)]


@pytest.mark.parametrize("columns", [*range(1, 30), 59, 60, 79, 119, 400])
def test_no_line_is_wider_than_the_terminal(columns):
    found = rows(RUNNING, summary=summary(1, 12, left=700.0, unknown=2), columns=columns, lines=24, color=False)
    assert len(found) == 4
    assert max(map(width, found)) <= columns


def test_row_says_how_long_it_runs_what_is_left_and_the_last_line():
    found = rows(RUNNING, summary=["1 of 12"], columns=100, lines=24, color=False)
    assert " ".join(found[0].split()) == "running train 1 min 15 s ~9 min left epoch 3: loss 0.12"
    assert "usually 1 min" in found[1]
    assert found[3] == "1 of 12"


def test_more_rows_than_the_terminal_has_lines_are_counted():
    found = rows([Row(f"s{at}", 1.0) for at in range(40)], summary=["0 of 40"], columns=80, lines=10, color=False)
    assert (len(found), found[-2:]) == (8, ["… 34 more running", "0 of 40"])


def test_summary_says_what_is_left_as_far_as_that_is_known():
    assert summary(1, 3, left=0.0, unknown=2) == ["1 of 3"]
    assert summary(1, 3, left=90.0, unknown=0)[0] == "1 of 3, about 2 min left"
    assert summary(1, 3, left=90.0, unknown=1)[0] == "1 of 3, at least 2 min left (1 stage never ran here)"


@pytest.mark.parametrize(
    ("duration", "text"), [(0.2, "1 s"), (59.4, "59 s"), (59.6, "1 min"), (3569, "59 min"), (3600, "1 h 00 min")]
)
def test_rough_durations(duration, text):
    assert about(duration) == text


def test_own_lines_are_broken_between_words():
    assert wrap("running    train  (dep changed: data/raw.csv)", 24, indent=11) == [
        "running    train  (dep",
        "           changed:",
        "           data/raw.csv)",
    ]
    assert wrap("short", 24) == ["short"]
    assert all(width(line) <= 10 for line in wrap("running    a-very-long-name-of-a-stage  (never run)", 10, indent=11))
