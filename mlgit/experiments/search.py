"""A search under way: which trial comes next, from how the others ended."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgit.experiments.draws import ObservedTrial, Sampler
from mlgit.experiments.flat_names import meant
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.trial_name import name_of
from mlgit.experiments.until import Until

_LEARNING = "tpe"  # the sampler that looks at how other trials ended; to gather that for thousands takes time


@dataclass(frozen=True, slots=True)
class NextTrial:
    """A trial to be run, or (`commit`) one that is recorded already."""

    number: int
    name: str
    changes: Mapping[str, Any]
    commit: str = ""


@dataclass(frozen=True, slots=True)
class RecordedTrial:
    """A trial of the same baseline that is in Git: its commit, and what was set."""

    commit: str
    changes: Mapping[str, Any] = field(default_factory=dict)


class Search:
    """Hands out the trials of a sweep in order. `interrupted` are those that were begun and have no end: number -> changes."""

    def __init__(
        self,
        sweep: Sweep,
        sampler: Sampler,
        *,
        until: Until | None = None,
        ends: Collection[TrialEnd] = (),
        interrupted: Mapping[int, Mapping[str, Any]] | None = None,
        recorded: Mapping[str, RecordedTrial] | None = None,
        size: int | None = None,
    ) -> None:
        self.sweep = sweep
        self.ends = {each.number: each for each in ends}
        self.n_failed = sum(each.status == "failed" for each in ends)
        self._sampler = sampler
        self._size = size
        self._until = until
        self._interrupted = dict(interrupted or {})
        self._recorded = dict(recorded or {})
        self._running: dict[int, NextTrial] = {}
        self._number = 0
        self._is_exhausted = False
        self._waiting: NextTrial | None = None
        self._best: tuple[float, int] | None = None
        for each in ends:
            self._compare(each)
        self.reached = any(self._is_enough(each) for each in ends)

    @property
    def is_done(self) -> bool:
        """Whether nothing runs and nothing is to come."""
        return not self._running and (self._is_exhausted or self.reached)

    @property
    def n_begun(self) -> int:
        """How many trials were begun or have ended."""
        return len(self.ends) + len(self._running)

    def next(self, *, busy: Collection[str] = (), force: bool = False) -> NextTrial | None:
        """The next trial; None where none can be begun now: all are, or it has the name of one of the `busy` ones."""
        if self.reached or self._is_exhausted:
            return None
        found = self._waiting or self._following(force=force)
        self._waiting = found if found and found.name in busy else None
        if found is None or self._waiting:
            return None
        self._running[found.number] = found
        return found

    def take(self, end: TrialEnd) -> None:
        """Take in how a trial ended."""
        self._running.pop(end.number, None)
        self.ends[end.number] = end
        self.n_failed += end.status == "failed"
        if end.commit:
            self._recorded[end.name] = RecordedTrial(end.commit, end.changes)
        self._compare(end)
        self.reached = self.reached or self._is_enough(end)

    def give_up(self) -> None:
        """Begin no more trials."""
        self._is_exhausted = True

    def best(self) -> TrialEnd | None:
        """The trial with the best value of the objective so far; of equal ones the first."""
        return self.ends[-self._best[1]] if self._best else None

    def value(self, end: TrialEnd) -> float | None:
        """The objective of a trial, None where it has none or no finite one."""
        return value_of(end.metrics, self.sweep.objective) if self.sweep.objective else None

    @property
    def size(self) -> int | None:
        """How many trials there are to be, None where that is open."""
        return self._size

    def recorded_commit(self, name: str) -> str:
        """The commit of the trial of this name, '' where none is recorded."""
        known = self._recorded.get(name)
        return known.commit if known else ""

    def _following(self, *, force: bool) -> NextTrial | None:
        while True:
            self._number += 1
            if self._number in self.ends or self._number in self._running:
                continue
            history = self._history() if self.sweep.sampler == _LEARNING else ()
            changes = self._interrupted.get(self._number) or self._sampler.ask(self._number, history)
            if changes is None:
                self._is_exhausted = True
                return None
            name = self._name(changes)
            known = self._recorded.get(name)
            return NextTrial(self._number, name, changes, commit=known.commit if known and not force else "")

    def _name(self, changes: Mapping[str, Any]) -> str:
        sweep = self.sweep

        def is_other(name: str) -> bool:
            known = self._recorded.get(name)
            return known is not None and dict(known.changes) != dict(changes)

        return name_of(changes, tree=sweep.state, targets=sweep.targets, is_other=is_other)

    def _history(self) -> list[ObservedTrial]:
        ended = [ObservedTrial(each.number, each.changes, each.status, self.value(each)) for each in self.ends.values()]
        running = [ObservedTrial(each.number, each.changes, "running") for each in self._running.values()]
        return sorted([*ended, *running], key=lambda each: each.number)

    def _compare(self, end: TrialEnd) -> None:
        """Keep the best of all that ended: of equal ones the first."""
        value = self.value(end)
        if value is not None and self.sweep.direction:
            ranked = (value if self.sweep.direction == "higher" else -value, -end.number)
            self._best = max(self._best or ranked, ranked)

    def unmeasured(self, end: TrialEnd) -> tuple[str, ...]:
        """The metrics that the condition of the search is about, and that a finished trial has none of."""
        named = [each.metric for each in self._until.bounds] if self._until and end.status == "finished" else []
        return tuple(each for each in named if meant(end.metrics, each) is None)

    def _is_enough(self, end: TrialEnd) -> bool:
        return self._until is not None and end.status == "finished" and self._until.holds(end.metrics)


def value_of(metrics: Mapping[str, Any], name: str) -> float | None:
    """A metric by its full name, else by the last part of it where one alone is called so; None for no finite number."""
    found = meant(metrics, name)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and found is not None and math.isfinite(found) else None
