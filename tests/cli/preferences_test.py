"""`--color`, `--quiet` and `--verbose`: every command has them, and which of them decides."""

from __future__ import annotations

import json

import pytest

from tests.kit import repository

FILES = {"dvc.yaml": "stages:\n  good: {cmd: echo 1 > o, outs: [o]}\n", "params.yaml": "a: 1\n"}
BAD = {"dvc.yaml": "stages:\n  bad: {cmd: echo boom && false}\n"}
PLAIN = {"NO_COLOR": "", "FORCE_COLOR": "", "CLICOLOR_FORCE": "", "CLICOLOR": "", "TERM": "xterm"}


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ("", {}, False),
        ("", {"FORCE_COLOR": "1"}, True),
        ("", {"FORCE_COLOR": "0"}, False),
        ("", {"CLICOLOR_FORCE": "1"}, True),
        ("", {"CLICOLOR_FORCE": "0"}, False),
        ("", {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ("", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("--color always", {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("--color=never", {"FORCE_COLOR": "1"}, False),
        ("--color auto", {"FORCE_COLOR": "1"}, True),
    ],
)
def test_what_decides_about_colours(tmp_path, cli, monkeypatch, words, environment, coloured):
    for name, value in (PLAIN | environment).items():
        monkeypatch.setenv(name, value)
    root = repository(tmp_path / "p", FILES)
    for line in ([*words.split(), "status"], ["status", *words.split()]):
        assert ("\x1b[" in cli(root, *line).out) is coloured
    wrong = cli(root, "status", *words.split(), "--nope")
    assert ("\x1b[" in wrong.err) is coloured


def test_json_is_never_coloured(tmp_path, cli):
    done = cli(repository(tmp_path / "p", FILES), "status", "--json", "--color", "always")
    assert json.loads(done.out)["up_to_date"] is False


@pytest.mark.parametrize("line", ["-q status", "status -q", "status --quiet"])
def test_quiet_command_answers_by_its_exit_code(tmp_path, cli, line):
    done = cli(repository(tmp_path / "p", FILES), *line.split())
    assert (done.code, done.out, done.err) == (1, "", "")


def test_quiet_command_prints_errors_and_a_document_that_was_asked_for(tmp_path, cli):
    root = repository(tmp_path / "p", FILES)
    assert cli(root, "status", "-q", "nothing").err.startswith("error: no stage, file or output 'nothing'")
    assert json.loads(cli(root, "status", "-q", "--json").out)["schema"] == 1
    assert cli(root, "status").out, "the next command is not quiet"


def test_quiet_run_shows_what_failed_and_nothing_else(tmp_path, cli):
    good = cli(repository(tmp_path / "good", FILES), "run", "-q")
    assert (good.code, good.said) == (0, "")
    bad = cli(repository(tmp_path / "bad", BAD), "run", "-q")
    assert (bad.code, bad.out) == (1, "")
    assert "stage 'bad' failed" in bad.err


def test_verbose_command_says_more(tmp_path, cli):
    root = repository(tmp_path / "p", FILES)
    assert cli(root, "-v", "run").code == 0
    done = cli(root, "status", "-v")
    assert "good: up to date\n" in done.out
    assert "exit code 0 after" in done.err


def test_verbose_error_names_what_lies_beneath(tmp_path, cli):
    (root := repository(tmp_path / "p", FILES)).joinpath("mlgit.yaml").write_text("a: [\n")
    assert "caused by" not in cli(root, "status").err
    assert "caused by" in cli(root, "status", "--verbose").err
