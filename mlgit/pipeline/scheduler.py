"""The loop that runs a plan: start what is ready, take in what ended, release what waited for it.

All decisions are made in one thread. What a stage means is the keeper's business, where its command runs is the
executor's, and who watches is the reporter's; tests fill all three with fakes.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, Protocol

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Executor, Job, Made, Outcome
from mlgit.pipeline import control
from mlgit.pipeline.capacity import Capacity
from mlgit.pipeline.control import Control
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import NOTHING, Stage
from mlgit.pipeline.status import Reason


class Unchanged(NamedTuple):
    """The stage is up to date."""


class Restored(NamedTuple):
    """The stage's result was taken from the cache, and is recorded."""

    reasons: tuple[Reason, ...]


class Verified(NamedTuple):
    """The stage has no command to run now (data, or frozen); what lies there was recorded."""

    reasons: tuple[Reason, ...]


class Start(NamedTuple):
    """The stage has to run."""

    job: Job
    reasons: tuple[Reason, ...]


Beginning = Unchanged | Restored | Verified | Start


class Keeper(Protocol):
    """Knows the stages' state and keeps their results."""

    def begin(self, stage: Stage, *, force: bool) -> Beginning:
        """What has to be done for a stage, now that everything before it is done. Raises MlgitError when it cannot be."""

    def finish(self, stage: Stage) -> None:
        """Take in what a stage's commands left. Raises MlgitError when that is not what the stage declares."""

    def adopt(self, stage: Stage, made: Made) -> None:
        """Take in what a stage's commands left in another place. Raises MlgitError as `finish` does."""

    def flush(self, *, last: bool = False) -> None:
        """Write everything recorded so far; after the `last` time it outlasts a loss of power."""


State = Literal["unchanged", "restored", "verified", "ran", "failed", "skipped"]


class Result(NamedTuple):
    """How a stage ended; `could_not`: it failed at something that says nothing of it, as a remote that does not answer."""

    stage: Stage
    state: State
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    message: str = ""
    hint: str = ""
    outcome: Outcome | None = None
    job: Job | None = None
    could_not: bool = False


class Reporter(Protocol):
    """Is told what happens, as it happens."""

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        """A stage's command was started."""

    def ended(self, result: Result) -> None:
        """A stage ended, and its result is on disk."""

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        """A stage failed and will be tried again after `delay` seconds."""

    def tick(self) -> None:
        """Some time has passed."""


class Plan(NamedTuple):
    """What to run: stages of a graph by number, the order of preference among those that are ready, what those ask for
    that ask for anything, and which are known to be up to date."""

    graph: Graph
    chosen: frozenset[int]
    priority: Mapping[int, float] = NOTHING
    controls: Mapping[int, Control] = NOTHING
    current: frozenset[int] = frozenset()


def plan(graph: Graph, chosen: Iterable[int], *, seconds: Mapping[str, float], current: frozenset[int] = frozenset()) -> Plan:
    """The chosen stages and all they need; the longest chain of known durations goes first.

    `seconds` are the durations of earlier runs by stage address; an unknown stage counts as one second.
    """
    wanted = graph.closure(chosen)
    left: dict[int, float] = {}
    for number in reversed(range(len(graph.stages))):
        if number in wanted:
            after = max((left[each] for each in graph.feeds[number] if each in left), default=0.0)
            left[number] = after + seconds.get(graph.stages[number].address, 1.0)
    with_meta = ((number, graph.stages[number]) for number in wanted if "mlgit" in graph.stages[number].meta)
    controls = {number: control.parse(stage.meta, name=stage.file, stage=stage.name) for number, stage in with_meta}
    return Plan(graph, frozenset(wanted), left, controls, current)


class _Run:
    """A run as it stands: stages by number that wait, are ready, run, wait for another attempt, and have ended."""

    def __init__(
        self,
        plan: Plan,
        keeper: Keeper,
        executor: Executor,
        reporter: Reporter,
        *,
        force: bool,
        keep_going: bool,
        clock: Callable[[], float],
        totals: Mapping[str, float],
    ) -> None:
        self.plan = plan
        self.keeper = keeper
        self.executor = executor
        self.reporter = reporter
        self.force = force
        self.keep_going = keep_going
        self.clock = clock
        self.capacity = Capacity(totals)
        self.waiting_for: dict[int, int] = {}
        self.ready: list[tuple[float, int]] = []
        self.running: dict[str, tuple[int, Start]] = {}
        self.crowded_out: list[int] = []
        self.delayed: list[tuple[float, int]] = []
        self.attempts: dict[int, int] = {}
        self.failed_once: dict[int, Result] = {}
        self.unreported: list[Result] = []
        self.results: dict[int, Result] = {}
        self.flushed = clock()
        self.stopping = False


# Results are reported when they are on disk; a lock of many stages is not written more often than this.
FLUSH_SECONDS = 0.1
TICK_SECONDS = 0.2


def run(
    plan: Plan,
    *,
    keeper: Keeper,
    executor: Executor,
    reporter: Reporter,
    force: bool = False,
    keep_going: bool = False,
    totals: Mapping[str, float] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Result]:
    """Run the plan and return the results in running order.

    After a failure nothing new is started, unless `keep_going`: then only what needs the failed stage is skipped.
    Whatever happens, commands still running are ended and finished stages are recorded before this returns or raises.
    `totals` are the resources that stages share; one that is not named is not limited.
    """
    state = _Run(plan, keeper, executor, reporter, force=force, keep_going=keep_going, clock=clock, totals=totals or {})
    graph, left = plan.graph, plan.chosen - plan.current
    for number in plan.chosen & plan.current:
        state.results[number] = Result(graph.stages[number], "unchanged")
        state.unreported.append(state.results[number])
    for number in sorted(left):
        needs = [each for each in graph.needs[number] if each in left]
        state.waiting_for[number] = len(needs)
        if not needs:
            _push(state, number)
    try:
        _loop(state)
        for number, result in sorted(state.failed_once.items()):  # a failure elsewhere came before the next attempt
            _fail(state, number, result)
    finally:
        executor.stop()
        keeper.flush(last=True)
        _report(state)
    for number in sorted(plan.chosen - state.results.keys()):
        state.results[number] = Result(plan.graph.stages[number], "skipped")
    return [state.results[number] for number in sorted(state.results)]


