"""Options of the commands that show a table of trials: which rows, in which order, with which columns, in which form."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import format_options
from mlgit.cli.preferences import use_color
from mlgit.cli.screen import Screen, is_terminal
from mlgit.render.markdown import markdown_text
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.exp_show import ShownTrials, TableView

FORMATS = ("table", "md", "json", "csv", "html")
F = TypeVar("F", bound=Callable[..., Any])


def baseline_options() -> Callable[[F], F]:
    """`--baseline` and `--all`: the commits whose trials are meant."""

    def decorate(function: F) -> F:
        function = click.option("-A", "--all", "everything", is_flag=True, help="The trials of all baselines.")(function)
        return click.option("--baseline", metavar="REVISION", help="The trials of this commit (default: HEAD).")(function)

    return decorate


def view_options() -> Callable[[F], F]:
    """The options that `view_of` reads, `--format` and `--output`."""
    options = (
        click.option("--filter", "condition", metavar="CONDITION", default="", help="Only trials of which this is true."),
        click.option("--sweep", metavar="NAME", default="", help="Only trials of this search."),
        click.option(
            "--status",
            type=click.Choice(["queued", "running", "finished", "failed", "killed"]),
            help="Only trials in this state.",
        ),
        click.option("--sort", metavar="[-]COLUMN", default="", help="Order by this column; with - the largest first."),
        click.option("--asc", "order", flag_value="asc", default="", help="The smallest first."),
        click.option("--desc", "order", flag_value="desc", default="", help="The largest first."),
        click.option("--objective", metavar="METRIC", default="", help="Order by this metric, the best first."),
        click.option("--only", metavar="COLUMNS", multiple=True, help="Only these columns: names or patterns, with commas."),
        click.option("--drop", metavar="COLUMNS", multiple=True, help="All columns but these."),
        click.option("--columns", "all_columns", is_flag=True, help="Columns that are the same in all rows, too."),
        click.option("-n", "--top", type=click.IntRange(min=1), metavar="N", help="Only the first N trials."),
        click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to this file."),
        format_options(FORMATS, default="table"),
    )

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def view_of(
    *,
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
) -> TableView:
    """What these options ask for."""
    from mlgit.commands.exp_show import TableView

    if sort and objective:
        raise click.UsageError("--sort and --objective are both an order: leave out one of the two")
    return TableView(
        condition=condition,
        sweep=sweep,
        status=status or "",
        sort=sort,
        order=order or "",
        objective=objective,
        only=_split(only),
        drop=_split(drop),
        everything=all_columns,
        top=top,
    )


def _split(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for each in given for part in each.split(",") if part.strip())


def text_of(shown: ShownTrials, form: str, *, on_screen: bool = False) -> str:
    """A table in a form that is text; `on_screen` in the colours and columns of the terminal."""
    from mlgit.experiments import table_text

    if form == "csv":
        return table_text.comma_separated(shown.table)
    if form == "md":
        told = [markdown_text(each) for each in shown.told]
        return "\n\n".join([table_text.markdown(shown.table), *told])
    color = on_screen and use_color(sys.stdout)
    columns = Screen(sys.stdout).size[0] if on_screen and is_terminal(sys.stdout) else None
    text = table_text.table(shown.table, color=color, columns=columns)
    return "\n".join([text, *([""] if shown.told else []), *(plain(each) for each in shown.told)])


def show(shown: ShownTrials, *, form: str, output: str | None, document: dict[str, Any]) -> None:
    """Print a table, or write it to a file and print where that is; `document` is its JSON."""
    from mlgit.commands.exp_show import write

    if form == "html":
        from mlgit.commands.exp_page import write_page

        click.echo(f"wrote {plain(str(write_page(shown, Path(output) if output else None)))}")
    elif output:
        write(Path(output), json.dumps(document, indent=2, allow_nan=False) if form == "json" else text_of(shown, form))
        click.echo(f"wrote {plain(output)}")
    elif form == "json":
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        click.echo(text_of(shown, form, on_screen=True), color=form == "table" and use_color(sys.stdout))
    if form != "json":
        say_what_is_missing(len(shown.table.trials), shown.n_elsewhere)


def say_what_is_missing(n_trials: int, n_elsewhere: int) -> None:
    """Say where trials are, when none was found here, and that others are elsewhere."""
    if n_elsewhere:
        note(f"{count(n_elsewhere, 'trial')} of other baselines: --all shows them")
    elif not n_trials:
        note("no trials yet: `mlgit exp run --set PARAMETER=VALUE,VALUE` makes some")


def redraw(tables: Iterable[ShownTrials]) -> int:
    """Show each of these tables in the place of the one before; without a terminal below it, where it differs."""
    from mlgit.experiments import table_text

    screen = Screen(sys.stdout)
    last = ""
    code = 0
    for shown in tables:
        columns, lines = screen.size
        code = shown.exit_code
        if is_terminal(sys.stdout):
            text = table_text.table(shown.table, color=use_color(sys.stdout), columns=columns).split("\n")
            left = len(text) - (lines - 2)
            screen.show("", text if left <= 0 else [*text[: lines - 2], f"{count(left, 'more line')}"])
        elif (text_now := table_text.table(shown.table)) != last:
            click.echo(("\n" if last else "") + text_now)
            last = text_now
    return code
