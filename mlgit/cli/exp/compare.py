"""`mlgit exp compare`: the best trial, and what its gain is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from mlgit.cli.exp import view_options
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    from mlgit.commands.exp_compare import TrialComparison

_MOST_ON_SCREEN = 10


@click.command(
    epilog="Examples: `mlgit exp compare`, `mlgit exp compare lr-0.2-7f3a1c lr-0.5-01ab9e`, "
    "`mlgit exp compare --objective accuracy`, `mlgit exp compare --format html -o trials.html`.",
    short_help="Compare trials, and the best with the baseline.",
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@view_options.baseline_options()
@view_options.view_options()
def command(
    names: tuple[str, ...],
    *,
    baseline: str | None,
    everything: bool,
    condition: str,
    sweep: str,
    status: str | None,
    sort: str,
    order: Literal["", "asc", "desc"],
    objective: str,
    only: tuple[str, ...],
    drop: tuple[str, ...],
    all_columns: bool,
    top: int | None,
    output: str | None,
    form: str,
) -> int:
    """Compare trials like `mlgit exp show`, and say what the gain of the best is worth.

    Where the trials have predictions of the same rows, the gain over the baseline comes with its paired interval, and with
    one that heeds that the trial was picked from many: it holds for all trials at once. --format html writes a page with
    parallel coordinates, scatter plots and learning curves.

    Exit code 0 where there is a best trial, 2 where nothing says which way is better, or there is none.
    """
    from mlgit.commands.exp_compare import compare

    view = view_options.view_of(
        condition=condition,
        sweep=sweep,
        status=status,
        sort=sort,
        order=order,
        objective=objective,
        only=only,
        drop=drop,
        all_columns=all_columns,
        top=top or (_MOST_ON_SCREEN if form in ("table", "md") and not names else None),
    )
    found = compare(names, baseline=baseline, everything=everything, view=view)
    view_options.show(found.shown, form=form, output=output, document=found.document())
    return _exit_code(found)


def _exit_code(found: TrialComparison) -> int:
    table = found.shown.table
    if table.trials and not table.best:
        hint = "name it: `--objective METRIC`, or `metrics: {METRIC: {direction: higher}}` in mlgit.yaml"
        raise MlgitError("nothing says which metric is to be better, so no trial is best", hint)
    return found.exit_code
