"""Is one of two models right more often on the same rows? McNemar 1947, Psychometrika 12, 153."""

from __future__ import annotations

from mlgit.statistics.distributions import coin_cdf


def midp(fixed: int, broken: int) -> float:
    """The two-sided mid-p value of no difference, from the rows only one model has right: `fixed` by the current model.

    It keeps its level without the caution of the exact test (Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13,
    91), where equal counts give 1 less half of their own chance. Without any such row nothing speaks against the models being
    alike, and it is 1.
    """
    number, fewer = fixed + broken, min(fixed, broken)
    if not number:
        return 1.0
    if fixed == broken:
        return 1.5 - coin_cdf(fewer, number)
    below = coin_cdf(fewer - 1, number) if fewer else 0.0
    return coin_cdf(fewer, number) + below
