"""`mlgit monitor trigger`: whether a model in production is to be trained anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.monitor_trigger import TriggeredModel, TriggerResult

_ANSWERS = {True: ("a retraining is due", "yellow"), False: ("no retraining is due", "green"), None: ("cannot tell", "red")}


@click.command(
    epilog="Examples: `mlgit monitor trigger`, `mlgit monitor trigger churn`, `mlgit monitor trigger churn --reason 'new "
    "sensor'`, `mlgit monitor trigger && mlgit run --pull && mlgit ci propose --retrain churn`.",
    short_help="Say whether a model is to be trained anew.",
)
@click.argument("name", default="")
@click.option("--reason", default="", metavar="TEXT", help="Ask for it, whatever the triggers say; a cool-down ends with it.")
@click.option(
    "--forge", "kind", type=click.Choice(["gitea", "github", "gitlab"]), help="What hosts the repository (default: the job's)."
)
@click.option("--api", default="", help="The address of its API (default: the job's).")
@click.option("--repository", default="", metavar="OWNER/NAME", help="The repository (default: the job's).")
@json_option()
def command(name: str, *, reason: str, kind: str | None, api: str, repository: str, as_json: bool) -> int:
    """Say whether models in production are to be trained anew, and why.

    NAME is a model, or NAME#ENVIRONMENT; without it all models with `triggers:` in mlgit.yaml of the default branch. Verdicts
    are those that `mlgit monitor run` left in this clone, or pushed to origin. Where the forge is known and there is a
    token, a pull request that people closed counts as their answer: until another version is in production, or the
    cool-down is over.

    Exit code 0 when a retraining is due, 1 when none is, 2 when that cannot be told.
    """
    from mlgit.commands.ci_run import current_job
    from mlgit.commands.monitor_trigger import trigger

    result = trigger(name, job=current_job(), reason=reason, kind=kind, api=api, repository=repository)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        click.echo("\n".join(_told(result)), color=use_color(sys.stdout))
    return result.exit_code


def _told(result: TriggerResult) -> Iterator[str]:
    for each in result.models:
        yield from _of_model(each)
    for note in result.notes:
        yield f"{paint('note:', 'yellow', color=use_color(sys.stdout))} {plain(note)}"


def _of_model(found: TriggeredModel) -> Iterator[str]:
    words, color = _ANSWERS[found.decision.is_due]
    about = plain(f"{found.model}@{found.version} in {found.environment}")
    yield f"{about}: {paint(words, color, color=use_color(sys.stdout))}" + (f", #{found.pull} is open" if found.pull else "")
    for fired in found.decision.fired:
        yield plain(f"  {fired.kind}: {fired.reason}")
    for text in (found.decision.held, *found.decision.unknown, *found.decision.notes):
        if text:
            yield plain(f"  {text}")
