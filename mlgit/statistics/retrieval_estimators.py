"""Metrics of rankings, averaged over queries: NDCG, MRR, MAP, and recall, precision and hits of the first k.

The label of a row is its relevance: 0 for none, more for more of it; with labels that are texts, the positive one is relevant.
All that is known of a query are its rows: where a file holds retrieved results only, relevant ones that were not retrieved are
missing from recall_at_k, map and the ideal order of ndcg, which are too high then. A query without a relevant row has no value
and is left out; labels are the same for both models that are compared, so neither gains by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import averages, queries, ranked_queries, rows
from mlgit.statistics.estimate import Estimate, Estimator
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions, weights_of
from mlgit.statistics.queries import Queries
from mlgit.statistics.ranked_queries import Runs

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# 2 to the power of more than this is a relevance that nobody means.
_MOST_EXPONENT = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Results:
    """Queries with their results in order, the relevance of each row, and how many relevant ones each query has."""

    queries: Queries
    ranked: Runs
    relevance: Array
    is_relevant: Array
    relevant: Array
    k: float


def _results(given: Predictions, measure: Measure, positive: Any) -> _Results:
    relevance: Array = rows.once(("relevance", positive), lambda: _relevance(given.label, positive), given.label)
    found = queries.queries(given.query, size=len(relevance))
    rows.same_length(relevance, rows.numbers(given.score, what="score"))
    is_relevant: Array = rows.once(("relevant", positive), lambda: (relevance > 0).astype(float), given.label)
    relevant = ranked_queries.per_query(found, is_relevant, found.number)
    ranked = ranked_queries.ranking_of(found, given.query, given.score)
    k = queries.first_k(measure.k, name=measure.name)
    return _Results(found, ranked, relevance, is_relevant, relevant, k)


def _relevance(label: Any, positive: Any) -> Array:
    if positive is not None and _has_texts(label):
        return rows.against_rest(rows.classes(label), positive=positive).label.astype(float)
    found = rows.numbers(label, what="label")
    wrong = int((found < 0).sum())
    if wrong:
        raise MlgitError(
            f"label: {wrong} of {len(found)} values are below 0", "a relevance is 0 for none, and more for more of it"
        )
    return found


def _has_texts(label: Any) -> bool:
    column = np.asarray(label)
    return column.dtype.kind in "US" or (column.dtype.kind == "O" and any(isinstance(each, str) for each in column.tolist()))


def _mean(given: Predictions, results: _Results, part: Array, whole: Array | float, *, graded: bool = True) -> Estimate:
    """The mean of part / whole over queries that have a relevant row."""
    is_counted = results.relevant > 0
    left, size = int((~is_counted).sum()), len(is_counted)
    has = "has" if left == 1 else "have"
    note = f"{left:,} of {size:,} queries {has} no relevant row and {'is' if left == 1 else 'are'} left out" if left else ""
    values = np.where(is_counted, part / np.where(is_counted, whole, 1.0), 0.0)
    undefined = f"none of {count(size, 'query')} has a relevant row"
    weight, note = weights_of(given), note if left < size else ""
    made = queries.mean(results.queries, values, weight=weight, is_counted=is_counted, undefined=undefined, note=note)
    return averages.bounded(made, said=results.ranked.above, graded=graded)


@averages.unwarned
def _ndcg(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    results = _results(given, measure, positive)
    return _normalised(given, results, results.relevance, positive)


@averages.unwarned
def _ndcg_exponential(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    results = _results(given, measure, positive)
    highest = float(results.relevance.max())
    if highest > _MOST_EXPONENT:
        raise MlgitError(f"{measure.name}: a relevance of {highest:g} gains 2 ** {highest:g}", "use ndcg for such a relevance")
    return _normalised(given, results, np.exp2(results.relevance) - 1, positive)


def _normalised(given: Predictions, results: _Results, gain: Array, positive: Any) -> Estimate:
    """By the gain of the best order, which is that of falling relevance whatever grows with it."""
    found, ranked, k = results.queries, results.ranked, results.k
    relevance, columns = results.relevance, (given.label, given.query)
    best: Array = rows.once(("best", positive), lambda: ranked_queries.best_order(found, relevance), *columns)
    part = ranked_queries.discounted_gain(found, ranked, gain, k=k)
    return _mean(given, results, part, ranked_queries.ideal_gain(found, ranked, gain, best, k=k))


@averages.unwarned
def _mrr(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    results = _results(given, measure, positive)
    return _mean(given, results, _of_relevant(results, ranked_queries.reciprocal_rank), 1.0)


@averages.unwarned
def _map(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    """By the most that k results can have: trec_eval's map_cut divides by all relevant rows, and never reaches 1 with more."""
    results = _results(given, measure, positive)
    return _mean(given, results, _of_relevant(results, ranked_queries.precision_sum), np.minimum(results.relevant, results.k))


@averages.unwarned
def _recall_at_k(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    results = _results(given, measure, positive)
    return _mean(given, results, _of_relevant(results, ranked_queries.hits), results.relevant)


@averages.unwarned
def _precision_at_k(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    """By k, as trec_eval does, also where a query has fewer rows."""
    results = _results(given, measure, positive)
    return _mean(given, results, _of_relevant(results, ranked_queries.hits), results.k)


@averages.unwarned
def _hit_rate(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    results = _results(given, measure, positive)
    return _mean(given, results, _of_relevant(results, ranked_queries.hit_chance), 1.0, graded=False)


def _of_relevant(results: _Results, made: Callable[..., Array]) -> Array:
    return made(results.queries, results.ranked, results.is_relevant, k=results.k)


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("ndcg", "higher", ("label", "score", "query"), _ndcg, ("k",)),
    Estimator("ndcg_exponential", "higher", ("label", "score", "query"), _ndcg_exponential, ("k",)),
    Estimator("mrr", "higher", ("label", "score", "query"), _mrr, ("k",)),
    Estimator("map", "higher", ("label", "score", "query"), _map, ("k",)),
    Estimator("recall_at_k", "higher", ("label", "score", "query"), _recall_at_k, ("k",), requires=("k",)),
    Estimator("precision_at_k", "higher", ("label", "score", "query"), _precision_at_k, ("k",), requires=("k",)),
    Estimator("hit_rate", "higher", ("label", "score", "query"), _hit_rate, ("k",), requires=("k",)),
)
