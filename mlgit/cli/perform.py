"""What `mlgit run` does, without the command line: it has to start fast, so click is not imported here."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mlgit import errors
from mlgit.adapters.git import git
from mlgit.adapters.system import machine
from mlgit.cli.edge import note, use_color
from mlgit.cli.progress import Lines, Live, Silent, cause, say, show_failures
from mlgit.commands.noop_cache import remember, untouched
from mlgit.commands.open_project import Opened, open_project
from mlgit.commands.reasons import reason_row
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.protocol import Executor
from mlgit.pipeline import control, run, scheduler, timings
from mlgit.pipeline.graph import select
from mlgit.pipeline.noop import Kept, Look
from mlgit.pipeline.scheduler import Plan, Result
from mlgit.render import count, paint, plain, seconds

if TYPE_CHECKING:
    from mlgit.adapters.dvc.remote_outputs import RemoteCache

_STATES = ("ran", "restored", "verified", "unchanged", "failed", "skipped")


def perform(
    targets: tuple[str, ...] = (),
    *,
    jobs: int | None = None,
    force: bool = False,
    keep_going: bool = False,
    dry_run: bool = False,
    pull: bool = False,
    compute_if_unreachable: bool = False,
    executor: str = table.LOCAL,
    cluster: str | None = None,
    resources: tuple[str, ...] = (),
    as_json: bool = False,
    kept: Kept | None = None,
    told: Callable[[list[Result]], None] | None = None,
    is_reserved: bool = False,
) -> int:
    """Run what is stale and say how it went: the exit code.

    Options of `mlgit run`; `kept` as `noop.compare` found it; `told` gets all results; `is_reserved`: the lock is held.
    """
    opened = open_project(
        spread=executor != table.LOCAL and not dry_run,
        pull=pull and not dry_run,
        compute_if_unreachable=compute_if_unreachable,
    )
    chosen = select(opened.pipeline.graph, targets, here=opened.here, root=str(opened.project.root))
    known = timings.load(opened.project.own_folder)
    current = untouched(opened, kept) if kept else {}
    plan = scheduler.plan(opened.pipeline.graph, chosen, seconds=known, current=frozenset(current))
    if dry_run:
        return _preview(opened, plan, force=force, as_json=as_json)
    began = time.monotonic()
    totals = control.parse_resources(resources) if cluster else _totals(plan, resources)
    stages = [plan.graph.stages[number] for number in sorted(plan.chosen - plan.current)]
    opened.ledger.check_inputs(stages)
    opened.ledger.expect(stages, force=force)
    with _reporter(len(plan.chosen), as_json=as_json) as reporter, _closed(opened, as_json=as_json) as results:
        ended = run.execute(
            opened.project.root,
            plan,
            keeper=opened.ledger,
            executor=_executor(opened, plan, executor, cluster=cluster, jobs=jobs),
            busy=opened.busy,
            reporter=reporter,
            force=force,
            keep_going=keep_going,
            totals=totals,
            is_reserved=is_reserved,
        )
        results.extend(ended)
    _keep_notes(opened, results, earlier=kept.rows(set().union(*current.values())) if kept and current else None)
    if told:
        told(results)
    code = _conclude(results, time.monotonic() - began, as_json=as_json)
    _tell_of_remote(opened.pulling, opened.ledger.lost)
    return code


@contextmanager
def _closed(opened: Opened, *, as_json: bool) -> Iterator[list[Result]]:
    """Close the books after the block, which gives the results: what failed is told, also where that fails."""
    results: list[Result] = []
    try:
        yield results
    except BaseException:
        with suppress(MlgitError):  # what ended the block is the cause
            opened.ledger.close()
        raise
    try:
        opened.ledger.close()
    except MlgitError:
        if not as_json:
            show_failures(results)
        raise


def _keep_notes(opened: Opened, results: list[Result], *, earlier: Look | None) -> None:
    """Keep for the next command how long stages took, and whether nothing is stale now; tell Git of what a good run wrote."""
    with suppress(MlgitError):  # only the order of the next run is at stake
        timings.save(opened.project.own_folder, seconds={r.stage.address: r.seconds for r in results if r.state == "ran"})
    good = all(result.state not in ("failed", "skipped") for result in results)
    if good and opened.autostage and (written := opened.written()):
        git.stage_written(opened.project.root, written)
    remember(opened, all_current=good and len(results) == len(opened.pipeline.graph.stages), earlier=earlier)


def _tell_of_remote(pulling: RemoteCache | None, lost: Mapping[str, tuple[str, str]]) -> None:
    """What did not come from the remote, and why. Raises MlgitError where it could not be asked and had to be."""
    if pulling is None:
        return
    gone = [] if pulling.troubles else lost.items()
    told = []
    for address, (path, md5) in gone:
        where = "damaged in the DVC remote" if md5 in pulling.damaged else "neither in the cache nor in a DVC remote"
        told.append(f"'{address}' cannot be restored: '{path}' is {where}")
    for each in [*pulling.notes, *told]:
        note(each)
    if pulling.troubles and not pulling.may_compute:
        trouble = next(iter(pulling.troubles.values()))
        raise MlgitError(trouble.message, f"{trouble.hint}; or compute what is missing: --compute-if-unreachable")


def _executor(opened: Opened, plan: Plan, name: str, *, cluster: str | None, jobs: int | None) -> Executor:
    if name == table.LOCAL:
        return table.make(name, jobs=jobs or machine.cpus(), expected=len(plan.chosen - plan.current))
    from mlgit.cli import spread

    return spread.make_executor(opened, plan, name, scheduler=cluster, jobs=jobs)


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
        say(json.dumps(_document(results, counts, took), indent=2, default=str))
    else:
        show_failures(results)
        say(_last_line(counts, took, color=use_color(sys.stdout)))
    if not counts["failed"]:
        return errors.EXIT_YES
    could_not = all(result.could_not for result in results if result.state == "failed")
    return errors.EXIT_CANNOT_ANSWER if could_not else errors.EXIT_NO


def _document(results: list[Result], counts: dict[str, int], took: float) -> dict[str, Any]:
    rows = [
        {
            "name": result.stage.address,
            "state": result.state,
            "seconds": round(result.seconds, 3),
            "reasons": [reason_row(reason) for reason in result.reasons],
            "code": result.outcome.code if result.outcome else None,
            "message": cause(result) if result.outcome and result.outcome.timed_out else result.message,
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
        say(json.dumps({"schema": 1, "stages": plans}, indent=2))
        return errors.EXIT_YES
    for name, what, why in rows:
        say(plain(f"{'would run' if what == 'run' else 'may run':9}  {name}  ({'; '.join(why)})"))
    say(f"{count(len(rows), 'stage')} of {len(plan.chosen)} to look at" if rows else "nothing to do: all is up to date")
    return errors.EXIT_YES
