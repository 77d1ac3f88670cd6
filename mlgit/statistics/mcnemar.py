"""Is one of two models right more often on the same rows? McNemar 1947, Psychometrika 12, 153, in four forms.

The mid-p form is the one to read: it keeps its level without the caution of the exact one (Fagerland, Lydersen and Laake
2013, BMC Med. Res. Methodol. 13, 91).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import bdtr, chdtrc


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two-sided p-values of no difference, and the chi-squared statistics (1 degree of freedom), plain and corrected."""

    midp: float
    exact: float
    chi2: float
    chi2_pvalue: float
    corrected: float
    corrected_pvalue: float


def mcnemar(fixed: int, broken: int) -> McNemar:
    """The test from the rows only one model has right: `fixed` by the current model, `broken` by it.

    Without any such row nothing speaks against the models being alike: all p-values are 1.
    """
    number = fixed + broken
    if not number:
        return McNemar(1.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    fewer = min(fixed, broken)
    tail = float(bdtr(fewer, number, 0.5))
    point = tail - (float(bdtr(fewer - 1, number, 0.5)) if fewer else 0.0)
    exact = min(1.0, 2 * tail)
    midp = 1.0 if fixed == broken else 2 * tail - point
    chi2 = (fixed - broken) ** 2 / number
    corrected = max(0, abs(fixed - broken) - 1) ** 2 / number
    return McNemar(midp, exact, chi2, float(chdtrc(1, chi2)), corrected, float(chdtrc(1, corrected)))
