"""`mlgit run`: bring the pipeline up to date."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any

import click

from mlgit import errors, project
from mlgit.adapters import documents, edits, files, machine
from mlgit.cli import spread
from mlgit.cli.edge import use_color
from mlgit.cli.opening import Opened, open_project, remember
from mlgit.cli.progress import Lines, Live, Silent, show_failures
from mlgit.cli.status import reason_row
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.pipeline import control, run, scheduler, timings
from mlgit.pipeline.graph import select
from mlgit.pipeline.scheduler import Plan, Result
from mlgit.render import count, paint, plain, seconds

_STATES = ("ran", "restored", "verified", "unchanged", "failed", "skipped")


@click.command(
    epilog="Examples: `mlgit run`, `mlgit run train -j4`, `mlgit run --dry-run`, `mlgit run --set train.C=0.1`.",
    short_help="Run what is stale in the pipeline.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once (default: the number of CPUs).")
@click.option("--force", is_flag=True, help="Run the stages even if they are up to date, without the run cache.")
@click.option("-k", "--keep-going", is_flag=True, help="After a failure, go on with all that does not need it.")
@click.option("--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--pull", is_flag=True, help="Fetch data and results that are missing here from the DVC remote.")
@click.option("--set", "changes", multiple=True, metavar="[FILE:]PARAM=VALUE", help="Set a parameter in its file first.")
@click.option("--executor", type=click.Choice(table.NAMES), default="local", show_default=True, help="Where commands run.")
@click.option("--scheduler", "cluster", metavar="ADDRESS", help="With dask: the cluster to use (default: a local one).")
@click.option(
    "--resources", multiple=True, metavar="NAME=AMOUNT", help="Totals for meta.mlgit.resources (default: the machine's)."
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
    changes: tuple[str, ...],
    executor: str,
    cluster: str | None,
    resources: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run what is stale, in dependency order and side by side, and record it in dvc.lock.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; what it needs runs too. A result that the run
    cache knows is restored. Exit code 0 when all is up to date, 1 when a stage failed.
    """
    if changes and dry_run:
        raise click.UsageError("--set writes to parameter files, so it cannot be tried with --dry-run")
    if changes:
        _set_parameters(changes, quiet=as_json)
    opened = open_project(spread=spread.is_wanted(executor, cluster) and not dry_run, pull=pull and not dry_run)
    chosen = select(opened.pipeline.graph, targets, here=opened.here)
    known = timings.load(opened.project.own_folder)
    plan = scheduler.plan(opened.pipeline.graph, chosen, seconds=known)
    if dry_run:
        return _preview(opened, plan, force=force, as_json=as_json)
    began = time.monotonic()
    totals = control.parse_resources(resources) if cluster else _totals(plan, resources)
    stages = [plan.graph.stages[number] for number in sorted(plan.chosen)]
    opened.ledger.check_inputs(stages)
    opened.ledger.expect(stages)
    with _reporter(len(stages), as_json=as_json) as reporter:
        try:
            results = run.execute(
                opened.project.root,
                plan,
                keeper=opened.ledger,
                executor=spread.make_executor(opened, plan, executor, scheduler=cluster, jobs=jobs),
                busy=opened.busy,
                reporter=reporter,
                force=force,
                keep_going=keep_going,
                totals=totals,
            )
        finally:
            opened.ledger.close()
    with suppress(MlgitError):  # only the order of the next run is at stake
        timings.save(opened.project.own_folder, seconds={r.stage.address: r.seconds for r in results if r.state == "ran"})
    good = all(result.state not in ("failed", "skipped") for result in results)
    remember(opened, all_current=good and len(results) == len(opened.pipeline.graph.stages))
    return _conclude(results, time.monotonic() - began, as_json=as_json)


