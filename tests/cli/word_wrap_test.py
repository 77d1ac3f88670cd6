"""Lines on a narrow terminal: no word is broken, and none is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.cli.word_wrap import wrapped
from mlgit.render.terminal import width
from tests.kit import repository
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN
from tests.kit.terminal import Terminal

LINES = st.lists(st.text("ab`é漢,.", min_size=1, max_size=30), max_size=12).map(" ".join)


@given(LINES, st.integers(10, 60))
def test_every_word_stands_whole_and_in_its_place(line, columns):
    found = wrapped(line, columns)
    assert found.split() == line.split()
    assert all(width(each) <= columns or len(each.split()) == 1 or "`" in each for each in found.split("\n"))


def test_command_in_backquotes_is_not_broken():
    line = "hint: bring it back: `mlgit run --pull`, or leave it out of the comparison"
    assert "`mlgit run --pull`," in wrapped(line, 30).replace("\n", "|")
    spaced = wrapped("hint: type `git commit -m 'two  spaces'` and go on with it now", 40)
    assert "`git commit -m 'two  spaces'`" in spaced
    assert wrapped(f"  \x1b[31m{'word ' * 3}\x1b[0m", 20) == f"  \x1b[31m{'word ' * 3}\x1b[0m"


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 40])
def test_words_are_whole_on_narrow_terminals(tmp_path, columns):
    rules = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 90\n"}
    root = repository(tmp_path / "p", rules)
    for words in (["run"], ["diff", "HEAD"], ["gate", "HEAD"], ["status"], ["new", "--list"], ["nonsense"], ["card", "check"]):
        _, wide = Terminal(root, *words, columns=400).end()
        _, narrow = Terminal(root, *words, columns=columns).end()
        if words != ["run"]:
            assert shown(narrow) == shown(wide), words
        assert all(width(line) <= columns for line in narrow.splitlines())


def shown(text):
    return [word for word in text.split() if not re.fullmatch(r"[-─0-9.]+", word)]
