"""Which command lines are answered without a parser, and that each says what the parser's command would."""

from __future__ import annotations

import pytest

from mlgit.cli import fast, jobs_of


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("--version", "version"),
        ("-V", "version"),
        ("run", "run"),
        ("run -j4", "run"),
        ("run -j9999", "run"),
        ("status", "status"),
        ("model list", "models"),
        ("model list --json", "models"),
    ],
)
def test_plain_command_line_is_known(line, asked):
    assert fast(line.split()) == asked


@pytest.mark.parametrize(
    "line",
    [
        *("", "run -j0", "run -j", "run -j04", "run -j10000", "run -jN", "run -j²", "run -j4 -j4", "run train", "run --json"),
        *("status -j4", "-j4", "--version run"),
        *("model", "model list --help", "model list x", "model list --json --json"),
    ],
)
def test_every_other_is_parsed(line):
    assert fast(line.split()) == ""


def test_number_of_jobs_is_read():
    assert [jobs_of(each) for each in ("-j1", "-j12", "-jx", "--jobs", "j3", "")] == [1, 12, 0, 0, 0, 0]


def test_plain_line_and_parsed_line_say_the_same(done):
    assert done("run").out.partition(" in ")[0] == done("run", "--jobs", "2").out.partition(" in ")[0] == "4 unchanged"
    assert done("model", "list").out == done("model", "list", "--").out
