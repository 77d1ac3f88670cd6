"""Many comparisons at once: p-values adjusted so that chance finds are not taken for finds.

Rules that must all pass need none of this: to pass a bad model, every one of them would have to err.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(pvalues: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order, for families where any alarm counts (Holm 1979, Scand. J. Stat. 6, 65)."""
    _check(pvalues)
    found, reached, number = [0.0] * len(pvalues), 0.0, len(pvalues)
    for place, index in enumerate(sorted(range(number), key=lambda each: pvalues[each])):
        reached = max(reached, min(1.0, (number - place) * pvalues[index]))
        found[index] = reached
    return found


def benjamini_hochberg(pvalues: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order: of all that are at most q, a share of at most q is expected to be chance.

    Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57, 289; for tables that people look through, where nothing is decided.
    """
    _check(pvalues)
    found, reached, number = [0.0] * len(pvalues), 1.0, len(pvalues)
    for place, index in reversed(list(enumerate(sorted(range(number), key=lambda each: pvalues[each]), start=1))):
        reached = min(reached, pvalues[index] * number / place)
        found[index] = reached
    return found


def draws_needed(tests: int, *, alpha: float) -> int:
    """How many draws a p-value needs to reach alpha after Holm's correction for so many tests.

    From B draws no p-value is less than 1 / (B + 1), and the first of the tests has to be less than alpha / tests.
    """
    return math.ceil(tests / alpha - 1e-9) - 1


def _check(pvalues: Sequence[float]) -> None:
    if not all(0 <= each <= 1 for each in pvalues):
        raise ValueError("a p-value lies between 0 and 1")
