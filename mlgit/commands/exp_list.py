"""Lists trials by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.commands import exp_trials
from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.experiments.trial import Trial


@dataclass(frozen=True, slots=True)
class ListedTrials:
    """Trials below their baselines; `n_elsewhere` are on others."""

    trials: tuple[Trial, ...]
    baselines: tuple[Trial, ...]
    n_elsewhere: int = 0

    @property
    def exit_code(self) -> int:
        """Yes: what there is was listed, be it nothing."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The trials as JSON: schema 1."""
        baselines = (TrialRow(each, is_baseline=True) for each in self.baselines)
        return table_text.document(ComparedTrials(rows=(*baselines, *map(TrialRow, self.trials))))


def list_trials(*, baseline: str | None = None, everything: bool = False) -> ListedTrials:
    """The trials of `baseline` (default: HEAD, or the nearest commit before it that has some), or of every baseline."""
    found = exp_trials.gather(projects.find(), baseline=baseline, everything=everything)
    return ListedTrials(found.trials, found.baselines, found.n_elsewhere)
