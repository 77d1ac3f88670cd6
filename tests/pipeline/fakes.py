"""A keeper, an executor and a reporter that only keep a diary, and a clock that jumps: the scheduler without processes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Job, Outcome, RemoteResult
from mlgit.pipeline import graph, scheduler
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import Dependency, Output, Stage
from mlgit.pipeline.scheduler import Beginning, Result, Start, Unchanged
from mlgit.pipeline.status import Reason


def stage(name: str, needs: Iterable[str] = (), *, meta: Mapping[str, object] | None = None, **own: object) -> Stage:
    """A stage that writes `NAME.out` and reads the outputs of the stages it needs."""
    deps = tuple(Dependency(f"{need}.out", f"{need}.out") for need in needs)
    outs = (Output(f"{name}.out", f"{name}.out"),)
    return Stage(name, "dvc.yaml", cmd="true", deps=deps, outs=outs, meta=meta or {}, **own)  # type: ignore[arg-type]


def pipeline(needs: Mapping[str, Iterable[str]], **meta: Mapping[str, object]) -> Graph:
    """A graph from names to the names they need; keywords are the `meta.mlgit` of stages."""
    return graph.build(
        [stage(name, each, meta={"mlgit": meta[name]} if name in meta else None) for name, each in needs.items()]
    )


@dataclass
class World:
    """Everything around the scheduler. `seconds` says how long commands take, `codes` how they end, each time anew."""

    slots: int = 2
    seconds: Mapping[str, float] = field(default_factory=dict)
    codes: dict[str, list[int]] = field(default_factory=dict)
    current: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    unmade: set[str] = field(default_factory=set)
    unstartable: set[str] = field(default_factory=set)
    flush_takes: float = 0.0
    interrupt_at: float = float("inf")
    now: float = 0.0
    diary: list[str] = field(default_factory=list)
    running: list[tuple[float, str]] = field(default_factory=list)
    most: int = 0
    ticks: int = 0
    stopped: bool = False
    unflushed: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    recorded: list[tuple[str, int]] = field(default_factory=list)  # with how many had been started
    on_disk: list[str] = field(default_factory=list)
    forced: dict[str, bool] = field(default_factory=dict)

    # the keeper

    def begin(self, stage: Stage, *, force: bool) -> Beginning:
        self.forced[stage.name] = force
        if stage.name in self.broken:
            raise MlgitError(f"{stage.name} cannot begin", "mend it")
        if stage.name in self.current and not force:
            return Unchanged()
        return Start(Job(stage.address, ("true",), Path()), (Reason("new"),))

    def finish(self, stage: Stage) -> None:
        if stage.name in self.unmade:
            raise MlgitError(f"{stage.name} made nothing")
        self.unflushed.append(stage.name)
        self.unrecorded.append(stage.name)

    def record(self) -> None:
        self.recorded += [(name, len(self.starts())) for name in self.unrecorded]
        self.unrecorded.clear()

    def flush(self, *, last: bool = False) -> None:
        self.on_disk += self.unflushed
        self.unflushed.clear()
        self.diary.append("flush")
        self.now += self.flush_takes

    # the executor

    def submit(self, job: Job) -> None:
        assert not self.stopped
        heapq.heappush(self.running, (self.now + self.seconds.get(job.name, 1.0), job.name))
        self.most = max(self.most, len(self.running))
        assert self.most <= self.slots

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        assert timeout is None or timeout >= 0
        limit = self.now + (float("inf") if timeout is None else timeout)
        until = min(limit, self.running[0][0]) if self.running else limit
        if self.interrupt_at <= until:
            raise KeyboardInterrupt
        self.now = until
        ended = []
        while self.running and self.running[0][0] <= self.now:
            name = heapq.heappop(self.running)[1]
            if name in self.unstartable:
                ended.append(Outcome(name, 127, 0.0, "true", made=RemoteResult(problem=("no shell", "install one"))))
                continue
            ended.append(Outcome(name, (self.codes.get(name) or [0]).pop(0) if self.codes.get(name) else 0, 1.0, "true"))
        return ended

    def stop(self) -> None:
        self.stopped = True
        self.diary.append("stop")
        self.running.clear()

    # the reporter

    def started(self, stage: Stage, reasons: tuple[Reason, ...]) -> None:
        self.diary.append(f"start {stage.name}")

    def ended(self, result: Result) -> None:
        if result.state == "ran":
            assert result.stage.name in self.on_disk, "reported before it was on disk"
        self.diary.append(f"{result.state} {result.stage.name}")

    def retried(self, stage: Stage, attempt: int, delay: float) -> None:
        self.diary.append(f"retry {stage.name} {attempt} {delay:g}")

    def tick(self) -> None:
        self.ticks += 1

    # all of them at work

    def run(
        self,
        graph: Graph,
        chosen: Iterable[str] | None = None,
        *,
        known: Mapping[str, float] | None = None,
        force: bool = False,
        keep_going: bool = False,
        totals: Mapping[str, float] | None = None,
    ) -> dict[str, str]:
        """Run stages of a graph; the states by name."""
        numbers = [number for number, each in enumerate(graph.stages) if chosen is None or each.name in chosen]
        plan = scheduler.plan(graph, numbers, seconds=known or {})
        results = scheduler.run(
            plan,
            keeper=self,
            executor=self,
            reporter=self,
            force=force,
            keep_going=keep_going,
            totals=totals,
            clock=lambda: self.now,
        )
        return {result.stage.name: result.state for result in results}

    def starts(self) -> list[str]:
        """The stages in the order in which their commands were started."""
        return [line.removeprefix("start ") for line in self.diary if line.startswith("start ")]
