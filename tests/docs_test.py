"""What README and the pages under docs/ say: commands exist and take their options, and links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.kit.commands import parse

CHECKOUT = Path(__file__).parents[1]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def commands(text: str) -> Iterator[str]:
    """The command lines of mlgit in console blocks, without comments, and up to what the shell does with them."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            for part in re.split(r" && | \| |; ", line):
                if part.startswith("mlgit "):
                    yield part


@every_page
def test_commands_exist_and_take_their_options(path):
    wrong = []
    for line in commands(path.read_text()):
        try:
            parse(shlex.split(line, comments=True)[1:])
        except (click.UsageError, AssertionError) as error:
            wrong.append((line, str(error)))
    assert wrong == []


def test_command_that_is_none_would_be_found():
    for line in ("mlgit gates", "mlgit gate --nope", "mlgit ci", "mlgit model get"):
        with pytest.raises(click.UsageError):
            parse(line.split()[1:])
    assert [*commands("```console\n$ mlgit run && mlgit gate  # why\n5 ran\n```\n")] == ["mlgit run", "mlgit gate  # why"]


@every_page
def test_links_lead_to_files(path):
    found = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text())
    assert [link for link in found if not (path.parent / link).exists()] == []


def modules_named(text: str) -> list[str]:
    """What is named as a Python file of this repository: `mlgit/schema.py`, or seen from mlgit/, `pipeline/book.py`."""
    return re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)


@every_page
def test_modules_that_a_page_names_exist(path):
    named = modules_named(path.read_text())
    assert [each for each in named if not (CHECKOUT / each).exists() and not (CHECKOUT / "mlgit" / each).exists()] == []


def test_module_that_moved_would_be_found():
    assert modules_named("see `cli/opening.py` and `src/x/y.py`, not `train.py`") == ["cli/opening.py", "src/x/y.py"]
