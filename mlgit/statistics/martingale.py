"""A conformal martingale: the evidence that has gathered, over all batches so far, against "nothing has changed".

Volkhonskiy et al. (2017), Inductive conformal martingales for change-point detection; Vovk et al. (2021),
arXiv:2102.10439. However long one looks, it passes 1/alpha with chance alpha at most (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

_EXPONENTS = (0.1, 0.2, 0.3, 0.5, 0.7)
# One alarm about nothing in a hundred, for ever.
PAGE = 100.0
# A bet must not lose all that was gained, nor win without end, by one value.
_LEAST_PVALUE = 1e-6


def capital(pvalues: Iterable[float]) -> float:
    """What a gambler has who bets one coin on small p-values, after all of them; begun anew after each alarm at PAGE.

    The mean over exponents of the products of `exponent * p ** (exponent - 1)`.
    """
    found = 1.0
    for value in running(pvalues):
        found = value
    return found


def running(pvalues: Iterable[float]) -> Iterable[float]:
    """The capital after each p-value, before it begins anew."""
    logs = [0.0] * len(_EXPONENTS)
    for pvalue in pvalues:
        step = math.log(min(max(pvalue, _LEAST_PVALUE), 1.0))
        logs = [log + math.log(each) + (each - 1.0) * step for log, each in zip(logs, _EXPONENTS, strict=True)]
        found = sum(map(_exp, logs)) / len(logs)
        yield found
        if found >= PAGE:
            logs = [0.0] * len(_EXPONENTS)


def _exp(log: float) -> float:
    return math.exp(min(log, 700.0))
