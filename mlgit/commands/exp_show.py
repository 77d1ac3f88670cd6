"""Shows trials beside their baseline, as a table in the order that the project declares."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.system import files
from mlgit.commands import exp_trials
from mlgit.experiments import comparison, queue, table_text
from mlgit.experiments.comparison import ComparedTrials, TableView

__all__ = ["ShownTrials", "TableView", "follow", "show", "write"]


@dataclass(frozen=True, slots=True)
class ShownTrials:
    """The table; `n_elsewhere` trials are on other baselines, which `everything` would show.

    `told` is what is said of the best one: how it was found, and what its gain is worth.
    """

    table: ComparedTrials
    n_elsewhere: int = 0
    told: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Yes: what there is was shown, be it nothing."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The table as JSON: schema 1."""
        return table_text.document(self.table)


def show(
    names: Sequence[str] = (), *, baseline: str | None = None, everything: bool = False, view: TableView | None = None
) -> ShownTrials:
    """The trials of these names, else of `baseline` or of every baseline; see `exp_trials.gather`.

    Raises MlgitError for names and columns that nobody knows.
    """
    project = projects.find()
    config = projects.load_config(project)
    found = exp_trials.gather(project, names, baseline=baseline, everything=everything)
    table = comparison.compare(found.trials, found.baselines, view=view or TableView(), directions=config.direction)
    return ShownTrials(table, found.n_elsewhere)


def follow(
    names: Sequence[str] = (),
    *,
    baseline: str | None = None,
    everything: bool = False,
    view: TableView | None = None,
    every: float = 1.0,
) -> Iterator[ShownTrials]:
    """The table as it is now, and again after `every` so many seconds, until nobody runs trials in this clone any more."""
    common = queue.common_folder(projects.find().git_root)
    is_running = True
    while is_running:
        is_running = queue.is_running(common)  # asked first: what ends meanwhile is still shown
        yield show(names, baseline=baseline, everything=everything, view=view)
        if is_running:
            time.sleep(every)


def write(path: Path, text: str) -> None:
    """Write a table in a form that is text, whole or not at all."""
    files.write_atomic(path, f"{text}\n")
