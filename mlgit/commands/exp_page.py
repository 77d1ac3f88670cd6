"""Writes trials as a page that needs nothing else: the table, what is said of the best, and their learning curves."""

from __future__ import annotations

from pathlib import Path

from mlgit import project as projects
from mlgit.adapters.system import files
from mlgit.commands import exp_curves
from mlgit.commands.exp_show import ShownTrials
from mlgit.report import trials_page

PAGE = "trials.html"


def write_page(shown: ShownTrials, path: Path | None) -> Path:
    """Write the page to a file, below `.dvc/tmp/mlgit` without a path; where it is."""
    project = projects.find()
    place = path or project.own_folder / PAGE
    place.parent.mkdir(parents=True, exist_ok=True)
    curves = exp_curves.curves(project, shown.table.rows)
    files.write_atomic(place, trials_page.page(shown.table, curves=curves, told=shown.told))
    return place
