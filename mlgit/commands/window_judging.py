"""All that it takes to judge windows of one released version: its sketch, contract and labels, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.commands import reference_sketch, window_contract
from mlgit.commands.reference_sketch import HeldContract, VersionReference
from mlgit.commands.retrain_state import ModelInProduction
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring import (
    answer_drift,
    batch_table,
    chain,
    columns,
    drift,
    error_stream,
    judge,
    labels,
    performance,
    reference_data,
    row_drift,
    sketching,
    truth,
    verdict_refs,
    watched_metrics,
)
from mlgit.monitoring.batch_table import Columns
from mlgit.monitoring.chain import Chain, ChainEntry
from mlgit.monitoring.drift import DriftFinding, DriftReference
from mlgit.monitoring.judge import Watched, WindowCase
from mlgit.monitoring.sketch import Sketch, WindowCounts
from mlgit.monitoring.truth import Labels
from mlgit.monitoring.verdict import PREDICTION, SCORE
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Monitoring
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

# A year of hours; how often the kinds of periods come.
_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5}
_DAYS_A_YEAR = 365.2425
# Fewer windows tell not how many a year has.
_FEWEST_TIMED = 5


class WindowJudging:
    """A released version with what its windows are held against; what is read once is kept."""

    def __init__(
        self,
        revisions: Revisions,
        watched: ModelInProduction,
        *,
        model: Model,
        contract: HeldContract | None,
        importance: Mapping[str, float],
    ) -> None:
        self.revisions, self.watched = revisions, watched
        self.settings: Monitoring = watched.settings
        self.config: Config = watched.deciding.config
        self.model, self.contract, self.importance = model, contract, importance
        self._reference: VersionReference | None = None
        self._prepared: DriftReference | None = None
        self._answered: Columns | None = None
        self._labels: Labels | None = None
        self._trouble = ""
        self._counts: dict[str, WindowCounts] = {}
        self._beside: Sequence[Window] = ()

    @property
    def release(self) -> Revision:
        """The commit of the version."""
        return self.revisions.commit(self.watched.version.commit, name=self.watched.version.name)

    @property
    def registered(self) -> int:
        """When the version was registered, in seconds since 1970."""
        return self.watched.version.event.time

    @property
    def texts(self) -> frozenset[str]:
        """The columns that the contract calls texts."""
        return columns.texts_of(self.contract.contract if self.contract else None)

    def reference(self, window: Window, *, before: Chain | None = None) -> VersionReference:
        """The sketch of the version, where none is pinned of what `window` or those `before` have.

        Raises MlgitError where neither a sketch nor the data can be had.
        """
        if self._reference is None:
            self._reference = reference_sketch.of_version(
                self.revisions,
                self.release,
                model=self.model,
                settings=self.settings,
                config=self.config,
                window={**window.columns, **dict.fromkeys(self._had(before) if before else ())},
            )
        return self._reference

    def hold_beside(self, windows: Sequence[Window]) -> None:
        """All windows that were read, in the order of time: the newest is the clock of labels, and older ones have theirs."""
        self._beside, self._labels, self._trouble = tuple(windows), None, ""

    def error_changes(self) -> tuple[str, ...]:
        """When this version began to err more or less, by all windows that were read; no part of any verdict, for how far back
        that goes is a matter of the run.
        """
        own = [each for each in self._beside if set(each.versions) <= {self.watched.version.name}]
        if not own or self.settings.labels is None:
            return ()
        known = self._labels_of(own[-1])
        if known is None:
            return ()
        found = error_stream.changes(own, settings=self.settings, config=self.config, labels=known)
        return tuple(each.told for each in found)

    def judge(self, window: Window, before: Chain, *, is_cut: bool = True) -> ChainEntry:
        """The verdict about a window, behind those that were given before; `is_cut`: it is one of a series, by `windows.by`."""
        sketch = self.reference(window, before=before).sketch
        if gone := _gone(sketch, self._admitted(before, sketch), window):
            window = replace(
                window, columns={**window.columns, **dict.fromkeys(gone, np.full(window.rows, None, dtype=object))}
            )
        table = {name: values for name, values in window.columns.items() if name not in window.hashed}
        answers = {PREDICTION: window.predictions, SCORE: window.scores}
        table |= {name: values for name, values in answers.items() if values is not None}
        rows, note = window.rows, ""
        most = max(sketch.batches.sizes, default=0) * (self._periods(sketch)[0] or 1)
        if is_cut and sketch.batches.kind == "column" and rows > judge.LONGER * most > 0:
            table, rows = _thinned(table, rows, most, seed=watched_metrics.seed_of(window)), most
            note = f"{window.rows} rows beside batches of {most} at most: {most} of them were drawn, for more see more"
        counts = sketching.window_counts([cells for cells, _ in sketch.columns], table, rows=rows)
        answered = sketching.window_counts([cells for cells, _ in self._answers()], table, rows=rows)
        counts = replace(counts, columns={**counts.columns, **answered.columns})
        case = self._case(window, before, counts, is_cut=is_cut)
        return chain.of_verdict(judge.judge(replace(case, notes=(*([note] if note else []), *case.notes))), counts)

    def _case(self, window: Window, before: Chain, counts: WindowCounts, *, is_cut: bool) -> WindowCase:
        sketch = self.reference(window).sketch
        watched = self.watched
        contract = window_contract.check(window, self.contract.contract if self.contract else None, model=self.model)
        measured = performance.of_window(
            window,
            sketch=sketch,
            settings=self.settings,
            config=self.config,
            labels=self._labels_of(window),
            beside=self._beside,
        )
        alpha = self.settings.alpha if self.settings.declared else None
        timed = _per_year(before, window)
        if alpha is None and self.settings.declared and timed is not None:
            alpha = min(self.settings.false_alarms / timed, 0.5)
        names = Watched(watched.name, watched.environment, watched.version.name, watched.digest)
        notes = [each for each in (contract.note, self._trouble) if each]
        size, refusal = self._periods(sketch) if is_cut else (None, "")
        finding = DriftFinding("cannot_tell", reason=refusal) if refusal else self._rows(window, alpha)
        earlier = [each for each in before.current if each.verdict and each.verdict.model_digest == watched.digest]
        return WindowCase(
            names,
            self.settings,
            sketch,
            window,
            counts,
            self._admitted(before, sketch),
            [each.verdict.conformal_pvalue for each in earlier if each.verdict and each.verdict.conformal_pvalue is not None],
            alpha,
            size,
            self._drift_reference(sketch),
            finding,
            self._answers(),
            contract.state,
            contract.broken,
            measured.metrics,
            self.importance,
            (*notes, *([contract.broken] if contract.state == "warn" else []), *measured.notes),
        )

    def _answers(self) -> Columns:
        """What the version answered for its test data, in cells; nothing where that was not recorded, or cannot be had."""
        if self._answered is None:
            found = reference_data.released_predictions(self.release, self.model, [])
            self._answered = answer_drift.columns_of(found.prediction, found.score, rows=found.rows) if found else ()
        return self._answered

    def _drift_reference(self, sketch: Sketch) -> DriftReference:
        if self._prepared is None:
            self._prepared = drift.reference(sketch)
        return self._prepared

    def _rows(self, window: Window, alpha: float | None) -> DriftFinding | None:
        """What drawing rows tells, where the sketch has no batches; None where it has."""
        reference = self.reference(window)
        if reference.sketch.batches.kind != "rows":
            return None
        data = reference.data
        if data is None:
            data = reference_data.read(self.revisions, self.release, self.model, cut=self.settings.windows.by, texts=self.texts)
            self._reference = replace(reference, data=data)
        table = {name: values for name, values in window.columns.items() if name not in window.hashed}
        return row_drift.judge(
            [cells for cells, _ in reference.sketch.columns],
            [each.columns for each in data.batches],
            table,
            rows=window.rows,
            alpha=judge.ALPHA if alpha is None else alpha,
            digest=window.digest,
        )

    def _had(self, before: Chain) -> set[str]:
        """The columns of windows that were quiet or accepted."""
        labels = {label for each in self._counted(before) for label in each.columns}
        return labels | {each.rpartition(" (")[0] for each in labels}  # of what is measured of a text

    def _admitted(self, before: Chain, sketch: Sketch) -> Sequence[WindowCounts]:
        """The counts of windows that were quiet or accepted, as far as they are those of this sketch."""
        return [each for each in self._counted(before) if batch_table.fits(sketch.columns, each)]

    def _counted(self, before: Chain) -> Sequence[WindowCounts]:
        entries = [each for each in before.admitted(self.watched.digest) if each.counts_id or each.counts]
        unread = [each for each in entries if each.counts is None and each.counts_id not in self._counts]
        for each in verdict_refs.counted(self.revisions.project.git_root, unread):
            if each.counts is not None:
                self._counts[each.counts_id] = each.counts
        return [each.counts or self._counts[each.counts_id] for each in entries]

    def _periods(self, sketch: Sketch) -> tuple[int | None, str]:
        """How many batches long a window is, None where nothing tells; and why it cannot be held against them."""
        if sketch.batches.kind != "column" or not sketch.batches.by:
            return None, ""
        if sketch.batches.by == str(self.settings.windows.by):
            return 1, ""
        batch, window = (_HOURS.get(each.partition("(")[0]) for each in (sketch.batches.by, str(self.settings.windows.by)))
        if batch is None or window is None:
            return None, ""
        if window < batch:
            told = f"windows by {self.settings.windows.by} are shorter than the batches of the sketch, by {sketch.batches.by}"
            return None, f"{told}: train anew, or cut windows as the sketch is"
        return round(window / batch), ""

    def _labels_of(self, window: Window) -> Labels | None:
        """The labels, None where none are declared, or cannot be had: that keeps nobody from looking at the data."""
        source = self.settings.labels
        if source is None or self._trouble:
            return None
        if self._labels is None:
            wanted = watched_metrics.columns_of_labels(self.settings, self.model)
            try:
                self._labels = labels.read(
                    self.revisions.workspace,
                    source,
                    model=self.model,
                    wanted=wanted,
                    newest=truth.newest([each.until for each in (*self._beside, window)]),
                    where=f"monitoring.{self.settings.model}.labels",
                )
            except MlgitError as error:
                self._trouble = f"the labels were not read: {error.message}"
        return self._labels


def opened(revisions: Revisions, watched: ModelInProduction) -> WindowJudging:
    """What windows of a version are held against. Raises MlgitError for a contract that cannot be read."""
    release = revisions.commit(watched.version.commit, name=watched.version.name)
    local = watched.name.rpartition(":")[2]
    trained = release.config
    declared = next((each for each in (watched.name, local) if each in trained.models), "")
    if not declared:
        raise MlgitError(
            f"mlgit.yaml of {watched.label}: models.{local}: missing, so its training data are not known",
            f"declare `{local}:` with `train:` under `models:`, and release a version with it",
        )
    settings = watched.settings
    model = trained.models[declared]
    contract = reference_sketch.contract_of(release, model)
    return WindowJudging(revisions, watched, model=model, contract=contract, importance=_importance(release, settings))


def _gone(sketch: Sketch, admitted: Sequence[WindowCounts], window: Window) -> list[str]:
    """The columns that quiet windows had and this one lacks: all of their values are missing, however a format tells that."""
    return list(
        dict.fromkeys(
            cells.name
            for cells, _ in sketch.columns
            if cells.name not in window.columns
            and cells.kind != "vector"
            and any(cells.label in each.columns for each in admitted)
        )
    )


def _thinned(table: Mapping[str, Any], rows: int, most: int, *, seed: int) -> dict[str, Any]:
    """So many of the rows, drawn at random."""
    chosen = np.sort(np.random.default_rng(seed).choice(rows, size=most, replace=False))
    return {name: values[chosen] for name, values in table.items()}


def _importance(release: Revision, settings: Monitoring) -> Mapping[str, float]:
    if not settings.importance:
        return {}
    return columns.importances(release.document(settings.importance), path=settings.importance)


def _per_year(before: Chain, window: Window) -> float | None:
    """How many windows a year has, by the times of those that were judged; None where they do not tell."""
    times = [each.verdict.window.since for each in before.current if each.verdict] + [window.since]
    moments = sorted(each for each in map(chain.moment, times) if each is not None)
    if len(moments) < _FEWEST_TIMED or moments[-1] == moments[0]:
        return None
    return (len(moments) - 1) / ((moments[-1] - moments[0]) / 86400.0) * _DAYS_A_YEAR
