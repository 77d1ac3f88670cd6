"""The sketch of a version: the one that its training recorded, else one made of the data that its commit pins."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from mlgit.commands import contract_changes
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_values
from mlgit.model_settings import Model
from mlgit.monitoring import columns, estimated, reference_data, sketch_document, sketching, watched_metrics
from mlgit.monitoring.reference_data import ReferenceData, ReleasedPredictions
from mlgit.monitoring.sketch import Batches, Sketch
from mlgit.monitoring_settings import Monitoring
from mlgit.revision import fetching
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.validation.contract import Contract


@dataclass(frozen=True, slots=True, eq=False)
class VersionReference:
    """What windows are held against. `recorded` is the path of the sketch, '' where it was made now; then `data` are there."""

    sketch: Sketch
    recorded: str = ""
    data: ReferenceData | None = None


def of_version(
    revisions: Revisions,
    revision: Revision,
    *,
    model: Model,
    settings: Monitoring,
    config: Config,
    window: Mapping[str, Any] | None = None,
) -> VersionReference:
    """The sketch of a revision, as its training recorded it, else made of its data.

    `window` are the columns of windows, where they are known. Raises MlgitError where neither can be had.
    """
    path = posixpath.normpath(settings.sketch)
    if revision.has(path) or path in revision.recorded:
        content = _recorded(revision, path)
        if content is not None:
            where = f"{revision.commit[:7]}:{path}" if revision.commit else path
            found = sketch_document.parse(content, where=where)
            return VersionReference(_with_answers(found, revision, model=model, settings=settings, config=config), path)
    return made(revisions, revision, model=model, settings=settings, config=config, window=window)


def _recorded(revision: Revision, path: str) -> bytes | None:
    why = fetching.fetch(revision, [path])
    try:
        return revision.contents.read(path, most=sketch_document.LARGEST_BYTES)
    except MlgitError as error:
        if "not in the cache" not in error.message:
            raise
        raise MlgitError(f"{error.message}{f' ({why})' if why else ''}", "`mlgit pull` brings it") from error


def made(
    revisions: Revisions,
    revision: Revision,
    *,
    model: Model,
    settings: Monitoring,
    config: Config,
    window: Mapping[str, Any] | None = None,
    with_answers: bool = True,
) -> VersionReference:
    """A sketch of the training data of a revision, and (`with_answers`) of what it said of its test data.

    Raises MlgitError for data that cannot be had, or have nothing to watch."""
    contract = contract_of(revision, model)
    data = reference_data.read(
        revisions, revision, model, cut=settings.windows.by, texts=columns.texts_of(contract.contract if contract else None)
    )
    found = sketch_of(data, model=model, settings=settings, contract=contract, window=window)
    if not with_answers:
        return VersionReference(found, "", data)
    return VersionReference(_with_answers(found, revision, model=model, settings=settings, config=config), "", data)


def sketch_of(
    data: ReferenceData,
    *,
    model: Model,
    settings: Monitoring,
    contract: HeldContract | None,
    window: Mapping[str, Any] | None = None,
) -> Sketch:
    """The counts of training data in batches. Raises MlgitError where no column can be watched."""
    tables = [each.columns for each in data.batches]
    # a batch that lacks a column has it nowhere
    watched = columns.watched(
        {name: values for name, values in tables[-1].items() if all(name in each for each in tables)},
        model=model,
        settings=settings,
        contract=contract.contract if contract else None,
        window=None if window is None else list(window),
        hashed=frozenset().union(*(each.hashed for each in data.batches)),
    )
    if not watched.columns:
        raise MlgitError(
            f"no column of {', '.join(model.train)} can be watched: {'; '.join(watched.notes) or 'there are none'}",
            "`columns:` under `monitoring:` says which are left out",
        )
    batches = Batches(data.kind, data.by, tuple(each.name for each in data.batches), tuple(each.rows for each in data.batches))
    digest = contract.digest if contract else ""
    counted = sketching.counted(watched.columns, tables)
    return Sketch(model.name, batches, counted, data.digests, digest, notes=(*watched.notes, *data.notes))


@dataclass(frozen=True, slots=True)
class HeldContract:
    """A contract, and the digest of its file."""

    contract: Contract
    digest: str


def contract_of(revision: Revision, model: Model) -> HeldContract | None:
    """The contract of a model's first training data that has one; None where none has.

    Raises MlgitError for one that cannot be read.
    """
    for path in model.train:
        found = contract_changes.read(revision, path)
        if found is not None:
            text = revision.files.text(revision.config.contracts[posixpath.normpath(path)]) or ""
            return HeldContract(found.contract, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")
    return None


def _with_answers(
    sketch: Sketch,
    revision: Revision,
    *,
    model: Model,
    settings: Monitoring,
    config: Config,
) -> Sketch:
    """The sketch with what the version said of its test data: a stage of training may come before there are predictions."""
    if sketch.metrics and sketch.calibration:
        return sketch
    notes: list[str] = []
    answers = reference_data.released_predictions(revision, model, notes)
    if answers is None or answers.label is None:
        return replace(sketch, notes=(*sketch.notes, *notes))
    metrics = dict(sketch.metrics) or released_metrics(answers, model=model, settings=settings, config=config)
    return replace(sketch, metrics=metrics, calibration=sketch.calibration or estimated.calibration_of(model, answers.columns))


def released_metrics(answers: ReleasedPredictions, *, model: Model, settings: Monitoring, config: Config) -> dict[str, float]:
    """The metrics and KPIs of the predictions at release, as far as rows give them."""
    found: dict[str, float] = {}
    for name, short in watched_metrics.asked_metrics(config, model).items():
        with suppress(MlgitError):
            value = metric_values.value(short, model, answers.columns)
            if value is not None:
                found[name] = float(value)
    return found | watched_metrics.at_release(answers.columns, settings=settings)
