"""Two models on the same rows: what resampling alone does not answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import metrics, rows
from mlgit.statistics.distributions import normal_cdf
from mlgit.statistics.metrics import Metric

if TYPE_CHECKING:
    from mlgit.statistics.metrics import Ties
    from mlgit.statistics.rows import Array

# Up to here every pattern of signs is tried, and the p-value is exact.
_MOST_TRIED = 16
# Above this many rows times draws the sum of signs is as good as normal, and drawing it takes seconds.
_MOST_SIGNS = 250_000_000
_MOST_CLASSES = 20


def sign_flip(differences: Array, *, resamples: int, seed: int) -> float:
    """The two-sided p-value of a mean difference of 0, shape (n,), by changing signs at random (Fisher 1935, section 21).

    Exact for few rows that differ; else the share of draws at least as far from 0, where the sample itself counts as one
    (Phipson and Smyth 2010), so that it is never 0; for very many rows the normal limit of the same. It asks whether the
    differences lie symmetrically around 0.
    """
    given = differences[differences != 0]
    if not len(given):
        return 1.0
    given = given / np.abs(given).max()
    reached = abs(given.sum()) * (1 - 1e-12)
    if len(given) <= _MOST_TRIED:
        signs = 1 - 2.0 * (np.arange(2 ** len(given))[:, None] >> np.arange(len(given)) & 1)
        return float((np.abs(signs @ given) >= reached).mean())
    if len(given) * resamples > _MOST_SIGNS:
        return float(2 * normal_cdf(-abs(given.sum()) / math.sqrt((given**2).sum())))
    return float(((np.abs(_signed(given, resamples, seed)) >= reached).sum() + 1) / (resamples + 1))


def _signed(given: Array, resamples: int, seed: int) -> Array:
    """Sums with random signs, shape (resamples,): for eight rows at a time the 256 sums are tabled, and bytes are drawn."""
    padded = np.concatenate([given, np.zeros(-len(given) % 8)]).reshape(-1, 8)
    patterns = 1 - 2.0 * (np.arange(256)[:, None] >> np.arange(8) & 1)
    table = padded @ patterns.T
    generator = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for line in table:
        total += line[generator.integers(0, 256, resamples, dtype=np.uint8)]
    return total


def discordant(chosen: Metric, label: Any, baseline: Any, current: Any, *, positive: Any = None) -> int:
    """In how many rows the two models differ, as far as a metric of scores or losses can see: in loss, in rank."""
    if chosen.kind == "ranking":
        one, other = map(_ranks, map(metrics.tied, (baseline, current)))
        return int((one != other).sum())
    one, other = (metrics.terms(chosen, label, each, positive=positive) for each in (baseline, current))
    return int((one != other).any(axis=1).sum())


def _ranks(tied: Ties) -> Array:
    """The place of each score among the different ones."""
    order, last = tied
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    return found


def reach(chosen: Metric, label: Any, prediction: Any, share: float, *, positive: Any = None) -> tuple[float, float, float]:
    """A confusion metric of one model, between what a share of rows could make of it; NaN for many classes."""
    table = _table(chosen, label, prediction, positive=positive)
    if len(table) > _MOST_CLASSES:
        return float("nan"), float("nan"), float("nan")
    value = float(chosen.function(np.diagonal(table), table.sum(axis=1), table.sum(axis=0)))
    low, high = _reach(chosen, table, share)
    return value + low, value, value + high


def _table(chosen: Metric, label: Any, prediction: Any, *, positive: Any) -> Array:
    """How many rows of each class (at least two) are predicted as each."""
    found = rows.classes(label, prediction)
    found = rows.against_rest(found, positive=positive) if chosen.binary else found
    size = max(len(found.names), 2)
    return np.bincount(found.label * size + found.predictions[0], minlength=size * size).reshape(size, size)


def _reach(chosen: Metric, table: Array, share: float) -> tuple[float, float]:
    """The lowest and highest change of the metric when a share of the rows moves from one predicted class to another."""
    size = len(table)
    moved = []
    for actual, old in zip(*np.nonzero(table), strict=True):
        for new in set(range(size)) - {int(old)}:
            changed = table.astype(float)
            step = min(share * table.sum(), table[actual, old])
            changed[actual, old] -= step
            changed[actual, new] += step
            moved.append(changed)
    all_ = np.array([table.astype(float), *moved])
    values = chosen.function(np.diagonal(all_, axis1=1, axis2=2), all_.sum(axis=2), all_.sum(axis=1))
    changes = (values - values[0])[np.isfinite(values)]
    return float(changes.min()), float(changes.max())


def same_labels(one: Any, other: Any) -> None:
    """Raises MlgitError when two columns of labels differ: then the rows are not the same, or the truth was changed."""
    found = rows.classes(one, other)
    different = int((found.label != found.predictions[0]).sum())
    if different:
        raise MlgitError(
            f"the labels differ in {different} of {len(found.label)} rows", "compare both models on the same rows and labels"
        )
