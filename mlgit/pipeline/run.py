"""A run from end to end: one at a time in a clone, visible to DVC while it lasts, everything finished recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from mlgit.adapters.system import locks
from mlgit.errors import MlgitError
from mlgit.executors.protocol import Executor, Job, Outcome
from mlgit.pipeline import scheduler
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.scheduler import Keeper, Plan, Reporter, Result


def execute(
    root: Path,
    plan: Plan,
    *,
    keeper: Keeper,
    executor: Executor,
    busy: locks.BusyPaths,
    reporter: Reporter,
    force: bool = False,
    keep_going: bool = False,
    totals: Mapping[str, float] | None = None,
    is_reserved: bool = False,
) -> list[Result]:
    """Run the plan under the project's run lock; what runs stands in the table of `busy` paths. The executor is stopped.

    With `is_reserved` the caller holds the lock. Raises MlgitError when another run holds it, saying which.
    """
    try:
        with nullcontext() if is_reserved else reserved(root):
            return scheduler.run(
                plan,
                keeper=keeper,
                executor=_Announced(executor, busy, root, plan.graph),
                reporter=reporter,
                force=force,
                keep_going=keep_going,
                totals=totals,
            )
    finally:
        executor.stop()


@contextmanager
def reserved(root: Path, *, timeout: float = 0, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the project's run lock, for which another run is waited for `timeout` seconds; `waiting` is told which one.

    What is read of the project before may be of the time before that run.
    """
    with locks.held(
        root / ".dvc/tmp/mlgit/run.lock",
        timeout=timeout,
        busy="another `mlgit run` is at work in this clone",
        note=f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}\n",
        hint="`mlgit run --wait` waits until it has ended",
        waiting=waiting,
    ):
        yield


class _Announced:
    """An executor whose running stages stand in DVC's rwlock, so that a `dvc` command beside it waits or refuses."""

    def __init__(self, inner: Executor, busy: locks.BusyPaths, root: Path, graph: Graph) -> None:
        self.inner = inner
        self.busy = busy
        self.top = str(root)
        self.graph = graph
        self.numbers: dict[str, int] = {}
        self.entered: set[str] = set()
        self.ended: list[str] = []

    @property
    def slots(self) -> int:
        return self.inner.slots

    def submit(self, job: Job) -> None:
        if not self.numbers:
            self.numbers = self.graph.numbers()
        stage = self.graph.stages[self.numbers[job.name]]
        read = [f"{self.top}/{target}" for _, target in stage.inputs()]
        written = [f"{self.top}/{out.target}" for out in stage.outs]
        self.busy.change(enter=[(job.name, read, written)], leave=self.ended)
        self.entered.difference_update(self.ended)
        self.ended.clear()
        self.entered.add(job.name)
        self.inner.submit(job)

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        outcomes = self.inner.wait(timeout)
        self.ended += [outcome.name for outcome in outcomes]
        return outcomes

    def stop(self) -> None:
        self.inner.stop()
        if self.entered:
            with suppress(MlgitError):  # on a full disk: nobody waits for the entries of a process that is gone
                self.busy.change(leave=list(self.entered))
            self.entered.clear()
