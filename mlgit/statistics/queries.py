"""Rows in groups that a metric has one value of each: the results of a query, the tries of a case."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, rows
from mlgit.statistics.estimate import Estimate

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """The number 0..G-1 of each row's query, shape (n,); the first row and the number of rows of each, shape (G,)."""

    number: Array
    first: Array
    sizes: Array


def queries(query: Any, *, size: int) -> Queries:
    """The queries of so many rows. Raises MlgitError where a row names none."""
    found: Queries = rows.once("queries", lambda: _queries(query), query)
    if len(found.number) != size:
        raise MlgitError(f"{len(found.number)} queries are named for {size} rows", "name the query of every row")
    return found


def _queries(names: Any) -> Queries:
    try:
        number = rows.classes(names).label
    except MlgitError as error:
        missing = int(rows.is_missing(names).sum())
        told = f"query: {missing} of {len(names)} values are missing" if missing else f"query: {error.message}"
        raise MlgitError(told, "name the query of every row") from error
    first = np.empty(int(number.max()) + 1, dtype=np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return Queries(number, first, np.bincount(number))


def mean(
    found: Queries,
    values: Array,
    *,
    weight: Array | None = None,
    noun: str = "query",
    is_counted: Array | None = None,
    undefined: str = "there is no query",
    note: str = "",
) -> Estimate:
    """The mean, over queries, of a value of each, shape (G,), which lies from 0 to 1. Those not counted are left out.

    A query stands at its first row, with the weight of that row. Raises MlgitError where rows of one have several weights.
    """
    if weight is not None:
        _check_weights(found, weight, noun)
    counted = np.ones(len(values), dtype=bool) if is_counted is None else is_counted
    part, whole = np.zeros(len(found.number)), np.zeros(len(found.number))
    part[found.first], whole[found.first] = np.where(counted, values, 0.0), counted
    made = averages.ratio(part, whole, weight=weight, undefined=undefined, note=note, least=0.0, most=1.0)
    return replace(made, n_counted=int(counted.sum()), counted=noun, parts=whole * (1.0 if weight is None else weight))


def _check_weights(found: Queries, weight: Array, noun: str) -> None:
    rows.same_length(found.number, weight)
    several = len(np.unique(found.number[weight != weight[found.first][found.number]]))
    if several:
        raise MlgitError(
            f"weight: {several} of {len(found.first)} do not have one weight in all of their rows, and a {noun} counts as one",
            f"give all rows of a {noun} the same weight",
        )


def log_factorials(most: int) -> Array:
    """The logarithms of 0! to `most`!."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def none_drawn(total: Array, marked: Array, drawn: Array) -> Array:
    """The chance that none of those drawn, of so many in all without putting back, is a marked one: C(n - m, k) / C(n, k)."""
    logs = log_factorials(int(total.max(initial=0)))
    left = total - marked - drawn
    possible = np.maximum(left, 0)
    chance = (logs[total - marked] - logs[total]) + (logs[total - drawn] - logs[possible])
    return np.where(left >= 0, np.exp(chance), 0.0)


def first_k(given: int | None, *, name: str, default: float = math.inf) -> float:
    """How many of the first rows count. Raises MlgitError unless that is a whole number of at least 1."""
    if given is None:
        return default
    if given < 1 or given != int(given):
        raise MlgitError(f"{name}: k is {given}, which is not a whole number of at least 1", "declare k: 10, for instance")
    return given
