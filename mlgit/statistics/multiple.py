"""Many comparisons at once: p-values adjusted so that chance finds are not taken for finds.

Rules that must all pass need none of this: to pass a bad model, every one of them would have to err.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(pvalues: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order, for families where any alarm counts (Holm 1979, Scand. J. Stat. 6, 65)."""
    _check(pvalues)
    found, reached, number = [0.0] * len(pvalues), 0.0, len(pvalues)
    for place, index in enumerate(sorted(range(number), key=lambda each: pvalues[each])):
        reached = max(reached, min(1.0, (number - place) * pvalues[index]))
        found[index] = reached
    return found


def _check(pvalues: Sequence[float]) -> None:
    if not all(0 <= each <= 1 for each in pvalues):
        raise ValueError("a p-value lies between 0 and 1")
