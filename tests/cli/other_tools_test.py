"""What is typed wrong: commands of other tools, of another group, and words that are close to one."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from mlgit.cli import error_boundary, group, names, other_tools
from mlgit.cli.exp import group as exp_group
from mlgit.cli.model import group as model_group
from tests.kit import repository
from tests.kit.commands import parse

FOREIGN = (
    *(
        "repro",
        "experiments",
        "list",
        "show",
        "checkout",
        "commit",
        "fetch",
        "gc",
        "metrics",
        "params",
        "plots",
        "stage",
        "queue",
    ),
    *("register", "promote", "assign", "deprecate", "ui", "server", "models", "history", "describe", "annotate"),
    *("ls", "root", "lock", "unlock", "studio"),
)
STAGE = "stages:\n  train-one: {cmd: cat params.yaml > o, params: [train.C, Seed], outs: [o]}\n"
FILES = {"dvc.yaml": STAGE, "params.yaml": "train: {C: 1, depth: 2}\ntest: {rows: 5}\nSeed: 1\nmodel: {rows: 7}\n"}


@pytest.mark.parametrize("word", FOREIGN)
def test_command_of_another_tool_names_ours(tmp_path, cli, word):
    done = cli(tmp_path, word, "--some", "thing")
    assert done.code == 2
    assert done.err.startswith(f"error: no such command '{word}'")
    assert re.search(r"`(mlgit|dvc|git) \w+", done.err.partition("\n")[0])


def test_every_command_that_is_named_exists_and_takes_what_is_said():
    said = " ".join((*other_tools.ELSEWHERE.values(), *other_tools.OF_MODELS.values(), *other_tools.OF_EXPERIMENTS.values()))
    for line in set(re.findall(r"`mlgit ([^`]+)`", said)):
        try:
            parse([word.replace("NAME@VERSION", "a@v1").replace("PARAM", "a") for word in shlex.split(line)])
        except click.UsageError as error:
            assert re.search("missing|Missing", str(error))  # noqa: PT017


def test_no_word_is_called_another_tools_that_is_a_command_here():
    assert not other_tools.OF_MODELS.keys() & model_group.COMMANDS.keys()
    assert not other_tools.OF_EXPERIMENTS.keys() & exp_group.COMMANDS.keys()
    assert not other_tools.ELSEWHERE.keys() & group.COMMANDS.keys()


def test_groups_are_those_with_commands_of_their_own():
    top = group.group
    found = {name for name in group.COMMANDS if isinstance(top.get_command(names.context(top), name), click.Group)}
    assert found == set(group.GROUPS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("repro", "'repro'; DVC's `repro` is `mlgit run`\n"),
        ("REPRO train", "'REPRO'; DVC's `repro` is `mlgit run`\n"),
        ("rollback a", "'rollback', did you mean `mlgit model rollback`?\n"),
        ("build", "'build', did you mean `mlgit card build`?\n"),
        ("model assign a b", "`mlgit model promote"),
        ("model gate", "'gate', did you mean `mlgit gate`?\n"),
        ("model publish", "'publish', did you mean `mlgit ci publish`?\n"),
        ("card buld", "'buld', did you mean 'build'?\n"),
        ("ci pubish", "'pubish', did you mean 'publish'?\n"),
        ("RUN", "'RUN', did you mean 'run'?\n"),
        ("xyzzy", "no such command 'xyzzy'\n"),
        ("run --dry", "error: no such option '--dry', did you mean '--dry-run'?\nhint: `mlgit run --help`"),
        ("run --keepgoing", "'--keepgoing', did you mean '--keep-going'?\n"),
        ("run --Force", "'--Force', did you mean '--force'?\n"),
        ("doctor -f", "'-f', did you mean '--fix'?\n"),
        ("status --xyzzy", "error: no such option '--xyzzy'\n"),
        ("run --set train.c=1", "params.yaml: no parameter 'train.c', did you mean 'train.C'?\n"),
        ("run --set C=1", "no parameter 'C', did you mean 'train.C'?\n"),
        ("run --set seed=1", "no parameter 'seed', did you mean 'Seed'?\n"),
        ("run --set trian.C=1", "no parameter 'trian', did you mean 'train.C'?\n"),
        ("run --set train.detph=1", "no parameter 'train.detph', did you mean 'train.depth'?\n"),
        ("run --set rows=1", "no parameter 'rows', did you mean 'test.rows' or 'model.rows'?\n"),
        ("run --set xyzzy=1", "no parameter 'xyzzy'\n"),
        ("run TRAIN_ONE", "'TRAIN_ONE', did you mean 'train-one'?\n"),
        ("dag trainone", "'trainone', did you mean 'train-one'?\n"),
    ],
)  # fmt: skip
def test_near_miss_is_named(tmp_path, cli, line, said):
    done = cli(repository(tmp_path / "p", FILES), *line.split())
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("name", ["", "  "])
def test_new_without_a_name_speaks_of_the_name(tmp_path, cli, name):
    done = cli(tmp_path, "new", name, "--defaults")
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: '{name}' is no name for a folder")
    assert list(tmp_path.iterdir()) == []


def test_picture_and_document_are_not_asked_for_at_once(tmp_path, cli):
    done = cli(repository(tmp_path / "p", FILES), "dag", "--format", "dot", "--json")
    assert (done.code, "--json and --format dot exclude each other" in done.said) == (2, True)


def test_word_behind_two_dashes_is_no_option():
    assert error_boundary._is_for_programs(["dag", "--format", "dot"])
    assert not error_boundary._is_for_programs(["run", "--", "--format"])
