"""The variance of a statistic from the influence of each row on it: how much it would move if the row counted a little more.

Influences sum to 0, and the variance of independent rows is the sum of their squares. Where few rows carry it, that sum is too
small as often as such rows happen not to be drawn: hence each square is divided by the share that all the other rows have,
twice, as the residuals of a regression are by their leverage (HC3: MacKinnon and White 1985, J. Econometrics 29, 305). A share
counts as a half at most: one row that is nearly all of the variance does not make the interval boundless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.render.text import count

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What is left of a variance when everything but rounding cancelled.
NOUGHT = 1e-20
_LEAST_REST = 0.5
# The rows that may carry half of the variance before an interval is in doubt: one in a hundred.
_FEW = 0.01
_HALF = 0.5
# With so many rows, even such a sample holds enough of them.
ENOUGH_ROWS = 1000


def summed(influence: Array, groups: Array | None) -> Array:
    """The influence of each cluster, or of each row where there are none."""
    return influence if groups is None else np.bincount(groups, weights=influence)


def widened(squares: Array, *, times: int = 2) -> Array:
    """Squared influences, each divided (twice, or so many times) by what the others have of their sum."""
    total = squares.sum()
    if total <= 0:
        return squares
    return np.asarray(squares / np.maximum(1 - squares / total, _LEAST_REST) ** times)


def doubt(influence: Array, *, noun: str) -> tuple[str, bool]:
    """What a reader must know where few rows decide, '' else; and whether they may show anything good then."""
    few, size = deciding(influence), len(influence)
    told = f"{few:,} of {count(size, noun)} decide this" if few else ""
    may_pass = not few or size >= ENOUGH_ROWS
    return told if may_pass else f"{told}: they show nothing good below {count(ENOUGH_ROWS, noun)}", may_pass


def deciding(influence: Array) -> int:
    """How many rows carry half of the variance, where that is one in a hundred or fewer; else 0."""
    squares = np.sort(influence**2)[::-1]
    total = float(squares.sum())
    if total <= NOUGHT:
        return 0
    number = int(np.searchsorted(np.cumsum(squares), _HALF * total)) + 1
    return number if number <= max(1, _FEW * len(influence)) and len(influence) else 0
