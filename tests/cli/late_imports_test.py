"""The options of every command, for its help and for a shell that completes them, are known without what the command does."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import click
import pytest

from mlgit.cards.review import Profile
from mlgit.cli import names
from mlgit.commands import ci_run, clients, new
from mlgit.commands.model import audit
from mlgit.commands.report import FORMATS
from mlgit.pipeline import render_graph
from mlgit.registry import grammar

_EACH_HELP = """
import sys
import click
from mlgit.cli import group

def walk(command):
    command.get_help(click.Context(command))
    for name in command.list_commands(click.Context(command)) if isinstance(command, click.Group) else ():
        walk(command.get_command(click.Context(command), name))

walk(group.group)
print(*sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    done = subprocess.run([sys.executable, "-c", _EACH_HELP], capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


@pytest.mark.parametrize("room", ["commands", "gate", "evaluation", "report", "registry", "cards", "revision", "adapters.dvc"])
def test_help_of_all_commands_needs_no_room_below(loaded, room):
    assert {"mlgit.cli.gate", "mlgit.cli.ci.publish", "mlgit.cli.model.audit"} <= loaded
    assert [name for name in loaded if f"{name}.".startswith(f"mlgit.{room}.")] == []


def test_help_of_all_commands_needs_no_slow_library(loaded):
    assert loaded & {"numpy", "pandas", "yaml", "rich", "dvc", "subprocess", "tempfile"} == set()


@pytest.mark.parametrize(
    ("command", "word", "known"),
    [
        ("card check", "--profile", get_args(Profile)),
        ("report", "--format", FORMATS),
        ("dag", "--format", render_graph.FORMATS),
        ("model audit", "--format", audit.FORMATS),
        ("model register", "--bump", grammar.PARTS),
        ("ci propose", "--forge", clients.KINDS),
        ("ci publish", "--forge", clients.KINDS),
        ("new", "--template", new.DEFAULT_TEMPLATE),
        ("ci run", "--out", ci_run.FOLDER),
    ],
)
def test_what_an_option_takes_is_what_the_command_knows(command, word, known):
    option = names.option(names.place(command.split()).command, word)
    assert isinstance(known, str) or sorted(known) == sorted(option.type.choices)
    assert not isinstance(known, str) or known == option.get_default(click.Context(click.Command("x")))
