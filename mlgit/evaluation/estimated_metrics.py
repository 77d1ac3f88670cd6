"""Metrics from the influence of each row: of weighted rows, of rankings and many classes, and of several seeds or folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_estimates, missing_values, prediction_files
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.model_results import Table
from mlgit.model_settings import Model
from mlgit.rules import Amount
from mlgit.statistics import estimate_comparison, folds, recipes
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.comparison import Comparison, ComparisonOptions, comparison_of
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.recipes import RecipeOptions

if TYPE_CHECKING:
    from mlgit.statistics.influence_intervals import RowStructure
    from mlgit.statistics.resampling import Spread
    from mlgit.statistics.rows import Array


def value(found: MetricDefinition, model: Model, table: Table, places: Array | None = None, *, positive: Any = None) -> float:
    """A metric of rows: the mean over files where there are several seeds or folds; NaN where it has no value."""
    if prediction_files.folds_of(table) is not None:
        return float(_values(_of_folds(found, model, table, places, positive)).mean())
    return float(np.mean([each.value for each in _of_seeds(found, model, table, places, positive)]))


def estimate(
    found: MetricDefinition, model: Model, table: Table, places: Array | None = None, *, positive: Any = None
) -> tuple[float, Array]:
    """A metric of rows and the influence of each row on it: of several seeds, of the mean over their files.

    Raises MlgitError for folds, whose rows are not alike.
    """
    if prediction_files.folds_of(table) is not None:
        raise MlgitError(f"{found.metric}: over folds, rows do not tell one by one how far they move it")
    files = recipes.files(_of_seeds(found, model, table, places, positive))
    return files.value, files.influence


def _of_seeds(found: MetricDefinition, model: Model, table: Table, places: Array | None, positive: Any) -> list[Estimate]:
    """The estimate of each file."""
    views = [prediction_files.of_seed(table, number) for number in range(prediction_files.files_of(table))]
    return [metric_estimates.estimate(found, model, each, places, positive=positive) for each in views]


def _of_folds(
    found: MetricDefinition,
    model: Model,
    table: Table,
    places: Array | None,
    positive: Any,
    numbers: Array | None = None,
) -> list[Estimate]:
    """The estimate of each fold, of its rows among these; `numbers` say which fold a row is of, else the table does."""
    numbers = prediction_files.folds_of(table) if numbers is None else numbers
    assert numbers is not None
    chosen = np.arange(len(numbers)) if places is None else places
    parts = [chosen[numbers[chosen] == number] for number in range(int(numbers.max()) + 1)]
    if empty := [number for number, part in enumerate(parts) if not len(part)]:
        raise MlgitError(f"fold {empty[0] + 1} has no such row", "a metric over folds needs rows in each of them")
    return [metric_estimates.estimate(found, model, table, part, positive=positive) for part in parts]


def _values(found: Sequence[Estimate]) -> Array:
    return np.array([each.value for each in found])


def _heeding_folds(spread: Spread, found: Sequence[Estimate]) -> Spread:
    """An interval with what the folds say of themselves: why one has no value, and what was left out."""
    undefined = [f"fold {number}: {each.why}" for number, each in enumerate(found, 1) if each.value != each.value and each.why]
    noted = [f"fold {number}: {each.note}" for number, each in enumerate(found, 1) if each.note]
    note = f"{noted[0]}, and alike {len(noted) - 1} more" if len(noted) > 1 else "".join(noted)
    note = "; ".join(filter(None, (spread.note, note)))
    return replace(spread, why=undefined[0] if undefined else spread.why, note=note)


def _within(spread: Spread, one: Estimate) -> Spread:
    """An interval of values that ends where the metric does."""
    return replace(spread, low=max(spread.low, one.least), high=min(spread.high, one.most))


def interval(
    found: MetricDefinition, model: Model, table: Table, asked: ComparisonSettings, *, places: Array | None = None
) -> Interval:
    """A metric of one model, or of its recipe, with its interval."""
    options = ComparisonOptions(asked.confidence_level, asked.resamples, asked.seed)
    numbers = prediction_files.folds_of(table)
    if numbers is not None:
        parts = _of_folds(found, model, table, places, asked.positive)
        values, ratio = _values(parts), folds.largest_share(numbers)
        spread = folds.interval(values, confidence=asked.confidence_level, test_to_train=ratio)
        spread = _heeding_folds(spread, parts)
        return _shown(found.metric, float(values.mean()), _within(spread, parts[0]), options, len(values))
    structure = metric_estimates.structure(found, model, table, asked, places)
    each = _of_seeds(found, model, table, places, asked.positive)
    if len(each) == 1:
        return estimate_comparison.interval(found.metric, each[0], rows=structure, options=options)
    structure = estimate_comparison.of_queries(structure, each[0])
    made = recipes.interval(recipes.files(each), question=_question(asked, structure))
    heeded = estimate_comparison.heeding(made.spread, each)
    shown = _shown(found.metric, made.value, _within(heeded, each[0]), options, len(each[0].influence))
    return replace(shown, note="; ".join(filter(None, (shown.note, made.claim.text))))


def _shown(name: str, given: float, spread: Spread, options: ComparisonOptions, n: int) -> Interval:
    known, low, high = (None if each != each else float(each) for each in (given, spread.low, spread.high))
    level, method = options.confidence_level, spread.method
    return Interval(name, known, low, high, level, n, method, spread.why, spread.draws, spread.note, spread.may_pass)


def _question(asked: ComparisonSettings, structure: RowStructure) -> RecipeOptions:
    return RecipeOptions(asked.confidence_level, asked.resamples, asked.seed, structure)


def compare(
    found: MetricDefinition,
    model: Model,
    baseline: Table,
    current: Table,
    asked: ComparisonSettings,
    *,
    places: Array | None = None,
    margin: Amount | None = None,
    better: Literal["higher", "lower"] | None = None,
) -> Comparison:
    """Two models, or recipes, by a metric on the same rows in the same order."""
    question = ComparisonOptions(asked.confidence_level, asked.resamples, asked.seed, asked.positive, better=better)
    sided = missing_values.one_sided(found, model, baseline, current, places)
    made = _compared(found, model, (baseline, current), asked, question, sided.places, margin)
    return sided.told(made, alpha=asked.alpha)


def _compared(
    found: MetricDefinition,
    model: Model,
    sides: tuple[Table, Table],
    asked: ComparisonSettings,
    question: ComparisonOptions,
    places: Array | None,
    margin: Amount | None,
) -> Comparison:
    baseline, current = sides
    if any(prediction_files.folds_of(each) is not None for each in sides):
        return _of_both_folds(found, model, baseline, current, question, places, margin)
    before, now = (_of_seeds(found, model, each, places, asked.positive) for each in (baseline, current))
    question = _with_margin(question, margin, float(np.mean([each.value for each in before])))
    structure = metric_estimates.structure(found, model, baseline, asked, places)
    if len(before) == len(now) == 1:
        return estimate_comparison.compare(found.metric, before[0], now[0], rows=structure, question=question)
    structure = estimate_comparison.of_queries(structure, now[0])
    files = [recipes.files(each) for each in (before, now)]
    made = recipes.difference(files[0], files[1], question=_question(asked, structure))
    size = len(now[0].influence)
    compared = comparison_of(
        found.metric,
        (files[0].value, files[1].value),
        estimate_comparison.heeding(made.spread, [*now, *before]),
        question=question,
        n=size,
        n_discordant=int((~np.isclose(files[0].influence, files[1].influence, rtol=1e-9, atol=1e-15)).sum()),
        clusters=None if structure.groups is None else int(structure.groups.max()) + 1,
    )
    return _doubted(replace(compared, about=made.claim.text), seeds=(len(before), len(now)))


def _doubted(compared: Comparison, *, seeds: tuple[int, int]) -> Comparison:
    """Fewer seeds than at the baseline may be the lucky ones of as many: they show harm, and nothing good."""
    if seeds[1] >= seeds[0]:
        return compared
    told = f"{seeds[1]} seeds of {seeds[0]} at the baseline, which may be the lucky ones"
    return replace(compared, note="; ".join(filter(None, (compared.note, told))), may_pass=False)


def _with_margin(question: ComparisonOptions, margin: Amount | None, before: float) -> ComparisonOptions:
    return replace(question, margin=margin.of(before)) if margin and before == before else question


def _of_both_folds(
    found: MetricDefinition,
    model: Model,
    baseline: Table,
    current: Table,
    question: ComparisonOptions,
    places: Array | None,
    margin: Amount | None,
) -> Comparison:
    numbers = [prediction_files.folds_of(each) for each in (baseline, current)]
    if numbers[0] is None or numbers[1] is None or not _are_same_folds(numbers[0], numbers[1]):
        raise MlgitError("the folds are not the same on both sides", "split the rows alike: with one seed, in one stage")
    parts = [_of_folds(found, model, each, places, question.positive, numbers[1]) for each in (baseline, current)]
    before, now = map(_values, parts)
    question = _with_margin(question, margin, float(before.mean()))
    telling = parts[0 if np.isnan(before).any() else 1]
    ratio = folds.largest_share(numbers[1])
    spread = folds.difference(before, now, confidence=question.confidence_level, test_to_train=ratio)
    spread = _heeding_folds(spread, telling)
    size = len(numbers[0]) if places is None else len(places)
    values = float(before.mean()), float(now.mean())
    differing = int((before != now).sum())
    compared = comparison_of(found.metric, values, spread, question=question, n=size, n_discordant=differing)
    return replace(compared, n_counted=len(now), counted="fold", about=f"about the recipes: {len(now)} folds")


def _are_same_folds(before: Array, now: Array) -> bool:
    """Whether the same rows are together, whatever the number of their fold."""
    pairs = set(zip(before.tolist(), now.tolist(), strict=True))
    return len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
