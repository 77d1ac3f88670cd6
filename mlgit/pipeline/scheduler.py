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
from mlgit.executors.protocol import Executor, Job, Outcome, RemoteResult
from mlgit.pipeline import stage_options
from mlgit.pipeline.capacity import Capacity
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import NOTHING, Stage
from mlgit.pipeline.stage_options import Control
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


class Later(NamedTuple):
    """The stage may not start now, for a reason outside of this run; it is asked again after `seconds`."""

    seconds: float


Beginning = Unchanged | Restored | Verified | Start | Later


class Keeper(Protocol):
    """Knows the stages' state and keeps their results."""

    def begin(self, stage: Stage, *, force: bool) -> Beginning:
        """What has to be done for a stage, now that everything before it is done. Raises MlgitError when it cannot be."""

    def finish(self, stage: Stage) -> None:
        """Take in what a stage's commands left. Raises MlgitError when that is not what the stage declares."""

    def adopt(self, stage: Stage, made: RemoteResult) -> None:
        """Take in what a stage's commands left in another place. Raises MlgitError as `finish` does."""

    def record(self) -> None:
        """Write down what was taken in, where there was no hurry: this is called when the next stages have been started."""

    def flush(self, *, last: bool = False) -> None:
        """Write everything taken in so far; after the `last` time it outlasts a loss of power."""


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
    metas = ((number, graph.stages[number].meta) for number in wanted)
    controls = {number: stage_options.of(meta) for number, meta in metas if "mlgit" in meta}
    return Plan(graph, frozenset(wanted), left, controls, current)


# Results are reported when they are on disk; a lock of many stages is not written more often than this, nor so often that
# to write it takes more than a small share of the time.
FLUSH_SECONDS = 0.1
_LONGEST_PAUSE = 2.0
_PAUSES = 20  # times what the last writing took
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
    outbox = _Outbox(keeper, reporter, clock)
    capacity = Capacity(totals or {})
    return _Run(plan, keeper, executor, reporter, outbox, capacity, clock, force=force, keep_going=keep_going).execute()


class _Outbox:
    """Results on their way to the disk, and from there to the reporter."""

    def __init__(self, keeper: Keeper, reporter: Reporter, clock: Callable[[], float]) -> None:
        self._keeper = keeper
        self._reporter = reporter
        self._clock = clock
        self._waiting: list[Result] = []
        self._flushed = clock()
        self._pause = FLUSH_SECONDS

    def add(self, result: Result) -> None:
        self._waiting.append(result)

    def flush_in_time(self) -> None:
        """Write and report what waits, unless that was done just now."""
        if self._waiting and (began := self._clock()) - self._flushed >= self._pause:
            self._keeper.flush()
            self._report()
            self._flushed = self._clock()
            self._pause = max(FLUSH_SECONDS, min(_LONGEST_PAUSE, _PAUSES * (self._flushed - began)))

    def close(self) -> None:
        """Write and report everything, for the last time."""
        self._keeper.flush(last=True)
        self._report()

    def _report(self) -> None:
        for result in self._waiting:
            self._reporter.ended(result)
        self._waiting.clear()


