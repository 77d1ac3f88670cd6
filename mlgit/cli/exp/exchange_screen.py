"""What `exp import` and `exp export` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.exp_export import Exported
    from mlgit.commands.exp_import import Imported

_WORDS = (
    ("trials", "trial"),
    ("runs", "run"),
    ("updated", "more that went on"),
    ("experiments", "experiment"),
    ("models", "logged model"),
    ("files", "file"),
)


def imported(result: Imported) -> None:
    """A line for each source, and what could not be taken."""
    for each in result.document()["sources"]:
        _tell(each["source"], each)


def exported(result: Exported) -> None:
    """The same of what was sent."""
    found = result.document()
    _tell(found["target"], found | {"trials": 0, "kept": 0})


def _tell(title: str, each: Mapping[str, Any]) -> None:
    new = [f"{each[key]} {word}" if key == "updated" else count(each[key], word) for key, word in _WORDS if each[key]]
    rest = [f"{each['unchanged']} known already"] if each["unchanged"] else []
    rest += [f"{each['kept']} changed here, and left as they are"] if each["kept"] else []
    click.echo(plain(f"{title}: {', '.join(new) or 'nothing new'}" + (f" ({'; '.join(rest)})" if rest else "")))
    for line in each["missed"]:
        click.echo(plain(f"  {line}"))
