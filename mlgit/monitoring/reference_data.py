"""The data that a version was trained with, as its commit pins them, in batches that windows can be held against."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring import periods, reference_versions, row_differences, row_table, window_cuts, window_files, window_paths
from mlgit.monitoring.row_table import RowTable
from mlgit.monitoring.sketch import BatchKind
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Cut
from mlgit.render.text import count
from mlgit.revision import data_files, fetching, prediction_paths
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.tables import limits, whole

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_FEWEST_BATCHES = 2
_UNCUT = Cut()


@dataclass(frozen=True, slots=True, eq=False)
class ReleasedPredictions:
    """What a version predicted for its own test data, row by row; None for what its table has no column for."""

    rows: int
    label: Array | None = None
    prediction: Array | None = None
    score: Array | None = None
    id: Array | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceData:
    """Training data in batches, in their order. `kind` says how they were cut, `by` by which column, '' for none.

    Where nothing is known of days there is one batch of all rows (`rows`). `digests` are what the commit recorded of each path.
    """

    kind: BatchKind
    by: str
    batches: tuple[Window, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(
    revisions: Revisions, revision: Revision, model: Model, *, cut: Cut = _UNCUT, texts: Collection[str] = ()
) -> ReferenceData:
    """The training data of a revision, cut as windows are where they have that column, else by versions in Git's history.

    `texts` are columns that the contract calls texts. Raises MlgitError where no training data are declared, and for data that
    cannot be had.
    """
    if not model.train:
        raise MlgitError(
            f"mlgit.yaml: models.{model.name}.train: missing, so the data that it was trained with are not known",
            f"write `train: [data/train.csv]` under models.{model.name}",
        )
    paths = [posixpath.normpath(each) for each in model.train]
    table = rows_of(revision, paths, model=model, cut=cut, texts=texts)
    if not table.rows:
        raise MlgitError(f"{paths[0]}: no rows, so there is nothing to hold windows against", "train with some")
    notes: list[str] = []
    kind, batches = _batches(revisions, revision, paths, table, model=model, cut=cut, texts=texts, notes=notes)
    return ReferenceData(kind, str(cut) if kind == "column" else "", batches, _digests(revision, paths), tuple(notes))


def rows_of(
    revision: Revision, paths: Collection[str], *, model: Model, cut: Cut = _UNCUT, texts: Collection[str] = ()
) -> RowTable:
    """The rows of these paths at a revision, one below the other; what only the remote has is fetched.

    Raises MlgitError for data that cannot be had, or are no table.
    """
    why = fetching.fetch(revision, paths)
    found = []
    for path in paths:
        try:
            with data_files.placed(revision, path) as files:
                found.append(window_files.read(window_paths.of_files(path, files), model=model, by=cut, texts=texts)[0])
        except MlgitError as error:
            is_lacking = bool(why) or "not in the cache" in error.message
            hint = "`mlgit pull` brings it" if is_lacking else error.hint
            raise MlgitError(f"{error.message}{f' ({why})' if why else ''}", hint) from error
    return row_table.joined(found, name=" and ".join(paths))


def _batches(
    revisions: Revisions,
    revision: Revision,
    paths: list[str],
    table: RowTable,
    *,
    model: Model,
    cut: Cut,
    texts: Collection[str],
    notes: list[str],
) -> tuple[BatchKind, tuple[Window, ...]]:
    if cut.kind in (*periods.PERIODS, "value"):
        if cut.column in table.columns:
            found = window_cuts.cut(table, cut)
            notes += found.notes
            if len(found.windows) >= _FEWEST_BATCHES:
                return "column", found.windows
            notes.append(f"the training data have one {cut} only")
        else:
            notes.append(f"the training data have no column '{cut.column}' to be cut by")
    known = _versions(revisions, revision, paths, table, model=model, texts=texts, notes=notes)
    if len(known) >= _FEWEST_BATCHES:
        return "versions", known
    notes.append("nothing tells on which days rows of the training data came: they count as exchangeable")
    return "rows", window_cuts.cut(replace(table, name="all"), Cut()).windows


def _versions(
    revisions: Revisions,
    revision: Revision,
    paths: list[str],
    table: RowTable,
    *,
    model: Model,
    texts: Collection[str],
    notes: list[str],
) -> tuple[Window, ...]:
    """The rows that each version of the data brought, from the oldest to the one that the model was trained with."""
    history = reference_versions.versions(revisions, revision, paths)
    found: list[Window] = []
    before: RowTable | None = None
    lost = values = 0
    for each in history:
        try:
            now = table if each.is_last else rows_of(each.revision, paths, model=model, texts=texts)
        except MlgitError:
            lost += 1
            continue
        values += now.rows * len(now.columns)
        if values > limits.PARQUET_VALUES and not each.is_last:
            notes.append(
                f"the versions of the training data have more than {limits.PARQUET_VALUES:,} values: none is looked at"
            )
            return ()
        new = now if before is None else now.at(row_differences.new_rows(now, before))
        before = now
        if new.rows:
            found += window_cuts.cut(replace(new, name=each.name), Cut()).windows
    if lost:
        notes.append(f"{count(lost, 'older version')} of the training data cannot be had")
    return tuple(found)


def _digests(revision: Revision, paths: Collection[str]) -> dict[str, str]:
    found = {path: revision.digest_or_none(path) for path in paths}
    return {path: f"md5:{digest.md5}" for path, digest in found.items() if digest is not None}


def released_predictions(revision: Revision, model: Model, notes: list[str]) -> ReleasedPredictions | None:
    """What a revision predicted for its test data; None where that is not declared or cannot be had, and `notes` say why."""
    if not model.predictions:
        notes.append(f"models.{model.name}.predictions is not declared: nothing is known of its answers at release")
        return None
    paths = prediction_paths.find(revision, model)
    if model.repeats == "seeds" and paths:  # each has all rows
        notes.append(f"of {count(len(paths), 'seed')}, the answers at release are those of {paths[0]}")
        paths = paths[:1]
    fetching.fetch(revision, paths)
    literal = {each for each in (model.id, model.label, model.prediction) if each}
    tables = []
    try:
        for path in paths:
            with data_files.placed(revision, path) as files:
                tables += [whole.read(place, name=name, literal=literal) for place, name in files]
    except MlgitError as error:
        notes.append(f"the predictions at release cannot be had: {error.message}")
        return None
    table = row_table.joined([RowTable(each.rows, each.columns, name=path) for each in tables])
    get = table.columns.get
    return ReleasedPredictions(
        table.rows, get(model.label), get(model.prediction), get(model.score), get(model.id), table.columns
    )
