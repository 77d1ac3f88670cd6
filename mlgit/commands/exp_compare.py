"""Compares trials with each other and the best of them with its baseline: what its gain is worth, having been picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.commands import exp_selection, exp_show
from mlgit.commands.exp_show import ShownTrials, TableView
from mlgit.experiments import selection, table_text, trial_refs
from mlgit.experiments.selection import Selection
from mlgit.experiments.trial import Trial
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class TrialComparison:
    """A table of trials, and what is to be said of the best; None where nothing says what is better, or nothing is there."""

    shown: ShownTrials
    selection: Selection | None = None

    @property
    def exit_code(self) -> int:
        """Yes where there is a best trial; no answer where nothing could be compared."""
        return errors.EXIT_YES if self.shown.table.best else errors.EXIT_CANNOT_ANSWER

    def document(self) -> dict[str, Any]:
        """The comparison as JSON: the table, and the selection; schema 1."""
        found = self.selection
        said = table_text.finite(found.document()) | {"told": list(self.shown.told)} if found else None
        return self.shown.document() | {"selection": said}


def compare(
    names: Sequence[str] = (), *, baseline: str | None = None, everything: bool = False, view: TableView | None = None
) -> TrialComparison:
    """The trials of these names, else of `baseline` or of every baseline, as `exp_show.show` finds them.

    The best is held against its baseline by the rows of its predictions, where there are some, and against all trials of that
    baseline, not only those that are shown: it was picked from all of them.
    """
    shown = exp_show.show(names, baseline=baseline, everything=everything, view=view)
    best = shown.table.best
    if best is None or not best.ref:
        return TrialComparison(shown)
    project = projects.find()
    direction = "higher" if shown.table.descending else "lower"
    found = exp_selection.select(project, _siblings(project, best), best, objective=shown.table.objective, direction=direction)
    return TrialComparison(replace(shown, told=selection.told(found)), found)


def _siblings(project: Project, best: Trial) -> tuple[Trial, ...]:
    refs = [each for each in trial_refs.listed(project.git_root) if each.baseline == best.baseline]
    return trial_refs.load(project, refs).trials