def _set_parameters(changes: tuple[str, ...], *, quiet: bool) -> None:
    """Write `[FILE:]PARAM=VALUE` into the parameter files of the workspace, and say what changed."""
    root = project.find().root
    for change in changes:
        target, equals, text = change.partition("=")
        file, _, key = target.rpartition(":")
        if not equals or not key or not text:
            raise MlgitError(f"--set: '{change}' is not PARAM=VALUE", "for example `--set train.depth=4`")
        name = file or "params.yaml"
        before = files.read_text(root / name, name=name)
        value = documents.parse_yaml(text, name="--set")
        after = edits.set_value(before, key, value, name=name)
        files.write_atomic(root / name, after)
        if not quiet:
            old = edits.value_at(before, key, name=name)
            change_text = f"{old} → {value}" if old != value else f"is {value} already"
            click.echo(plain(f"{'set':9}  {name}: {key}: {change_text}"))


def _totals(plan: Plan, given: tuple[str, ...]) -> dict[str, float]:
    totals = {**machine.resources(), **control.parse_resources(given)}
    for number, wanted in plan.controls.items():
        stage = plan.graph.stages[number]
        control.refuse_impossible(wanted.resources, totals, where=f"{stage.file}: stages.{stage.name}")
    return totals


def _reporter(total: int, *, as_json: bool) -> Silent | Lines | Live:
    if as_json:
        return Silent()
    return Live(total) if use_color(sys.stdout) else Lines()


def _conclude(results: list[Result], took: float, *, as_json: bool) -> int:
    counts = {state: sum(result.state == state for result in results) for state in _STATES}
    if as_json:
        click.echo(json.dumps(_document(results, counts, took), indent=2, default=str))
    else:
        show_failures(results)
        click.echo(_last_line(counts, took, color=use_color(sys.stdout)))
    return errors.EXIT_NO if counts["failed"] else errors.EXIT_YES


def _document(results: list[Result], counts: dict[str, int], took: float) -> dict[str, Any]:
    rows = [
        {
            "name": result.stage.address,
            "state": result.state,
            "seconds": round(result.seconds, 3),
            "reasons": [reason_row(reason) for reason in result.reasons],
            "code": result.outcome.code if result.outcome else None,
            "message": result.message,
            "log": str(result.job.log) if result.job else None,
        }
        for result in results
    ]
    return {"schema": 1, "ok": not counts["failed"], "counts": counts, "seconds": round(took, 3), "stages": rows}


def _last_line(counts: dict[str, int], took: float, *, color: bool) -> str:
    if not any(counts.values()):
        return "no stages: declare some in dvc.yaml"
    shown = [f"{number} {state}" for state, number in counts.items() if number]
    text = f"{', '.join(shown)} in {seconds(took)}"
    return paint(text, "red" if counts["failed"] else "green", color=color)


def _preview(opened: Opened, plan: Plan, *, force: bool, as_json: bool) -> int:
    """What a run would do: stages stale now, and stages that may become so when those before them change."""
    rows: list[tuple[str, str, list[str]]] = []
    touched: set[int] = set()
    for number in sorted(plan.chosen):
        stage = plan.graph.stages[number]
        before = [plan.graph.stages[each].address for each in plan.graph.needs[number] if each in touched]
        why = [str(reason) for reason in opened.ledger.reasons(stage)] or (["--force"] if force and not stage.is_source else [])
        if why or before:
            touched.add(number)
            rows.append((stage.address, "run" if why else "depends", why or [f"if the outputs of {', '.join(before)} change"]))
    opened.ledger.close()
    if as_json:
        plans = [{"name": name, "plan": what, "reasons": why} for name, what, why in rows]
        click.echo(json.dumps({"schema": 1, "stages": plans}, indent=2))
        return errors.EXIT_YES
    for name, what, why in rows:
        click.echo(plain(f"{'would run' if what == 'run' else 'may run':9}  {name}  ({'; '.join(why)})"))
    click.echo(f"{count(len(rows), 'stage')} of {len(plan.chosen)} to look at" if rows else "nothing to do: all is up to date")
    return errors.EXIT_YES
