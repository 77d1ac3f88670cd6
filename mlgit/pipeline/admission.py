"""Stages of several runs beside each other: who may start, and who waits until another has made the same result.

Each run keeps the books of its own workspace. Before a command starts, the run asks whoever admits (`Admission`), by the key of
the result in the run cache: what another run is making now is waited for, and then restored.
"""

from __future__ import annotations

from typing import Protocol

from mlgit.executors.protocol import Executor, Job, Outcome, RemoteResult
from mlgit.pipeline import stage_options
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Beginning, Keeper, Later, Start
from mlgit.pipeline.stage_options import Control

_PAUSE = 0.01  # seconds, then longer: with a mutex, dozens can wait for one
_LONGEST_PAUSE = 0.05
_LONGER = 1.25


class Admission(Protocol):
    """Says which commands may start, over all runs that ask it."""

    def ask(self, name: str, *, key: str, wanted: Control, again: bool) -> bool:
        """Whether a stage may start now; it then counts until `ended`, and its key ('' for none) until `recorded`.

        One that had to wait is asked `again`. What another run has made before may not start at first: between the look into
        the run cache and the question, it may have come there.
        """

    def ended(self, name: str) -> None:
        """The stage's commands run no more."""

    def recorded(self, key: str) -> None:
        """The result is in the run cache, or will never be."""


class KeyedKeeper(Keeper, Protocol):
    """A keeper that knows the key of a result before it is made."""

    def run_key(self, stage: Stage) -> str:
        """The key in the run cache of what a stage is about to make, '' for none."""


class AdmittedKeeper:
    """A keeper whose stages start when they are admitted."""

    def __init__(self, inner: KeyedKeeper, admission: Admission) -> None:
        self._inner = inner
        self._admission = admission
        self._waiting: dict[str, tuple[Start, str, float]] = {}
        self._running: dict[str, str] = {}
        self._finished: list[str] = []

    def begin(self, stage: Stage, *, force: bool) -> Beginning:
        """As the inner keeper, or later. What had to wait is looked at anew: another run may have made it meanwhile."""
        waited = self._waiting.get(stage.address)
        beginning = waited[0] if waited else self._inner.begin(stage, force=force)
        if not isinstance(beginning, Start):
            return beginning
        key = waited[1] if waited else "" if force else self._inner.run_key(stage)
        if not self._admission.ask(stage.address, key=key, wanted=stage_options.of(stage.meta), again=waited is not None):
            pause = min(waited[2] * _LONGER, _LONGEST_PAUSE) if waited else _PAUSE
            self._waiting[stage.address] = (beginning, key, pause)
            return Later(pause)
        self._running[stage.address] = key
        if self._waiting.pop(stage.address, None) and key:
            try:
                beginning = self._inner.begin(stage, force=force)
            except BaseException:
                self.ended(stage.address, has_failed=True)
                raise
            if not isinstance(beginning, Start):
                self.ended(stage.address, has_failed=True)
        return beginning

    def ended(self, name: str, *, has_failed: bool) -> None:
        """The commands of a stage run no more; what failed will not be recorded."""
        self._admission.ended(name)
        if has_failed:
            self._admission.recorded(self._running.pop(name, ""))

    def finish(self, stage: Stage) -> None:
        """As the inner keeper; the key is held until the result is recorded."""
        self._finished.append(self._running.pop(stage.address, ""))
        self._inner.finish(stage)

    def adopt(self, stage: Stage, made: RemoteResult) -> None:
        """As the inner keeper, and `finish`."""
        self._finished.append(self._running.pop(stage.address, ""))
        self._inner.adopt(stage, made)

    def record(self) -> None:
        """As the inner keeper; then others may have what was made."""
        self._inner.record()
        for key in self._finished:
            self._admission.recorded(key)
        self._finished.clear()

    def flush(self, *, last: bool = False) -> None:
        """As the inner keeper."""
        self._inner.flush(last=last)
        self.record()


class AdmittedExecutor:
    """An executor that says of each command when it has ended."""

    def __init__(self, inner: Executor, keeper: AdmittedKeeper) -> None:
        self._inner = inner
        self._keeper = keeper

    @property
    def slots(self) -> int:
        """As the inner executor."""
        return self._inner.slots

    def submit(self, job: Job) -> None:
        """As the inner executor."""
        try:
            self._inner.submit(job)
        except BaseException:
            self._keeper.ended(job.name, has_failed=True)
            raise

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """As the inner executor."""
        outcomes = self._inner.wait(timeout)
        for outcome in outcomes:
            self._keeper.ended(outcome.name, has_failed=outcome.code != 0)
        return outcomes

    def stop(self) -> None:
        """As the inner executor."""
        self._inner.stop()
