"""`mlgit exp show`: a table of trials."""

from __future__ import annotations

from typing import Literal

import click

from mlgit.cli.exp import view_options


@click.command(
    epilog="Examples: `mlgit exp show`, `mlgit exp show --filter 'roc_auc>=0.9 and train.lr<0.2'`, "
    "`mlgit exp show --sort -train.lr --only 'train.*,roc_auc'`, `mlgit exp show --all --format csv -o trials.csv`, "
    "`mlgit exp show --format html`, `mlgit exp show --follow`.",
    short_help="Show trials in a table, the best first.",
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@view_options.baseline_options()
@click.option("-f", "--follow", "is_followed", is_flag=True, help="Draw the table again while trials run.")
@view_options.view_options()
def command(
    names: tuple[str, ...],
    *,
    baseline: str | None,
    everything: bool,
    is_followed: bool,
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
    """Show trials with their metrics and parameters, below the commit that they start from.

    Without NAME, those of HEAD, or where it has none, of the nearest commit before it that has some. The best comes first:
    by what the search was about, else by the metric that mlgit.yaml gives a direction, if it is one. Columns that are the
    same in all rows are named below the table. Trials that `dvc exp run` made are shown like those of `mlgit exp run`.

    A CONDITION holds columns against values by >= <= > < == != or ~ (a pattern), joined by and, or, not and brackets. A trial
    that lacks the value does not match. With --follow the table is drawn again every second, with what running trials have
    measured so far, until none runs any more. --format html writes a page with curves and scatter plots.
    """
    from mlgit.commands.exp_show import follow, show

    if is_followed and (form != "table" or output):
        raise click.UsageError("--follow draws a table: leave out --format and --output")
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
        top=top,
    )
    if is_followed:
        return view_options.redraw(follow(names, baseline=baseline, everything=everything, view=view))
    shown = show(names, baseline=baseline, everything=everything, view=view)
    view_options.show(shown, form=form, output=output, document=shown.document())
    return shown.exit_code
