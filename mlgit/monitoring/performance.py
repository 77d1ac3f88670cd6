"""How well a released model does on a window: metrics where labels are known, and what its answers are worth.

A metric is computed and bounded as `mlgit gate` does it, with the value at release beside it. It is broken when its interval,
at the rate of false alarms that was declared, lies beyond what the gate rule named in `triggers.metric` allows; a KPI when its
interval lies beyond its limit. Where no label counts yet, what `estimated` says stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, expression_intervals, expressions, metric_values
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.comparison_settings import settings as comparison_settings
from mlgit.evaluation.expression_intervals import IntervalOptions
from mlgit.evaluation.model_results import Table
from mlgit.monitoring import estimated, rule_limits, truth, watched_metrics
from mlgit.monitoring.estimated import EstimatedMetric
from mlgit.monitoring.sketch import Sketch
from mlgit.monitoring.truth import LabelledRows, Labels
from mlgit.monitoring.verdict import MonitoredMetric
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Kpi, Monitoring
from mlgit.render.text import count
from mlgit.rules import GateRule
from mlgit.statistics import resampling
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.rows import is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class WindowPerformance:
    """Metrics and KPIs of one window, and what a reader must know of them; `labelled` rows had a label that counts."""

    metrics: tuple[MonitoredMetric, ...] = ()
    notes: tuple[str, ...] = ()
    labelled: int = 0


def of_window(
    window: Window,
    *,
    sketch: Sketch | None,
    settings: Monitoring,
    config: Config,
    labels: Labels | None,
    beside: Sequence[Window] = (),
) -> WindowPerformance:
    """The metrics with a declared direction or a rule, and the KPIs, of one window.

    `labels` are those of all rows, None where none are declared. Where too few of this window count yet, what was measured last
    stands beside the estimates: of the newest window that has enough, of those `beside` it, in the order of time, that come
    before it and were answered by the same version. What cannot be computed is told in a note. Raises MlgitError for a KPI
    whose expression is none.
    """
    found = _Measured(window, sketch, settings, config, labels).found()
    if labels is None or found.labelled >= resampling.FEWEST_ROWS:
        return found
    before = takewhile(lambda each: each.digest != window.digest, beside)
    for each in reversed([each for each in before if set(each.versions) <= set(window.versions)]):
        last = _Measured(each, sketch, settings, config, labels)
        if last.labelled >= resampling.FEWEST_ROWS:
            return _with_last(found, last.found(), name=each.name)
    return found


def _with_last(found: WindowPerformance, last: WindowPerformance, *, name: str) -> WindowPerformance:
    """What was measured last in the place of what too few rows tell, and behind the estimates."""
    measured = {(each.kind, each.name): each for each in last.metrics if not each.is_estimated and each.low is not None}
    kept = [
        each for each in found.metrics if each.is_estimated or each.low is not None or (each.kind, each.name) not in measured
    ]
    known = {(each.kind, each.name) for each in kept if not each.is_estimated}
    later = [
        replace(each, note="; ".join(told for told in (f"measured last, of {name}", each.note) if told))
        for key, each in measured.items()
        if key not in known
    ]
    return replace(found, metrics=(*kept, *later))


class _Measured:
    """One window, with all that is asked of it."""

    def __init__(
        self, window: Window, sketch: Sketch | None, settings: Monitoring, config: Config, labels: Labels | None
    ) -> None:
        self.window, self.sketch, self.settings, self.config, self.labels = window, sketch, settings, config, labels
        self.model = watched_metrics.declared_model(config, settings.model)
        self.notes: list[str] = []
        self.rows = self._joined()
        self.answers = self._answers()
        self.table = self._labelled() if self.rows is not None and len(self.rows.places) else None

    def found(self) -> WindowPerformance:
        asked = watched_metrics.asked_metrics(self.config, self.model, self.sketch)
        if self.labels is not None and not asked and not self.settings.kpis:
            self.notes.append("no metric is measured: `metrics:` in mlgit.yaml has none that rows give")
        measured = dict(self._metrics(asked))
        guessed, told = self._estimates(asked, measured)
        self.notes += told
        kpis = [each for kpi in self.settings.kpis.values() if (each := self._kpi(kpi)) is not None]
        found = [each for name in asked for each in (measured.get(name), guessed.get(name)) if each is not None]
        return WindowPerformance((*found, *kpis), tuple(dict.fromkeys(self.notes)), self.labelled)

    @property
    def labelled(self) -> int:
        """How many rows have a label that counts."""
        return 0 if self.rows is None else len(self.rows.places)

    def _joined(self) -> LabelledRows | None:
        if self.labels is None:
            return None
        if self.window.ids is None:
            self.notes.append("rows have no id, so no label belongs to them")
            return None
        found = truth.joined(self.window, self.labels)
        self.notes += found.notes
        return found

    def _answers(self) -> dict[str, Any]:
        """The columns of all rows, with what was answered under the names that the model's predictions give it."""
        given = (self.model.prediction, self.window.predictions), (self.model.score, self.window.scores)
        found = {name: values for name, values in self.window.columns.items() if name not in self.window.hashed}
        return found | {name: truth.plain(values) for name, values in given if values is not None}

    def _labelled(self) -> Table:
        assert self.rows is not None
        assert self.labels is not None
        found = {name: np.asarray(values)[self.rows.places] for name, values in self.answers.items()}
        label = {self.model.label: self.labels.columns[self.labels.label]}
        others = {name: values for name, values in {**self.labels.columns, **label}.items() if name not in found}
        return found | {name: values[self.rows.labelled] for name, values in {**others, **label}.items()}

    def _metrics(self, asked: Mapping[str, str]) -> Iterator[tuple[str, MonitoredMetric]]:
        if self.table is None:
            return
        for name, short in asked.items():
            try:
                yield name, self._metric(name, short, self._rule_about(short))
            except MlgitError as error:
                self.notes.append(f"{name} is not measured: {error.message}")

    def _rule_about(self, short: str) -> GateRule | None:
        """The rule that a trigger names, if it is about this metric and one window can break it."""
        named = self.settings.triggers.metric
        rule = next((each for each in self.config.gates.rules if each.id == named), None) if named else None
        if rule is None or short not in (rule.metric, rule.metric.rpartition(".")[2]):
            return None
        if rule.on:
            self.notes.append(f"the rule {rule.id} is about the test set {rule.on}, which no window is of")
            return None
        if not rule_limits.is_watched(rule):
            self.notes.append(f"the rule {rule.id} compares two models on the same rows, which no window can do")
            return None
        return rule

    def _metric(self, name: str, short: str, rule: GateRule | None) -> MonitoredMetric:
        assert self.table is not None
        asked, places = self._comparison(rule), self._answered(short)
        metric_values.check_classes(short, self.model, self.table, positive=asked.positive)
        shown = metric_values.interval(short, self.model, self.table, replace(asked, alpha=(1 - CONFIDENCE) / 2), places=places)
        if shown.value is None:
            raise MlgitError(shown.reason)
        baseline, note = self._baseline(name, short), shown.note or (f"no interval: {shown.reason}" if shown.reason else "")
        is_broken = False
        if rule is not None:
            decided = metric_values.interval(short, self.model, self.table, asked, places=places)
            is_broken, told = self._judged(rule, short, decided, baseline)
            note = "; ".join(each for each in (told, note) if each)
        return _monitored(name, shown, baseline=baseline, is_broken=is_broken, note=note)

    def _answered(self, short: str) -> Array | None:
        """The rows that have an answer of the kind that a metric needs, None for all: a log holds what was asked for."""
        assert self.table is not None
        asked = definitions.of(self.model, short)
        wanted = definitions.columns(self.model, asked, header=self.table) if asked else ()
        if absent := [name for name in wanted if name not in self.table]:
            # said of the window: the file of predictions at release may well have it
            raise MlgitError(f"rows have no column '{absent[0]}'")
        left = None
        for name in wanted:
            missing = is_missing(self.table[name]) if name in (self.model.prediction, self.model.score) else np.zeros(0, bool)
            if missing.size and missing.all():
                raise MlgitError(f"no row has a {name}")
            if missing.any():
                are = "has" if missing.sum() == 1 else "have"
                self.notes.append(f"{int(missing.sum()):,} of {count(len(missing), 'labelled row')} {are} no {name}")
                left = missing if left is None else left | missing
        return None if left is None else np.flatnonzero(~left)

    def _judged(self, rule: GateRule, short: str, decided: Interval, baseline: float | None) -> tuple[bool, str]:
        asked = definitions.of(self.model, short)
        better = self.config.direction(rule.metric) or (definitions.better(asked) if asked else None) or "higher"
        return rule_limits.judge(rule, decided, baseline=baseline, better=better)

    def _baseline(self, *names: str) -> float | None:
        recorded = self.sketch.metrics if self.sketch else {}
        alike = [each for each in recorded if each.rpartition(".")[2] == names[-1]]
        return next((recorded[each] for each in (*names, *(alike if len(alike) == 1 else ())) if each in recorded), None)

    def _comparison(self, rule: GateRule | None) -> ComparisonSettings:
        """How rows are judged: as by the gate, with groups and time as far as the rows of today have these columns."""
        assert self.table is not None
        stats = self.config.gates.stats
        found = comparison_settings(self.model, stats, cluster=rule.cluster if rule else None)
        for name in (found.cluster, found.order):
            if name and name not in self.table:
                self.notes.append(f"rows have no column '{name}', so they count as independent")
                found = replace(found, cluster="", order="")
        return replace(found, seed=watched_metrics.seed_of(self.window), alpha=self.alpha)

    @property
    def alpha(self) -> float:
        """How often a model that is just within its limits may be called broken: as often as windows may alarm."""
        return min(self.settings.alpha or 1.0, self.config.gates.stats.alpha)

    def _estimates(
        self, asked: Mapping[str, str], measured: Mapping[str, MonitoredMetric]
    ) -> tuple[dict[str, MonitoredMetric], tuple[str, ...]]:
        calibration = self.sketch.calibration if self.sketch else None
        open_ = {name: short for name, short in asked.items() if name not in measured or measured[name].low is None}
        if calibration is None or not open_:
            return {}, ()
        values, notes = estimated.of_rows(
            calibration,
            self.answers,
            model=self.model,
            names=set(open_.values()),
            seed=watched_metrics.seed_of(self.window),
            confidence_level=CONFIDENCE,
        )
        return {name: self._estimate(name, short, values[short]) for name, short in open_.items() if short in values}, notes

    def _estimate(self, name: str, short: str, found: EstimatedMetric) -> MonitoredMetric:
        rule, baseline, is_broken = self._rule_about(short), self._baseline(name, short), False
        note = f"until labels are old enough; {estimated.NOTE}" if self.labels else estimated.NOTE
        if rule is not None:
            is_broken, told = self._judged(rule, short, found.at(1 - 2 * self.alpha), baseline)
            note = f"{told}; {note}" if told else note
        made = _monitored(name, found.shown, baseline=baseline, is_broken=is_broken, note=note)
        return replace(made, is_estimated=True)

    def _kpi(self, kpi: Kpi) -> MonitoredMetric | None:
        expression = watched_metrics.parsed(kpi, self.settings)
        if hashed := self.window.hashed & set(expression.columns):
            self.notes.append(f"kpi {kpi.name}: the log has hashes only of {', '.join(sorted(hashed))}")
            return None
        table, rows = self.answers, self.window.rows
        if not set(expression.columns) <= table.keys() and self.labels is not None:
            if self.table is None:
                self.notes.append(f"kpi {kpi.name}: no label counts yet")
                return None
            assert self.rows is not None
            table, rows = dict(self.table), len(self.rows.places)
        return self._valued(kpi, expression, table, rows)

    def _valued(
        self, kpi: Kpi, expression: expressions.Expression, table: Mapping[str, Any], rows: int
    ) -> MonitoredMetric | None:
        stats = self.config.gates.stats
        asked = IntervalOptions(CONFIDENCE, stats.resamples, watched_metrics.seed_of(self.window))
        where = f"kpi {kpi.name}"
        try:
            shown = expression_intervals.interval(expression, table, rows=rows, options=asked, where=where)
            sure = replace(asked, confidence_level=1 - 2 * self.alpha)
            decided = expression_intervals.interval(expression, table, rows=rows, options=sure, where=where)
        except MlgitError as error:
            self.notes.append(error.message)
            return None
        if shown.value is None:
            self.notes.append(f"{where}: {shown.reason}")
            return None
        lacking = rows - shown.n
        told = [f"{lacking:,} of {rows:,} rows have no value"] if lacking else []
        told += [shown.note] if shown.note else []
        baseline = self._at_release(kpi, expression, rows)
        note = "; ".join(told)
        return _monitored(kpi.name, shown, baseline=baseline, is_broken=_is_broken(kpi, decided), note=note, kind="kpi")

    def _at_release(self, kpi: Kpi, expression: expressions.Expression, rows: int) -> float | None:
        """What it was at release; a sum as one of so many rows."""
        found = self._baseline(watched_metrics.release_name(kpi, expression))
        return None if found is None or expression.degree is None else found * rows**expression.degree


def _is_broken(kpi: Kpi, decided: Interval) -> bool:
    """Whether the end of the interval that is nearer to the limit is beyond it; what varies by nothing, by its value."""
    assert decided.value is not None
    if decided.low is None or decided.high is None:
        return decided.reason == expression_intervals.CONSTANT and kpi.is_broken(decided.value)
    return kpi.is_broken(decided.low if kpi.direction == "lower" else decided.high)


def _monitored(
    name: str, shown: Interval, *, baseline: float | None, is_broken: bool, note: str, kind: Any = "metric"
) -> MonitoredMetric:
    assert shown.value is not None
    known = baseline if baseline is None or math.isfinite(baseline) else None
    return MonitoredMetric(
        name,
        shown.value,
        shown.low,
        shown.high,
        shown.confidence_level,
        shown.n,
        known,
        kind,
        is_broken=is_broken,
        note=note,
    )
