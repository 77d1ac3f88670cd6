"""Completion: what a shell is told, in a real bash, of names however hostile, and nothing in a project that is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mlgit.cli import complete, group, names
from mlgit.cli.completion import SCRIPTS
from tests.kit import git, repository

FILES = {
    "dvc.yaml": "stages:\n  train: {cmd: echo 1}\n  test: {cmd: echo 2}\n  fold: {foreach: [a, b], do: {cmd: echo 3}}\n",
    "mlgit.yaml": "mlgit: 1\nenvironments: [{name: prod}, {name: staging}]\n",
    'it\'s $(touch hacked) "x".csv': "1\n",
    "plain file.csv": "1\n",
}


@pytest.fixture
def root(tmp_path):
    folder = repository(tmp_path / "p", FILES)
    for tag in ("churn@v1.0.0", "churn@v1.2.0", "churn#prod#1", "other@v0.1.0"):
        git(folder, "tag", tag)
    return folder


@pytest.fixture
def ask(root, monkeypatch, capsys):
    def call(line: str) -> list[str]:
        monkeypatch.chdir(root)
        complete.answer("zsh", ["mlgit", *line.split(" ")])
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return call


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sta", ["status"]),
        ("model reg", ["register"]),
        ("card ", ["build", "check", "index"]),
        ("run tr", ["train"]),
        ("run -j 4 te", ["test"]),
        ("run fold@", ["fold@a", "fold@b"]),
        ("run --keep", ["--keep-going"]),
        ("run --follow tr", ["train"]),
        ("status --col", ["--color"]),
        ("model history o", ["other"]),
        ("model show ch", ["churn", "churn#prod", "churn@latest", "churn@v1.0.0", "churn@v1.2.0"]),
        ("model get churn@v1", ["churn@v1.0.0", "churn@v1.2.0"]),
        ("model get churn#", ["churn#prod"]),
        ("model promote churn@v1.2.0 ", ["prod", "staging"]),
        ("new -t min", ["minimal"]),
        ("diff churn@v1.2", ["churn@v1.2.0"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("nothing", []),
    ],
)
def test_word_is_completed(ask, line, found):
    assert ask(line) == found


def test_nothing_is_said_in_a_broken_project(ask, root):
    (root / "dvc.yaml").write_text("stages: [\n")
    (root / "mlgit.yaml").write_text("a: b: c\n")
    assert ask("run tr") == []
    assert ask("model promote churn ") == []
    assert ask("model history ch") == ["churn"] or ask("model history ch") == []


def bash(root: Path, line: str) -> list[str]:
    """What bash would insert, by the script that it was given."""
    where = {"PATH": f"{root.parent}:{os.environ['PATH']}", "L": line, "S": SCRIPTS["bash"]}
    program = root.parent / "mlgit"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mlgit "$@"\n')
    program.chmod(0o755)
    script = """eval "$S"; COMP_LINE=$L COMP_POINT=${#L}; COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
        _mlgit_completion mlgit; printf '%s\\n' "${COMPREPLY[@]}" """
    here = {**os.environ, **where, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", script], cwd=root, env=here, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mlgit run tr", ["train "]),
        ("mlgit model get churn@v1.2", ["v1.2.0 "]),
        ("mlgit add pl", ["plain\\ file.csv "]),
        ("mlgit add 'pl", ["plain file.csv"]),
        ("mlgit add it", ['it\\\'s\\ \\$\\(touch\\ hacked\\)\\ \\"x\\".csv ']),
        ('mlgit add "it', ['it\'s \\$(touch hacked) \\"x\\".csv']),
        ("mlgit add it\\'s\\ ", ['it\\\'s\\ \\$\\(touch\\ hacked\\)\\ \\"x\\".csv ']),
    ],
)
def test_bash_is_given_words_that_it_reads_as_names(root, line, found):
    assert bash(root, line) == found
    assert not (root / "hacked").exists()


def test_names_that_are_not_looked_up_are_right():
    for above, known in names.SLOW.items():
        found = group.group.get_command(click.Context(group.group), above)
        assert isinstance(found, click.Group)
        assert set(found.commands) == set(known)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_printed(tmp_path, cli, shell):
    assert f"_MLGIT_COMPLETE={shell}" in cli(tmp_path, "completion", shell).out