class _Run:
    """A run as it stands: stages by number that wait, are ready, run, wait for another attempt, and have ended."""

    def __init__(
        self,
        plan: Plan,
        keeper: Keeper,
        executor: Executor,
        reporter: Reporter,
        outbox: _Outbox,
        capacity: Capacity,
        clock: Callable[[], float],
        *,
        force: bool,
        keep_going: bool,
    ) -> None:
        self._plan = plan
        self._stages = plan.graph.stages
        self._keeper = keeper
        self._executor = executor
        self._reporter = reporter
        self._outbox = outbox
        self._capacity = capacity
        self._clock = clock
        self._force = force
        self._keep_going = keep_going
        self._stopping = False
        self._waiting_for: dict[int, int] = {}
        self._ready: list[tuple[float, int]] = []
        self._crowded_out: list[int] = []
        self._running: dict[str, tuple[int, Start]] = {}
        self._delayed: list[tuple[float, int]] = []
        self._attempts: dict[int, int] = {}
        self._failed_once: dict[int, Result] = {}
        self._results: dict[int, Result] = {}

    def execute(self) -> list[Result]:
        """Run everything; the results in running order."""
        plan = self._plan
        for number in plan.chosen & plan.current:
            self._end(number, Result(self._stages[number], "unchanged"))
        left = plan.chosen - plan.current
        for number in sorted(left):
            needs = [each for each in plan.graph.needs[number] if each in left]
            self._waiting_for[number] = len(needs)
            if not needs:
                self._push(number)
        try:
            self._loop()
            for number, result in sorted(self._failed_once.items()):  # a failure elsewhere came before the next attempt
                self._fail(number, result)
        finally:
            self._executor.stop()
            self._outbox.close()
        for number in sorted(plan.chosen - self._results.keys()):
            self._results[number] = Result(self._stages[number], "skipped")
        return [self._results[number] for number in sorted(self._results)]

    def _push(self, number: int) -> None:
        heapq.heappush(self._ready, (-self._plan.priority.get(number, 0.0), number))

    def _end(self, number: int, result: Result) -> None:
        self._results[number] = result
        self._outbox.add(result)

    def _loop(self) -> None:
        self._start_ready()
        while self._running or (self._delayed and not self._stopping):
            for outcome in self._executor.wait(self._patience()):
                number, start = self._running.pop(outcome.name)
                self._capacity.give(self._control(number))
                self._take_in(number, start, outcome)
                self._outbox.flush_in_time()
                self._start_ready()
                self._keeper.record()
            self._start_ready()
            self._outbox.flush_in_time()
            self._reporter.tick()

    def _patience(self) -> float:
        return max(0.0, min(TICK_SECONDS, self._delayed[0][0] - self._clock())) if self._delayed else TICK_SECONDS

    def _control(self, number: int) -> Control:
        return self._plan.controls.get(number, stage_options.PLAIN)

    def _start_ready(self) -> None:
        while self._delayed and self._delayed[0][0] <= self._clock() and not self._stopping:
            number = heapq.heappop(self._delayed)[1]
            self._failed_once.pop(number, None)
            self._push(number)
        for number in self._crowded_out:
            self._push(number)
        self._crowded_out.clear()
        while self._ready and not self._stopping and len(self._running) < self._executor.slots:
            _, number = heapq.heappop(self._ready)
            if self._capacity.fits(self._control(number)):
                self._begin(number)
                self._outbox.flush_in_time()
            else:
                self._crowded_out.append(number)

    def _begin(self, number: int) -> None:
        stage = self._stages[number]
        began = self._clock()
        try:
            beginning = self._keeper.begin(stage, force=self._force or number in self._attempts)
            if isinstance(beginning, Start):
                self._executor.submit(beginning.job)
                self._running[beginning.job.name] = (number, beginning)
                self._capacity.take(self._control(number))
                self._reporter.started(stage, beginning.reasons)
                return
        except MlgitError as error:
            self._fail(number, Result(stage, "failed", message=error.message, hint=error.hint))
            return
        if isinstance(beginning, Later):
            heapq.heappush(self._delayed, (self._clock() + beginning.seconds, number))
            return
        match beginning:
            case Unchanged():
                result = Result(stage, "unchanged")
            case Restored(reasons):
                result = Result(stage, "restored", self._clock() - began, reasons)
            case Verified(reasons):
                result = Result(stage, "verified", self._clock() - began, reasons)
        self._succeed(number, result)

    def _take_in(self, number: int, start: Start, outcome: Outcome) -> None:
        stage = self._stages[number]
        failed = Result(stage, "failed", outcome.seconds, start.reasons, outcome=outcome, job=start.job)
        if outcome.code != 0 and outcome.made and outcome.made.problem:  # it is not the command that failed
            message, hint = outcome.made.problem
            failed = failed._replace(message=message, hint=hint, outcome=None, could_not=outcome.made.may_pass)
            if not (failed.could_not and self._retries(number, failed)):
                self._fail(number, failed)
            return
        if outcome.code != 0:
            if not self._retries(number, failed):
                self._fail(number, failed)
            return
        try:
            if outcome.made is None:
                self._keeper.finish(stage)
            else:
                self._keeper.adopt(stage, outcome.made)
        except MlgitError as error:
            self._fail(number, failed._replace(message=error.message, hint=error.hint, outcome=None))
            return
        self._succeed(number, failed._replace(state="ran", outcome=None))

    def _retries(self, number: int, failed: Result) -> bool:
        """Put a failed stage back in line, after a delay that doubles, as often as it asked for."""
        wanted, used = self._control(number), self._attempts.get(number, 0)
        if used >= wanted.retries or self._stopping:
            return False
        self._attempts[number] = used + 1
        self._failed_once[number] = failed
        delay = wanted.retry_delay * 2**used
        heapq.heappush(self._delayed, (self._clock() + delay, number))
        self._reporter.retried(self._stages[number], used + 1, delay)
        return True

    def _succeed(self, number: int, result: Result) -> None:
        self._end(number, result)
        for each in self._plan.graph.feeds[number]:
            if each in self._waiting_for and each not in self._results:
                self._waiting_for[each] -= 1
                if self._waiting_for[each] == 0:
                    self._push(each)

    def _fail(self, number: int, result: Result) -> None:
        self._end(number, result)
        if not self._keep_going:
            self._stopping = True
            return
        waiting = list(self._plan.graph.feeds[number])
        while waiting:
            each = waiting.pop()
            if each in self._plan.chosen and each not in self._results:
                skipped = Result(self._stages[each], "skipped", message=f"needs '{result.stage.address}', which failed")
                self._end(each, skipped)
                waiting.extend(self._plan.graph.feeds[each])
