"""What `exp import` and `exp export` say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlgit.render.text import count, plain

if TYPE_CHECKING:
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
        new = [f"{each[key]} {word}" if key == "updated" else count(each[key], word) for key, word in _WORDS if each[key]]
        rest = [f"{each['unchanged']} known already"] if each["unchanged"] else []
        rest += [f"{each['kept']} changed here, and left as they are"] if each["kept"] else []
        click.echo(plain(f"{each['source']}: {', '.join(new) or 'nothing new'}" + (f" ({'; '.join(rest)})" if rest else "")))
        for line in each["missed"]:
            click.echo(plain(f"  {line}"))
