"""A run from end to end: one at a time in a clone, visible to DVC while it lasts, everything finished recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlgit.adapters import locks
from mlgit.executors.protocol import Executor, Job, Outcome
from mlgit.pipeline import scheduler
from mlgit.pipeline.model import Stage
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
) -> list[Result]:
    """Run the plan under the project's run lock; what runs stands in the table of `busy` paths. The executor is stopped.

    Raises MlgitError when another run holds the lock, saying which.
    """
    own = root / ".dvc/tmp/mlgit"
    note = f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}\n"
    try:
        with locks.held(own / "run.lock", timeout=0, busy="another `mlgit run` is at work in this clone", note=note):
            return scheduler.run(
                plan,
                keeper=keeper,
                executor=_Announced(executor, busy, _paths(root, plan)),
                reporter=reporter,
                force=force,
                keep_going=keep_going,
                totals=totals,
            )
    finally:
        executor.stop()


def _paths(root: Path, plan: Plan) -> dict[str, tuple[list[str], list[str]]]:
    def absolute(targets: Sequence[str]) -> list[str]:
        return [f"{root}/{target}" for target in targets]

    stages: list[Stage] = [plan.graph.stages[number] for number in plan.chosen]
    return {
        stage.address: (
            absolute([target for _, target in stage.inputs()]),
            absolute([out.target for out in stage.outs]),
        )
        for stage in stages
    }


@dataclass(slots=True)
class _Announced:
    """An executor whose running stages stand in DVC's rwlock, so that a `dvc` command beside it waits or refuses."""

    inner: Executor
    busy: locks.BusyPaths
    paths: dict[str, tuple[list[str], list[str]]]
    entered: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)

    @property
    def slots(self) -> int:
        return self.inner.slots

    def submit(self, job: Job) -> None:
        read, written = self.paths[job.name]
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
            self.busy.change(leave=list(self.entered))
            self.entered.clear()
