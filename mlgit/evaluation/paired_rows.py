"""What rows of predictions say about a gate rule: tables in, evidence out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, metric_values, prediction_files, slice_gaps
from mlgit.evaluation.align import Misaligned, align
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.metric_values import check_classes, interval
from mlgit.evaluation.model_results import PredictionTable, Table, header_of
from mlgit.evaluation.results import MetricEvidence, Part, SliceGaps
from mlgit.evaluation.row_columns import column_of, no_column
from mlgit.model_settings import Model, columns_of_classes
from mlgit.rules import GateRule
from mlgit.schema import near_miss
from mlgit.statistics import bootstrap
from mlgit.statistics.comparison import Comparison
from mlgit.statistics.rows import Coded, Texts, coded, differ, held, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, eq=False)
class PairedRows:
    """The rows of both sides in one order; `baseline` is None where there is none, and `trouble` says why they cannot be
    compared.
    """

    model: Model
    current: Table
    baseline: Table | None = None
    trouble: str = ""

    @cached_property
    def are_same(self) -> bool:
        """Whether both models say the same of every row in all columns that any metric could read, and are held to the same
        label."""
        if self.baseline is None or self.trouble:
            return False
        model, header = self.model, {*self.baseline, *self.current}
        names = {model.label, model.prediction, model.score, *columns_of_classes(model, header).values()}
        names |= {column for _, column in model.quantiles}
        names |= {column for each in definitions.all_of(model) for column in definitions.columns(model, each, header=header)}
        names |= {name for name in header if prediction_files.is_of_another(name)}
        return all(map(self.is_same, sorted(names & header)))

    @cached_property
    def coded(self) -> PairedRows:
        """The same rows, looked at once for all rules: classes are numbered, and columns keep what is made from them."""
        sides = [each for each in (self.current, self.baseline) if each is not None]
        names = [name for name in (self.model.label, self.model.prediction) if all(name in side for side in sides)]
        numbered = iter(coded(*(side[name] for side in sides for name in names)) if names else ())
        made = [_held(side, self.model, dict(zip(names, numbered, strict=False))) for side in sides]
        return replace(self, current=made[0], baseline=made[1] if len(made) > 1 else None)

    def is_same(self, name: str) -> bool:
        """Whether both sides have the same in a column, or both have no such column."""
        return self.baseline is not None and is_same_column(self.baseline.get(name), self.current.get(name))


def _held(side: Table, model: Model, known: Mapping[str, Any]) -> Table:
    found = PredictionTable(side)
    found.header = header_of(side)
    names = {model.id, *model.key, *model.slices}
    found.update(
        {name: held(known.get(name, column)) for name, column in side.items() if name not in names and _is_plain(column)}
    )
    return found


def _is_plain(column: Any) -> bool:
    """Whether a column is an array, and none of texts that lie in memory as one."""
    return not isinstance(column, Texts)


def is_same_column(one: Any, other: Any) -> bool:
    """Whether two columns hold the same values in the same order; what is missing is like what is missing."""
    if one is None or other is None:
        return one is other
    if isinstance(one, Coded) and isinstance(other, Coded) and one.are_texts == other.are_texts:
        return len(one) == len(other) and not (len(one) and bool(differ(one, other).any()))
    if isinstance(one, Texts) and isinstance(other, Texts):
        return one.is_same(other)
    before, now = np.asarray(one), np.asarray(other)
    if before.dtype.kind in "biuf" and now.dtype.kind in "biuf":
        return np.array_equal(before, now, equal_nan=before.dtype.kind == "f" and now.dtype.kind == "f")
    if before.shape != now.shape:
        return False
    is_equal = np.asarray(before == now)
    return bool(is_equal.all() or (is_equal | (is_missing(before) & is_missing(now))).all())


def pair(model: Model, baseline: Table | None, current: Table, *, hides_keys: bool = False) -> PairedRows:
    """Bring the rows of both sides together by the column that `models.NAME.id` names; with `hides_keys` none of it is told."""
    if baseline is None:
        return PairedRows(model, current)
    if not model.id:
        return PairedRows(model, current, baseline, f"{model.where}.id names no column to align rows by")
    for side, table in (("baseline", baseline), ("current", current)):
        if model.id not in table:
            told = f"{model.predictions}: the {side} predictions have no column '{model.id}'"
            told += f"{near_miss(model.id, header_of(table))}, which {model.where}.id asks for"
            return PairedRows(model, current, baseline, told)
    found = align(baseline[model.id], current[model.id])
    if isinstance(found, Misaligned):
        found = replace(found, examples=()) if hides_keys else found
        return PairedRows(model, current, baseline, found.reason)
    return PairedRows(model, _taken(current, found.current), _taken(baseline, found.baseline))


def gather(
    rule: GateRule, rows: PairedRows, *, better: Literal["higher", "lower"] | None, settings: ComparisonSettings
) -> MetricEvidence:
    """The evidence for a rule about a metric that can be computed from rows. What is wrong with them becomes `trouble`."""
    try:
        return _gathered(rule, rows.coded, better, settings)
    except MlgitError as error:
        return MetricEvidence(better=better, trouble=f"{error.message}; {error.hint}" if error.hint else error.message)


def _gathered(
    rule: GateRule, rows: PairedRows, better: Literal["higher", "lower"] | None, settings: ComparisonSettings
) -> MetricEvidence:
    _check_columns(rule, rows, settings)
    check_classes(rule.metric, rows.model, rows.current, positive=settings.positive)
    _check_slices(rule, rows)
    current = interval(rule.metric, rows.model, rows.current, settings)
    known = MetricEvidence(better=better, current=current.value, interval=_ends(current), no_interval=current.reason)
    known = replace(known, doubt="" if current.may_pass else current.note)
    known = replace(known, n=current.n, is_first=rows.baseline is None, alpha=settings.alpha)
    if rule.kind == "gap":
        return replace(known, gaps=_gaps(rule, rows, settings), missing=_missing(rule, rows), small=_small(rule, rows))
    if rule.kind == "bound" and rule.max_change is None:
        return known
    if rows.baseline is None or (better is None and rule.kind != "bound"):
        return known
    if rows.trouble:
        return replace(known, trouble=rows.trouble)
    try:
        check_classes(rule.metric, rows.model, rows.baseline, positive=settings.positive)
    except MlgitError as error:
        raise MlgitError(f"baseline: {error.message}", error.hint) from error
    if rows.model.label not in rows.baseline and _reads_labels(rule, rows):
        raise no_column(rows.model, rows.baseline, rows.model.label)
    if current.value is not None and rows.are_same and all(map(rows.is_same, _sliced_by(rule))):
        known = replace(known, same="same predictions", baseline=current.value)
    if rule.kind == "no_harm" and known.same:
        return known
    if rule.kind == "no_harm":
        parts = dict(_parts(rule, rows, better, settings))
        return replace(known, parts=parts, missing=_missing(rule, rows), small=_small(rule, rows))
    whole = _compared(rule, rows, None, better, settings)
    return replace(known, comparison=whole, baseline=whole.baseline)


def _check_columns(rule: GateRule, rows: PairedRows, settings: ComparisonSettings) -> None:
    """Every column that only names things has to be there; the error says who asks for it."""
    asked = dict.fromkeys(_sliced_by(rule), f"`slices` of the rule {rule.id}")
    if settings.cluster:
        own = rule.cluster is not None
        keys = [key for key in ("cluster", "query") if getattr(rows.model, key) == settings.cluster]
        by_model = f"{rows.model.where}.{keys[0]}" if keys else "gates.stats.cluster"
        asked[settings.cluster] = f"`cluster` of the rule {rule.id}" if own else by_model
    if settings.order:
        asked[settings.order] = f"{rows.model.where}.order"
    for name, by in asked.items():
        if name not in rows.current:
            raise no_column(rows.model, rows.current, name, asked=by)


def _sliced_by(rule: GateRule) -> dict[str, None]:
    return dict.fromkeys(each for columns in rule.slices.by for each in columns) if rule.slices else {}


def _check_slices(rule: GateRule, rows: PairedRows) -> None:
    """Which slice a row belongs to is no matter of the model: else a change could spread its harm over other slices."""
    if not rule.slices or rows.baseline is None or rows.trouble:
        return
    if rule.slices.if_missing == "fail" and _missing(rule, rows):  # that is told, and fails
        return
    for name in _sliced_by(rule):
        if name in rows.baseline and not rows.is_same(name):
            before, now = (
                [str(each) for each in column_of(rows.model, table, name).tolist()] for table in (rows.baseline, rows.current)
            )
            differing = sum(one != other for one, other in zip(before, now, strict=True))
            if differing:
                raise MlgitError(
                    f"{name} differs in {differing} of {len(now)} rows, so the slices are not the same",
                    f"change {name} in a pull request of its own",
                )


def _reads_labels(rule: GateRule, rows: PairedRows) -> bool:
    found = metric_values.definition_of(rule.metric, rows.model, rows.current)
    return found is None or rows.model.label in definitions.columns(rows.model, found, header=rows.current)


def _ends(found: bootstrap.Interval) -> tuple[float, float] | None:
    return None if found.low is None or found.high is None else (found.low, found.high)


def _compared(
    rule: GateRule,
    rows: PairedRows,
    places: Array | None,
    better: Literal["higher", "lower"] | None,
    settings: ComparisonSettings,
) -> Comparison:
    """Both models by the metric of a rule: of what it is made from, only answers may differ, else a change could make its rows
    cheap."""
    assert rows.baseline is not None
    made = metric_values.definition_of(rule.metric, rows.model, rows.current)
    for name in _facts(made, rows):
        if name in rows.baseline and name in rows.current and not rows.is_same(name):
            raise MlgitError(f"{name} is not the same on both sides", f"change {name} in a pull request of its own")
    found = metric_values.compare(
        rule.metric,
        rows.model,
        rows.baseline,
        rows.current,
        settings,
        places=places,
        margin=rule.margin,
        better=better,
    )
    if made is None or not made.per or rows.is_same(made.per):
        return found
    return replace(found, note="; ".join(filter(None, (found.note, f"{made.per}, which it is divided by, differs as well"))))


def _facts(found: MetricDefinition | None, rows: PairedRows) -> set[str]:
    """The columns that a metric reads and no model has a say in: with the answers, all others of its expression; and weights,
    queries."""
    model = rows.model
    facts = {model.weight, model.query} - {""}
    if found is None or found.expression is None:
        return facts
    answers = {
        model.prediction,
        model.score,
        *columns_of_classes(model, rows.current).values(),
        *(column for _, column in model.quantiles),
    }
    read = set(found.expression.columns)
    is_of_answers = bool(read & {*answers, model.label}) or found.metric in {each.metric for each in model.kpis}
    return facts | (read - answers if is_of_answers else set())


def _parts(
    rule: GateRule, rows: PairedRows, better: Literal["higher", "lower"] | None, settings: ComparisonSettings
) -> Iterator[tuple[Part, Comparison]]:
    """Every slice with rows enough, compared."""
    for part, places in _large(rule, rows):
        yield part, _compared(rule, rows, places, better, settings)


def _large(rule: GateRule, rows: PairedRows) -> Iterator[tuple[Part, Array]]:
    """Every slice with rows enough."""
    assert rule.slices
    for columns in rule.slices.by:
        yield from (each for each in _sliced(rows.model, rows.current, columns) if len(each[1]) >= rule.slices.min_n)


def _gaps(rule: GateRule, rows: PairedRows, settings: ComparisonSettings) -> SliceGaps:
    """The slices by the same columns beside one another."""
    assert rule.slices
    assert rule.maximum is not None
    places = dict(_large(rule, rows))
    groups: dict[tuple[str, ...], list[Part]] = {}
    for part in places:
        groups.setdefault(tuple(column for column, _ in part), []).append(part)

    def intervals(alpha: float) -> dict[Part, bootstrap.Interval]:
        asked = replace(settings, alpha=alpha)
        return {part: interval(rule.metric, rows.model, rows.current, asked, places=each) for part, each in places.items()}

    is_corrected = rule.slices.correct == "holm"
    return slice_gaps.measure(
        list(groups.values()), intervals, most=rule.maximum, alpha=settings.alpha, is_corrected=is_corrected
    )


def _missing(rule: GateRule, rows: PairedRows) -> tuple[Part, ...]:
    """Slices only the baseline has, as far as it has the columns."""
    assert rule.slices
    found: list[Part] = []
    for columns in rule.slices.by:
        if rows.baseline is None or not set(columns) <= rows.baseline.keys():
            continue
        now = {part for part, _ in _sliced(rows.model, rows.current, columns)}
        found += [part for part, _ in _sliced(rows.model, rows.baseline, columns) if part not in now]
    return tuple(found)


def _small(rule: GateRule, rows: PairedRows) -> tuple[Part, ...]:
    assert rule.slices
    least = rule.slices.min_n
    return tuple(
        part for columns in rule.slices.by for part, places in _sliced(rows.model, rows.current, columns) if len(places) < least
    )


def _sliced(model: Model, table: Table, columns: tuple[str, ...]) -> Iterator[tuple[Part, Array]]:
    """The rows of each combination of values, by name."""
    names = sorted(columns)
    coded = [_coded(column_of(model, table, name)) for name in names]
    numbers = np.zeros(len(coded[0][0]), dtype=np.int64)
    for codes, texts in coded:
        numbers = numbers * len(texts) + codes
    order = np.argsort(numbers, kind="stable")
    _, starts = np.unique(numbers[order], return_index=True)
    found = {}
    for places in np.split(order, starts[1:]) if len(order) else []:
        part = tuple((name, texts[codes[places[0]]]) for name, (codes, texts) in zip(names, coded, strict=True))
        found[part] = places
    for part in sorted(found):
        yield part, found[part]


def _coded(column: Array) -> tuple[Array, list[str]]:
    """A column as numbers of texts, and these texts."""
    if column.dtype.kind in "biuf":
        distinct, codes = np.unique(column, return_inverse=True)
        return codes, [str(each) for each in distinct.tolist()]
    known: dict[str, int] = {}
    codes = np.fromiter(
        (known.setdefault(str(each), len(known)) for each in column.tolist()), dtype=np.int64, count=len(column)
    )
    return codes, list(known)


def _taken(table: Table, places: Array) -> Table:
    if np.array_equal(places, np.arange(len(places))):
        return table
    taken = PredictionTable({name: prediction_files.rows_at(column, places) for name, column in table.items()})
    taken.header = header_of(table)
    return taken
