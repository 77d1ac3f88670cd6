"""`mlgit run`: bring the pipeline up to date."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import click

from mlgit.cli import preferences
from mlgit.cli.remote_options import timeout_option
from mlgit.executors import table


class _Command(click.Command):
    """A command whose `--wait` takes a value after `=` only: a word after it is a target."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give `--wait` on as the option with a value that click has a word for."""
        known = args.index("--") if "--" in args else len(args)
        told = ["--wait=inf" if each == "--wait" else each for each in args[:known]]
        return super().parse_args(ctx, [each.replace("--wait=", "--wait-at-most=", 1) for each in told] + args[known:])


def _duration(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    from mlgit.pipeline import stage_options

    if text is None or text == "inf":
        return None if text is None else math.inf
    try:
        return stage_options.duration(text)
    except (AttributeError, ValueError) as error:
        raise click.UsageError(f"--wait={text}: not a duration; write 90s, 30m or 2h") from error


@click.command(
    cls=_Command,
    epilog="Examples: `mlgit run`, `mlgit run train -j4`, `mlgit run --dry-run`, `mlgit run --set train.C=0.1`.",
    short_help="Run what is stale in the pipeline.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once (default: the number of CPUs).")
@click.option("--force", is_flag=True, help="Run the stages even if they are up to date, without the run cache.")
@click.option("-k", "--keep-going", is_flag=True, help="After a failure, go on with all that does not need it.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--pull", is_flag=True, help="Fetch data and results that are missing here from the DVC remote.")
@click.option(
    "--compute-if-unreachable", is_flag=True, help="With --pull: run what is missing where the DVC remote cannot be asked."
)
@timeout_option()
@click.option("--set", "changes", multiple=True, metavar="[FILE:]PARAM=VALUE", help="Set a parameter in its file first.")
@click.option("--executor", type=click.Choice(table.NAMES), default="local", show_default=True, help="Where commands run.")
@click.option("--scheduler", "cluster", metavar="ADDRESS", help="With dask: the cluster to use (default: a local one).")
@click.option(
    "--resources", multiple=True, metavar="NAME=AMOUNT", help="Totals for meta.mlgit.resources (default: the machine's)."
)
@click.option("--wait", is_flag=True, expose_value=False, help="Wait for another run here to end; --wait=30m: at most so long.")
@click.option("--wait-at-most", "limit", callback=_duration, hidden=True)
@click.option("-v", "--verbose", is_flag=True, help="Show what the stages print, as it comes.")
@click.option(
    "--follow", multiple=True, metavar="STAGE", help="Show what this stage prints (a name, or a pattern such as 'train@*')."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
def command(
    targets: tuple[str, ...],
    *,
    jobs: int | None,
    force: bool,
    keep_going: bool,
    dry_run: bool,
    pull: bool,
    compute_if_unreachable: bool,
    changes: tuple[str, ...],
    executor: str,
    cluster: str | None,
    resources: tuple[str, ...],
    limit: float | None,
    verbose: bool,
    follow: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run what is stale, in dependency order and side by side, and record it in dvc.lock.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; what it needs runs too. Without one the whole
    project runs, from whatever folder of it (`dvc repro` runs the dvc.yaml of the current folder): `mlgit run .` runs
    that of this folder. A result that the run cache knows is restored.

    What a stage prints goes to its log, .dvc/tmp/mlgit/logs/STAGE.log. With -v it is shown as well, or with --follow that
    of some stages; each line begins with the name of its stage where several may run at once.

    A stage ends with its command: what it leaves in the background is ended too. Exit code 0 when all is up to date, 1
    when a stage failed, 2 when another `mlgit run` is at work here and `--wait` was not given.
    """
    from mlgit.cli.run_screen import conclude, reporter, show_preview
    from mlgit.commands.follow import ALL
    from mlgit.commands.run import preview, run

    _refuse_contradictions(click.get_current_context().params)
    if dry_run:
        return show_preview(preview(targets, force=force), as_json=as_json)
    asked = preferences.current()
    asked.verbose = verbose = asked.verbose or verbose
    told = reporter(as_json=as_json, verbose=(verbose or bool(follow)) and not asked.quiet)
    result = run(
        targets,
        jobs=jobs,
        force=force,
        keep_going=keep_going,
        pull=pull,
        compute_if_unreachable=compute_if_unreachable,
        changes=changes,
        executor=executor,
        cluster=cluster,
        resources=resources,
        wait=limit,
        follow=follow or ((ALL,) if verbose else ()),
        reporter=told,
    )
    return conclude(result, as_json=as_json, streamed=told.streamed)


def _refuse_contradictions(given: Mapping[str, Any]) -> None:
    """Raise click's UsageError for options that do not go together."""
    if given["compute_if_unreachable"] and not given["pull"]:
        raise click.UsageError("--compute-if-unreachable goes with --pull")
    if given["cluster"] is not None and given["executor"] != "dask":
        raise click.UsageError("--scheduler goes with --executor dask")
    if given["changes"] and given["dry_run"]:
        raise click.UsageError("--set writes to parameter files, so it cannot be tried with --dry-run")
    if given["follow"] and given["dry_run"]:
        raise click.UsageError("--follow shows what stages print, and with --dry-run none runs")
