"""Whether batches of a reference may be taken in any order: a permutation test for trend, and for likeness of neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.batch_scores import CountTable
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True)
class OrderTest:
    """The chance that batches without order would show such a trend, or neighbours so alike; and the columns that do."""

    trend_pvalue: float
    neighbour_pvalue: float
    trend_column: int = 0
    neighbour_column: int = 0


def order_test(table: CountTable, *, n_permutations: int = 499, seed: int = 0) -> OrderTest:
    """The order of batches beside `n_permutations` orders by chance.

    Of each column the share in every cell is looked at (its root, which varies alike for rare and frequent cells): for a
    trend the square of its product with time, for neighbours the sum of products of batches that follow one another. The
    maximum over columns, each in units of what chance gives, is compared.
    """
    sizes = np.maximum(table.totals(table.counts), 1)
    roots = np.sqrt(table.counts / table.spread(sizes))
    roots = (roots - roots.mean(axis=0)) * np.sqrt(table.spread(np.median(sizes, axis=0)))
    number, n_columns = len(roots), len(table.starts)
    rng = np.random.default_rng(seed)
    orders = np.concatenate([np.arange(number)[None], [rng.permutation(number) for _ in range(n_permutations)]])
    time = np.linspace(-1.0, 1.0, number)
    weights = np.empty(orders.shape)
    np.put_along_axis(weights, orders, np.broadcast_to(time, orders.shape), axis=1)
    varying = [n for n, values in enumerate(np.split(roots, table.starts[1:], axis=1)) if np.ptp(values, axis=0).any()]
    trends, neighbours = np.zeros((len(orders), n_columns)), np.zeros((len(orders), n_columns))
    for column in varying:
        start = int(table.starts[column])
        cells = roots[:, start : start + int(table.widths[column])]
        trends[:, column] = ((weights @ cells) ** 2).sum(axis=1)
        products = cells @ cells.T
        neighbours[:, column] = products[orders[:, :-1], orders[:, 1:]].sum(axis=1)
    (trend, trend_column), (neighbour, neighbour_column) = _judged(trends), _judged(neighbours)
    return OrderTest(trend, neighbour, trend_column, neighbour_column)


def _judged(found: Array) -> tuple[float, int]:
    """The p-value of the first row beside all, and the column that decides it."""
    apart = (found - found.mean(axis=0)) / np.maximum(found.std(axis=0), 1e-12)
    highest = apart.max(axis=1) if apart.shape[1] else np.zeros(len(apart))
    pvalue = float(np.count_nonzero(highest >= highest[0] - 1e-12) / len(highest))
    return pvalue, int(apart[0].argmax()) if apart.shape[1] else 0