def _push(state: _Run, number: int) -> None:
    heapq.heappush(state.ready, (-state.plan.priority.get(number, 0.0), number))


def _loop(state: _Run) -> None:
    _start_ready(state)
    while state.running or (state.delayed and not state.stopping):
        for outcome in state.executor.wait(_patience(state)):
            number, start = state.running.pop(outcome.name)
            state.capacity.give(_control(state, number))
            _take_in(state, number, start, outcome)
            _flush_in_time(state)
            _start_ready(state)
        _start_ready(state)
        _flush_in_time(state)
        state.reporter.tick()


def _patience(state: _Run) -> float:
    return max(0.0, min(TICK_SECONDS, state.delayed[0][0] - state.clock())) if state.delayed else TICK_SECONDS


def _control(state: _Run, number: int) -> Control:
    return state.plan.controls.get(number, control.PLAIN)


def _start_ready(state: _Run) -> None:
    while state.delayed and state.delayed[0][0] <= state.clock() and not state.stopping:
        number = heapq.heappop(state.delayed)[1]
        del state.failed_once[number]
        _push(state, number)
    for number in state.crowded_out:
        _push(state, number)
    state.crowded_out.clear()
    while state.ready and not state.stopping and len(state.running) < state.executor.slots:
        _, number = heapq.heappop(state.ready)
        if state.capacity.fits(_control(state, number)):
            _begin(state, number)
            _flush_in_time(state)
        else:
            state.crowded_out.append(number)


def _begin(state: _Run, number: int) -> None:
    stage = state.plan.graph.stages[number]
    began = state.clock()
    try:
        beginning = state.keeper.begin(stage, force=state.force or number in state.attempts)
        if isinstance(beginning, Start):
            state.executor.submit(beginning.job)
            state.running[beginning.job.name] = (number, beginning)
            state.capacity.take(_control(state, number))
            state.reporter.started(stage, beginning.reasons)
            return
    except MlgitError as error:
        _fail(state, number, Result(stage, "failed", message=error.message, hint=error.hint))
        return
    match beginning:
        case Unchanged():
            result = Result(stage, "unchanged")
        case Restored(reasons):
            result = Result(stage, "restored", state.clock() - began, reasons)
        case Verified(reasons):
            result = Result(stage, "verified", state.clock() - began, reasons)
    _succeed(state, number, result)


def _take_in(state: _Run, number: int, start: Start, outcome: Outcome) -> None:
    stage = state.plan.graph.stages[number]
    failed = Result(stage, "failed", outcome.seconds, start.reasons, outcome=outcome, job=start.job)
    if outcome.code != 0 and outcome.made and outcome.made.problem:  # it is not the command that failed
        message, hint = outcome.made.problem
        failed = failed._replace(message=message, hint=hint, outcome=None, could_not=outcome.made.may_pass)
        if not (failed.could_not and _retries(state, number, failed)):
            _fail(state, number, failed)
        return
    if outcome.code != 0:
        if not _retries(state, number, failed):
            _fail(state, number, failed)
        return
    try:
        if outcome.made is None:
            state.keeper.finish(stage)
        else:
            state.keeper.adopt(stage, outcome.made)
    except MlgitError as error:
        _fail(state, number, Result(stage, "failed", outcome.seconds, start.reasons, error.message, error.hint, job=start.job))
        return
    _succeed(state, number, Result(stage, "ran", outcome.seconds, start.reasons, job=start.job))


def _retries(state: _Run, number: int, failed: Result) -> bool:
    """Put a failed stage back in line, after a delay that doubles, as often as it asked for."""
    wanted, used = _control(state, number), state.attempts.get(number, 0)
    if used >= wanted.retries or state.stopping:
        return False
    state.attempts[number] = used + 1
    state.failed_once[number] = failed
    delay = wanted.retry_delay * 2**used
    heapq.heappush(state.delayed, (state.clock() + delay, number))
    state.reporter.retried(state.plan.graph.stages[number], used + 1, delay)
    return True


def _succeed(state: _Run, number: int, result: Result) -> None:
    state.results[number] = result
    state.unreported.append(result)
    for each in state.plan.graph.feeds[number]:
        if each in state.waiting_for and each not in state.results:
            state.waiting_for[each] -= 1
            if state.waiting_for[each] == 0:
                _push(state, each)


def _fail(state: _Run, number: int, result: Result) -> None:
    state.results[number] = result
    state.unreported.append(result)
    if not state.keep_going:
        state.stopping = True
        return
    waiting = list(state.plan.graph.feeds[number])
    while waiting:
        each = waiting.pop()
        if each in state.plan.chosen and each not in state.results:
            skipped = Result(state.plan.graph.stages[each], "skipped", message=f"needs '{result.stage.address}', which failed")
            state.results[each] = skipped
            state.unreported.append(skipped)
            waiting.extend(state.plan.graph.feeds[each])


def _flush_in_time(state: _Run) -> None:
    if state.unreported and state.clock() - state.flushed >= FLUSH_SECONDS:
        state.keeper.flush()
        _report(state)
        state.flushed = state.clock()


def _report(state: _Run) -> None:
    for result in state.unreported:
        state.reporter.ended(result)
    state.unreported.clear()
