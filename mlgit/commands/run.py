"""Runs what is stale in the pipeline, or says what would run."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import errors, project
from mlgit.adapters.git import git
from mlgit.adapters.system import machine
from mlgit.commands.noop_cache import remember, untouched
from mlgit.commands.open_project import Opened, open_project
from mlgit.commands.reasons import reason_row
from mlgit.commands.stage_failures import cause
from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.protocol import Executor
from mlgit.pipeline import scheduler, stage_options, timings
from mlgit.pipeline.admission import Admission, AdmittedExecutor, AdmittedKeeper
from mlgit.pipeline.graph import select
from mlgit.pipeline.model import Stage
from mlgit.pipeline.noop import Kept, Look
from mlgit.pipeline.run import execute, reserved
from mlgit.pipeline.scheduler import Plan, Result
from mlgit.pipeline.status import Reason

if TYPE_CHECKING:
    from mlgit.adapters.dvc.remote_outputs import RemoteCache
    from mlgit.commands.set_parameters import ParameterSetting
    from mlgit.pipeline.forecast import Forecast

STATES = ("ran", "restored", "verified", "unchanged", "failed", "skipped")


class RunReporter:
    """Is told what a run does, as it does it; this one says nothing. Beside the scheduler's words it knows those of a run.

    One that `is_watching` wants to know what is to be expected, and the last lines of what runs.
    """

    is_watching = False

    def expect(self, forecast: Forecast) -> None:
        """How long the stages took before."""

    def follow(self, names: Collection[str], *, at_once: bool) -> None:
        """All that these stages print is told from now on; `at_once`: more than one of them may run at a time."""

    def printed(self, name: str, content: bytes, *, left_out: int) -> None:
        """A stage printed this, after so many bytes that were passed over."""

    def printed_all(self, name: str) -> None:
        """Nothing more comes of a stage."""

    def waiting(self, what: str) -> None:
        """Another run is at work, and is waited for."""

    def parameter_set(self, setting: ParameterSetting) -> None:
        """A parameter was written to its file."""

    def note(self, text: str) -> None:
        """Something worth knowing that is no result."""

    def begin(self, total: int) -> None:
        """So many stages are looked at from now on."""

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """A stage's command was started."""

    def ended(self, result: Result) -> None:
        """A stage ended, and its result is on disk."""

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """A stage failed and will be tried again after `delay` seconds."""

    def tick(self) -> None:
        """Some time has passed."""

    def end(self) -> None:
        """No stage is looked at any more."""

    def broken_off(self, results: Sequence[Result]) -> None:
        """These stages had ended when the run could not be recorded; the error that says why comes next."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How each stage of a run ended, in running order, and how long all took.

    `notes` say what did not come from the DVC remote; `unanswered` is why that could not be asked, where it had to be.
    """

    stages: tuple[Result, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    unanswered: MlgitError | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many stages ended in which state."""
        return {state: sum(result.state == state for result in self.stages) for state in STATES}

    @property
    def failed(self) -> tuple[Result, ...]:
        """The stages that failed."""
        return tuple(result for result in self.stages if result.state == "failed")

    @property
    def exit_code(self) -> int:
        """No where a stage failed at what it does; it could not be told where one failed at what says nothing of it."""
        if not self.failed:
            return errors.EXIT_YES if self.unanswered is None else errors.EXIT_CANNOT_ANSWER
        return errors.EXIT_CANNOT_ANSWER if all(result.could_not for result in self.failed) else errors.EXIT_NO

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
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
            for result in self.stages
        ]
        took = round(self.seconds, 3)
        return {"schema": 1, "ok": not self.failed, "counts": self.counts, "seconds": took, "stages": rows}


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage that would run now, or (`depends`) may have to when those before it change; and why."""

    name: str
    depends: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What a run would do; `total` is how many stages it would look at."""

    stages: tuple[PlannedStage, ...]
    total: int

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [
            {"name": each.name, "plan": "depends" if each.depends else "run", "reasons": list(each.reasons)}
            for each in self.stages
        ]
        return {"schema": 1, "stages": rows}


def run(
    targets: Sequence[str] = (),
    *,
    jobs: int | None = None,
    force: bool = False,
    keep_going: bool = False,
    pull: bool = False,
    compute_if_unreachable: bool = False,
    changes: Sequence[str] = (),
    executor: str = table.LOCAL,
    cluster: str | None = None,
    resources: Sequence[str] = (),
    wait: float | None = None,
    follow: Sequence[str] = (),
    reporter: RunReporter | None = None,
    kept: Kept | None = None,
    admission: Admission | None = None,
) -> RunResult:
    """Run what is stale of the targets (none: of the project that holds the current folder) and of all they need.

    `changes` are `[FILE:]PARAM=VALUE`, written first. Another run here is waited for `wait` seconds; without it the call is
    refused. The reporter is told what those stages print that `follow` names. `kept` is what `noop.compare` found;
    `admission` says when commands may start beside those of other runs. Raises MlgitError where it cannot be run.
    """
    told = reporter or RunReporter()
    with nullcontext() if wait is None else reserved(project.find().root, timeout=wait, waiting=told.waiting):
        if changes:
            from mlgit.commands.set_parameters import set_parameters

            for setting in set_parameters(changes):
                told.parameter_set(setting)
        opened = open_project(spread=executor != table.LOCAL, pull=pull, compute_if_unreachable=compute_if_unreachable)
        opened.cache.pulls |= admission is not None  # a trial begins without outputs: as in `dvc exp run`, none is lost
        current = untouched(opened, kept) if kept else {}
        plan = _plan(opened, targets, current=frozenset(current))
        began = time.monotonic()
        totals = stage_options.parse_resources(tuple(resources)) if cluster else _totals(plan, resources)
        stages = [plan.graph.stages[number] for number in sorted(plan.chosen - plan.current)]
        opened.ledger.check_inputs(stages)
        opened.ledger.expect(stages, force=force)
        follows = _followed(plan, follow)
        keeper = AdmittedKeeper(opened.ledger, admission) if admission else None
        with _closed(opened, told) as results, _begun(told, len(plan.chosen)):
            runner = _executor(opened, plan, executor, cluster=cluster, jobs=jobs, follows=follows, reporter=told)
            ended = execute(
                opened.project.root,
                plan,
                keeper=keeper or opened.ledger,
                executor=AdmittedExecutor(runner, keeper) if keeper else runner,
                busy=opened.busy,
                reporter=told,
                force=force,
                keep_going=keep_going,
                totals=totals,
                is_reserved=wait is not None,
            )
            results.extend(ended)
        _keep_notes(opened, results, earlier=kept.rows(set().union(*current.values())) if kept and current else None)
        notes, unanswered = _of_remote(opened.pulling, opened.ledger.lost)
        return RunResult(tuple(results), time.monotonic() - began, notes, unanswered)


def preview(targets: Sequence[str] = (), *, force: bool = False) -> RunPreview:
    """What a run would do: stages stale now, and stages that may become so when those before them change."""
    opened = open_project()
    plan = _plan(opened, targets)
    rows: list[PlannedStage] = []
    touched: set[int] = set()
    for number in sorted(plan.chosen):
        stage = plan.graph.stages[number]
        before = [plan.graph.stages[each].address for each in plan.graph.needs[number] if each in touched]
        why = [str(reason) for reason in opened.ledger.reasons(stage)] or (["--force"] if force and not stage.is_source else [])
        if why or before:
            touched.add(number)
            reasons = why or [f"if the outputs of {', '.join(before)} change"]
            rows.append(PlannedStage(stage.address, not why, tuple(reasons)))
    opened.ledger.close()
    return RunPreview(tuple(rows), len(plan.chosen))


def _plan(opened: Opened, targets: Sequence[str], *, current: frozenset[int] = frozenset()) -> Plan:
    chosen = select(opened.pipeline.graph, targets, here=opened.here, root=str(opened.project.root))
    known = timings.load(opened.project.own_folder)
    return scheduler.plan(opened.pipeline.graph, chosen, seconds=known, current=current)


@contextmanager
def _begun(reporter: RunReporter, total: int) -> Iterator[None]:
    reporter.begin(total)
    try:
        yield
    finally:
        reporter.end()


@contextmanager
def _closed(opened: Opened, reporter: RunReporter) -> Iterator[list[Result]]:
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
        reporter.broken_off(results)
        raise


def _keep_notes(opened: Opened, results: list[Result], *, earlier: Look | None) -> None:
    """Keep for the next command how long stages took, and whether nothing is stale now; tell Git of what a good run wrote."""
    with suppress(MlgitError):  # only the order of the next run is at stake
        timings.save(opened.project.own_folder, seconds={r.stage.address: r.seconds for r in results if r.state == "ran"})
    good = all(result.state not in ("failed", "skipped") for result in results)
    if good and opened.autostage and (written := opened.written()):
        git.stage_written(opened.project.root, written)
    remember(opened, all_current=good and len(results) == len(opened.pipeline.graph.stages), earlier=earlier)


def _of_remote(pulling: RemoteCache | None, lost: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, ...], MlgitError | None]:
    """What did not come from the remote, and why; and the error where it could not be asked and had to be."""
    if pulling is None:
        return (), None
    gone = [] if pulling.troubles else lost.items()
    notes = list(pulling.notes)
    for address, (path, md5) in gone:
        where = "damaged in the DVC remote" if md5 in pulling.damaged else "neither in the cache nor in a DVC remote"
        notes.append(f"'{address}' cannot be restored: '{path}' is {where}")
    trouble = next(iter(pulling.troubles.values())) if pulling.troubles and not pulling.may_compute else None
    if trouble is None:
        return tuple(notes), None
    return tuple(notes), MlgitError(trouble.message, f"{trouble.hint}; or compute what is missing: --compute-if-unreachable")


def _followed(plan: Plan, patterns: Sequence[str]) -> frozenset[int]:
    if not patterns:
        return frozenset()
    from mlgit.commands.follow import followed

    return followed(plan, patterns)


def _executor(
    opened: Opened,
    plan: Plan,
    name: str,
    *,
    cluster: str | None,
    jobs: int | None,
    follows: frozenset[int],
    reporter: RunReporter,
) -> Executor:
    if name == table.LOCAL:
        made = table.make(name, jobs=jobs or machine.cpus(), expected=len(plan.chosen - plan.current))
    else:
        from mlgit.commands import dask_run

        made = dask_run.make_executor(opened, plan, name, scheduler=cluster, jobs=jobs, note=reporter.note)
    if not follows and not reporter.is_watching:
        return made
    from mlgit.executors.followed import Followed
    from mlgit.pipeline.forecast import Forecast, may_overlap

    if reporter.is_watching:
        reporter.expect(Forecast(plan, seconds=timings.load(opened.project.own_folder), slots=made.slots))
    names = {plan.graph.stages[number].address for number in follows}
    reporter.follow(names, at_once=may_overlap(plan.graph, follows - plan.current, slots=made.slots))
    return Followed(made, reporter, whole=names, is_local=name == table.LOCAL)


def _totals(plan: Plan, given: Sequence[str]) -> dict[str, float]:
    totals = {**machine.resources(), **stage_options.parse_resources(tuple(given))}
    for number, wanted in plan.controls.items():
        stage = plan.graph.stages[number]
        stage_options.refuse_impossible(wanted.resources, totals, where=f"{stage.file}: stages.{stage.name}")
    return totals
