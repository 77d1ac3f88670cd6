"""Runs that code logged while a trial ran: the newest values of its metrics, and how they came about."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

from mlgit.experiments.learning_curves import thinned
from mlgit.experiments.run import TRIAL_TAG, LoggedRun
from mlgit.experiments.runs import RunStore
from mlgit.experiments.trial import Trial

Points = tuple[tuple[float, float], ...]


class TrialRuns:
    """The runs of one repository by the trials that they belong to."""

    def __init__(self, root: Path, trials: Collection[Trial]) -> None:
        """Those of these trials; runs that were deleted are none."""
        self._store = RunStore(root, keep_code=False)
        wanted = {each.name: each for each in trials}
        self._newest: dict[str, LoggedRun] = {}
        for run in sorted(self._store.all(), key=lambda each: (each.start_time, each.id)):
            trial = wanted.get(run.tags.get(TRIAL_TAG, ""))
            if trial and run.deleted is None and run.baseline in ("", trial.baseline):
                self._newest[trial.name] = run

    def metrics(self, trial: Trial) -> dict[str, float]:
        """The newest values of a trial's newest run."""
        run = self._newest.get(trial.name)
        return {key: point.value for key, point in run.metrics.items() if not point.model_id} if run else {}

    def curves(self, trial: Trial) -> dict[str, Points]:
        """The values of a trial's newest run over its steps, by metric."""
        run = self._newest.get(trial.name)
        found: dict[str, list[tuple[float, float]]] = {}
        for point in self._store.points(run.id) if run else ():
            if not point.model_id and math.isfinite(point.value) and abs(point.value) < 1e300:
                found.setdefault(point.key, []).append((float(point.step), point.value))
        return {key: thinned(sorted(points)) for key, points in found.items()}
