"""Writes the sketch of a model's training data: what `mlgit monitor run` holds the data of today against."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.adapters.system import files
from mlgit.commands import places, reference_sketch
from mlgit.errors import MlgitError
from mlgit.monitoring import drift, sketch_document
from mlgit.monitoring.sketch import Sketch
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True, eq=False)
class SketchResult:
    """A sketch that was written to `path` ('' where it was not), and what its reader has to know."""

    sketch: Sketch
    path: str = ""
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        batches = self.sketch.batches
        return {
            "schema": 1,
            "model": self.sketch.model,
            "path": self.path or None,
            "rows": sum(batches.sizes),
            "batches": {"kind": batches.kind, "by": batches.by or None, "count": len(batches.names)},
            "columns": [{"name": cells.label, "kind": cells.kind, "cells": cells.n_cells} for cells, _ in self.sketch.columns],
            "metrics": dict(self.sketch.metrics),
            "notes": list(self.notes),
        }


def sketch(name: str, *, output: str | None = None, with_predictions: bool = False) -> SketchResult:
    """Sketch the training data of a model as they are in the workspace, and write it to `output` (default: as declared).

    `with_predictions` it holds metrics and the calibration of scores as well. Raises MlgitError for data that are not there,
    or have nothing to watch.
    """
    here = places.place(name)
    local = here.name.rpartition(":")[2]
    with Revisions(here.project) as revisions:
        workspace = revisions.workspace
        config = workspace.config
        declared = next((each for each in (here.name, local) if each in config.models), local)
        if declared not in config.models:
            raise MlgitError(
                f"mlgit.yaml: models.{declared}: missing, so its training data are not known",
                f"write `{declared}: {{train: [data/train.csv]}}` under `models:`",
            )
        settings, model = config.monitoring(declared), config.models[declared]
        found = reference_sketch.made(
            revisions, workspace, model=model, settings=settings, config=config, with_answers=with_predictions
        ).sketch
    path = Path(output) if output else here.project.root / posixpath.normpath(settings.sketch)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(path, sketch_document.text(found))
    except OSError as error:
        raise MlgitError(f"{path}: cannot be written: {error.strerror}") from error
    shown = output or settings.sketch
    return SketchResult(found, shown, (*found.notes, *_worth_knowing(found)))


def _worth_knowing(sketch: Sketch) -> list[str]:
    batches = sketch.batches
    if batches.kind == "rows":
        return [
            "nothing tells days: rows count as exchangeable, and effects of days are invisible; `windows: {by: day(COLUMN)}` "
            "under `monitoring:` cuts batches where the training data have such a column"
        ]
    reference = drift.reference(sketch)
    lacking = [f"{reference.n_batches} batches: no verdict with fewer than {drift.LEAST_BATCHES}"]
    return [*(lacking if reference.n_batches < drift.LEAST_BATCHES else []), *reference.notes]
