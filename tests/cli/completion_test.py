"""Completion: what a shell is told, and nothing in a project that is broken."""

from __future__ import annotations

import click
import pytest

from mlgit.cli import complete, group, names
from tests.kit import git, repository

FILES = {
    "dvc.yaml": "stages:\n  train: {cmd: echo 1}\n  test: {cmd: echo 2}\n  fold: {foreach: [a, b], do: {cmd: echo 3}}\n",
    "mlgit.yaml": "mlgit: 1\nenvironments: [{name: prod}, {name: staging}]\n",
    'it\'s $(touch hacked) "x".csv': "1\n",
    "plain file.csv": "1\n",
    "params.yaml": "train: {C: 1, depth: 2}\nseed: 1\n",
    "other.json": '{"a": {"b": [1, 2]}}',
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
        return [line.partition("\t")[0] for line in out.splitlines()]

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
        ("--color never run tr", ["train"]),
        ("run --executor=d", ["--executor=dask"]),
        ("model register --bump ", ["patch", "minor", "major"]),
        ("model promote --remote here churn@v1.2.0 ", ["prod", "staging"]),
        ("run --set train.", ["train.C=", "train.depth="]),
        ("run --set other.json:", ["other.json:a.b="]),
        ("run -j ", []),
        ("gate su", ["suggest"]),
        ("push x", []),
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


def every_command(command: click.Command) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return [command]
    context = names.context(command)
    return [found for name in command.list_commands(context) for found in every_command(command.get_command(context, name))]


def test_every_argument_and_option_that_is_known_exists():
    commands = {*complete._ARGUMENTS} | {each.partition(" --")[0] for each in complete._OPTIONS if each[0] != "-"}
    assert [each for each in commands if (found := names.place(each.split())) is None or found.path != each] == []
    words = {f"--{each.partition('--')[2]}" for each in complete._OPTIONS}
    assert words - {word for each in every_command(group.group) for word, _ in names.options(each)} == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_printed(tmp_path, cli, shell):
    assert f"_MLGIT_COMPLETE={shell}" in cli(tmp_path, "completion", shell).out
