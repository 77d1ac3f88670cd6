"""The results of queries in the order of their scores, and what each query gets for it.

Results of equal score stand in no order that the model gave: every value is the mean over all orders of them, exactly (McSherry
and Najork 2008, Computing information retrieval performance measures efficiently in the presence of tied scores, ECIR, 414),
so that the order of the rows in a file never matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics import rows
from mlgit.statistics.queries import Queries, log_factorials, none_drawn

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Rows by query and falling score: `order` (n,) and the place 0, 1, ... of each in its query, `place` (n,).

    Rows of one score are a run: the first of its rows in that order, `at`, its place in the query, `start`, how many rows it
    has, `length`, and its query, `of`, shape (R,) each.
    """

    order: Array
    place: Array
    at: Array
    start: Array
    length: Array
    of: Array

    def summed(self, values: Array) -> Array:
        """The sum over each run of a value of each row, shape (R,)."""
        return np.add.reduceat(values[self.order], self.at)

    @property
    def above(self) -> Array:
        """How many rows of its query have a higher score than each row, in the order of the rows: all that a ranking says."""
        found = np.empty(len(self.order), dtype=np.int64)
        found[self.order] = np.repeat(self.start, self.length)
        return found

    def kept(self, k: float) -> Array:
        """How many rows of each run are among the first k of their query, shape (R,)."""
        return np.clip(k - self.start, 0, self.length)


def runs(found: Queries, score: Array) -> Runs:
    """The runs of equal scores of each query."""
    order = np.lexsort((-score, found.number))
    sorted_score, sorted_query = score[order], found.number[order]
    place = np.arange(len(order)) - np.repeat(np.cumsum(found.sizes) - found.sizes, found.sizes)
    is_new = np.append(True, (sorted_score[1:] != sorted_score[:-1]) | (sorted_query[1:] != sorted_query[:-1]))
    at = np.flatnonzero(is_new)
    return Runs(order, place, at, place[at], np.diff(at, append=len(order)), sorted_query[at])


def per_query(found: Queries, values: Array, of: Array) -> Array:
    """The sum over each query, shape (G,), of values of rows or runs whose queries are `of`."""
    return np.bincount(of, weights=values, minlength=len(found.first))


def discounted_gain(found: Queries, ranked: Runs, gain: Array, *, k: float) -> Array:
    """The gain of each result, discounted by the binary logarithm of its place + 1, of the first k: shape (G,)."""
    until = np.concatenate([[0.0], np.cumsum(_discounts(found, k=k))])
    discount = until[ranked.start + ranked.length] - until[ranked.start]
    return per_query(found, ranked.summed(gain) / ranked.length * discount, ranked.of)


def ideal_gain(found: Queries, ranked: Runs, gain: Array, best: Array, *, k: float) -> Array:
    """The same with rows in the best order, shape (G,)."""
    return per_query(found, gain[best] * _discounts(found, k=k)[ranked.place], found.number[best])


def best_order(found: Queries, relevance: Array) -> Array:
    """The rows by query and falling relevance, shape (n,)."""
    return np.lexsort((-relevance, found.number))


def _discounts(found: Queries, *, k: float) -> Array:
    places = np.arange(int(found.sizes.max()))
    return np.where(places < k, 1 / np.log2(places + 2), 0.0)


def hits(found: Queries, ranked: Runs, is_relevant: Array, *, k: float) -> Array:
    """How many of the first k are relevant, shape (G,)."""
    share = ranked.summed(is_relevant) / ranked.length
    return per_query(found, share * ranked.kept(k), ranked.of)


def hit_chance(found: Queries, ranked: Runs, is_relevant: Array, *, k: float) -> Array:
    """The chance that one of the first k is relevant, shape (G,)."""
    none = none_drawn(ranked.length, ranked.summed(is_relevant).astype(int), ranked.kept(k).astype(int))
    return np.asarray(1 - np.multiply.reduceat(none, _firsts(ranked)))


def reciprocal_rank(found: Queries, ranked: Runs, is_relevant: Array, *, k: float) -> Array:
    """1 / the place, from 1, of the first relevant result, where that is k at most, and else 0: shape (G,).

    In a run of m rows of which r are relevant, the first of those is number j with chance C(m - j, r - 1) / C(m, r).
    """
    relevant = ranked.summed(is_relevant).astype(int)
    first = np.flatnonzero((relevant > 0) & (_before(found, ranked, relevant) == 0))
    length, there = ranked.length[first], relevant[first]
    run = np.repeat(np.arange(len(first)), length)
    number = np.arange(len(run)) - np.repeat(np.cumsum(length) - length, length) + 1
    rest, others = length[run] - number, there[run] - 1
    logs = log_factorials(int(ranked.length.max()))
    ways = logs[length] - logs[there] - logs[length - there]
    chance = logs[rest] - logs[others] - logs[np.maximum(rest - others, 0)] - ways[run]
    place = ranked.start[first][run] + number
    value = np.where((rest >= others) & (place <= k), np.exp(chance) / place, 0.0)
    return per_query(found, value, ranked.of[first][run])


def precision_sum(found: Queries, ranked: Runs, is_relevant: Array, *, k: float) -> Array:
    """The sum of the precision at each relevant result among the first k, shape (G,).

    With H relevant rows above a run of m rows from place s on, of which r are relevant, its row j is relevant with chance
    r / m, and then H + 1 + (j - 1)(r - 1) / (m - 1) of s + j are.
    """
    relevant, start, length = ranked.summed(is_relevant), ranked.start, ranked.length
    kept = ranked.kept(k)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(found.sizes.max()) + 1))])
    inverse = harmonic[(start + kept).astype(int)] - harmonic[start]
    together = (relevant - 1) / np.maximum(length - 1, 1)
    above = _before(found, ranked, relevant)
    value = relevant / length * ((above + 1) * inverse + together * (kept - (start + 1) * inverse))
    return per_query(found, value, ranked.of)


def _firsts(ranked: Runs) -> Array:
    """The first run of each query, shape (G,)."""
    return np.flatnonzero(ranked.start == 0)


def _before(found: Queries, ranked: Runs, relevant: Array) -> Array:
    """How many relevant rows the runs above each run have, shape (R,)."""
    until = np.cumsum(relevant) - relevant
    return np.asarray(until - until[_firsts(ranked)][ranked.of])


def ranking_of(found: Queries, query: Any, score: Any) -> Runs:
    """The runs of a column of scores, made once for all metrics that ask."""
    ranked: Runs = rows.once("runs", lambda: runs(found, rows.numbers(score, what="score")), score, query)
    return ranked
