"""How a run is shown at its end; without click, for a plain `mlgit run` has to start fast."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from contextlib import redirect_stdout

from mlgit import errors
from mlgit.cli import preferences
from mlgit.cli.error_boundary import note
from mlgit.cli.preferences import use_color
from mlgit.cli.progress import Silent, StageLines, say, show_failures
from mlgit.cli.screen import is_terminal
from mlgit.commands.run import RunPreview, RunResult
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain, seconds


def reporter(*, as_json: bool, verbose: bool = False) -> Silent:
    """What shows a run while it lasts: a live table on a terminal, else lines.

    Where JSON is asked for it is nothing, or lines on standard error for a `verbose` run.
    """
    is_live = is_terminal(sys.stdout) and not as_json
    if not is_live and not verbose:
        return Silent() if as_json else StageLines()
    from mlgit.cli.live import Live, StreamedLines

    return Live() if is_live else StreamedLines(sys.stderr if as_json else sys.stdout)


def conclude(result: RunResult, *, as_json: bool, streamed: Collection[str] = ()) -> int:
    """Show how a run went; its exit code. Raises MlgitError where the remote could not say what it had to."""
    show_result(result, as_json=as_json, streamed=streamed)
    if result.unanswered:
        raise result.unanswered
    return result.exit_code


def show_result(result: RunResult, *, as_json: bool = False, streamed: Collection[str] = ()) -> None:
    """Show how a run went, and what did not come from the remote; `streamed` are stages whose output was shown."""
    if as_json:
        say(json.dumps(result.document(), indent=2, default=str))
    else:
        with redirect_stdout(sys.stderr if preferences.current().quiet else sys.stdout):
            show_failures(result.failed, streamed=streamed)
        say(_last_line(result, color=use_color(sys.stdout)))
    for text in result.notes:
        note(text)


def _last_line(result: RunResult, *, color: bool) -> str:
    if not result.stages:
        return "no stages: declare some in dvc.yaml"
    shown = [f"{number} {state}" for state, number in result.counts.items() if number]
    text = f"{', '.join(shown)} in {seconds(result.seconds)}"
    return paint(text, "red" if result.failed else "green", color=color)


def show_preview(found: RunPreview, *, as_json: bool) -> int:
    """Show what a run would do; the exit code."""
    if as_json:
        say(json.dumps(found.document(), indent=2))
        return errors.EXIT_YES
    for each in found.stages:
        say(plain(f"{'may run' if each.depends else 'would run':9}  {each.name}  ({'; '.join(each.reasons)})"))
    looked = f"{count(len(found.stages), 'stage')} of {found.total} to look at"
    say(looked if found.stages else "nothing to do: all is up to date")
    return errors.EXIT_YES
