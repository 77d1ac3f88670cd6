"""`mlgit exp list`: the names of trials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlgit.cli.exp import view_options
from mlgit.cli.format_options import json_option
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.exp_list import ListedTrials


@click.command(
    epilog="Examples: `mlgit exp list`, `mlgit exp list --all`, `mlgit exp list --names-only`.",
    short_help="List trials by name.",
)
@view_options.baseline_options()
@click.option("--names-only", is_flag=True, help="Only the names, a line each.")
@json_option()
def command(*, baseline: str | None, everything: bool, names_only: bool, as_json: bool) -> int:
    """List the trials of HEAD, or where it has none, of the nearest commit before it that has some."""
    from mlgit.commands.exp_list import list_trials

    found = list_trials(baseline=baseline, everything=everything)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2, allow_nan=False))
        return found.exit_code
    lines = list(_lines(found, only_names=names_only))
    if lines:
        click.echo("\n".join(lines))
    view_options.say_what_is_missing(len(found.trials), found.n_elsewhere)
    return found.exit_code


def _lines(found: ListedTrials, *, only_names: bool) -> Iterator[str]:
    from mlgit.experiments import table_text

    for baseline in found.baselines:
        own = [each for each in found.trials if each.baseline == baseline.commit]
        if not only_names and own:
            yield f"{plain(baseline.name)}:"
        yield from (line if only_names else f"  {line}" for line in table_text.name_lines(own, only_names=only_names))
