"""`mlgit monitor show`: what was judged about released models."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.monitor_show import MonitorTimeline, ShownTimelines

_MOST_ON_SCREEN = 30


@click.command(
    epilog="Examples: `mlgit monitor show`, `mlgit monitor show churn --last 90`, `mlgit monitor show churn#prod --window "
    "2026-05-03`, `mlgit monitor show churn --html timeline.html`.",
    short_help="Show what was judged, window by window.",
)
@click.argument("name", metavar="[NAME[#ENV]]", required=False)
@click.option("--window", metavar="WINDOW", help="Show one window whole, by its name or digest.")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Only the last N windows (default: {_MOST_ON_SCREEN} on a terminal, else all).",
)
@click.option("--html", "page", metavar="FILE", type=click.Path(dir_okay=False), help="Write the timeline as an HTML page.")
@json_option()
def command(name: str | None, *, window: str | None, last: int | None, page: str | None, as_json: bool) -> int:
    """Show the verdicts about what an environment has of a model: a line a window, the latest below.

    Without NAME, all models of the repository. Verdicts are commits on refs/mlgit/monitor/NAME@ENV: `mlgit monitor run` makes
    them, `mlgit pull` brings those of others. A window whose rows changed since is shown as it was judged last.

    Exit code 0 where the last window was quiet or was accepted, 1 where it alarmed, 2 where it could not be judged or nothing
    was.
    """
    from mlgit.commands.monitor_show import show, write_page

    if page and window:
        raise click.UsageError("--html is a page of the whole timeline: leave out --window")
    shortened = last if last or as_json or page or window else _MOST_ON_SCREEN
    shown = show(name, window=window, last=shortened)
    if page:
        write_page(Path(page), shown)
    if as_json:
        click.echo(json.dumps(shown.document(), indent=2, allow_nan=False))
    elif page:
        click.echo(f"wrote {plain(page)}")
    else:
        click.echo("\n".join(_said(shown, whole=window is not None)), color=use_color(sys.stdout))
    return shown.exit_code


def _said(shown: ShownTimelines, *, whole: bool) -> Iterator[str]:
    from mlgit.cli.monitor import verdict_screen

    color = use_color(sys.stdout)
    if whole:
        yield from verdict_screen.whole(shown.timelines[0].windows[0], color=color)
        return
    for number, timeline in enumerate(shown.timelines):
        if number:
            yield ""
        yield from _timeline(timeline, color=color)


def _timeline(timeline: MonitorTimeline, *, color: bool) -> Iterator[str]:
    from mlgit.cli.monitor import verdict_screen

    place = f" in {timeline.environment}" if timeline.environment else ""
    total = len(timeline.windows) + timeline.n_left_out
    yield plain(f"{timeline.model}{place}: {count(total, 'window')}")
    if timeline.n_left_out:
        yield f"the last {len(timeline.windows)}; --last {total} shows all"
    yield ""
    yield from verdict_screen.rows(timeline.windows, color=color)
