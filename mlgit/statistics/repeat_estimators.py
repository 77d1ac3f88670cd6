"""Several tries of each case: how often one of k passes, and how often all of k do.

pass_at_k: Chen and others 2021, Evaluating large language models trained on code, arXiv 2107.03374, section 2.1; pass_hat_k:
Yao and others 2024, tau-bench, arXiv 2406.12045. Both are the share of all sets of k tries of a case, averaged over cases,
which is unbiased whatever the number of tries; k independent draws with the rate of a case would not be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, queries, rows
from mlgit.statistics.estimate import Estimate, Estimator
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@averages.unwarned
def _pass_at_k(given: Predictions, measure: Measure, _: Any) -> Estimate:
    return _of_sets(given, measure, is_all=False)


@averages.unwarned
def _pass_hat_k(given: Predictions, measure: Measure, _: Any) -> Estimate:
    return _of_sets(given, measure, is_all=True)


def _of_sets(given: Predictions, measure: Measure, *, is_all: bool) -> Estimate:
    passed = _passed(given.value)
    found = queries.queries(given.query, size=len(passed))
    k, tries = int(queries.first_k(measure.k, name=measure.name, default=1)), found.sizes
    few = int((tries < k).sum())
    if few:
        has = "has" if few == 1 else "have"
        return averages.unknown(len(passed), f"{few:,} of {len(tries):,} cases {has} fewer than {k} tries")
    passes = np.bincount(found.number, weights=passed).astype(int)
    marked = tries - passes if is_all else passes
    none = queries.none_drawn(tries, marked, np.full(len(tries), k))
    made = queries.mean(found, none if is_all else 1 - none, weight=weights_of(given), noun="case")
    return averages.bounded(made, said=passed)


def _passed(value: Any) -> Array:
    """1 where a try passed, 0 where it failed. Raises MlgitError for anything else: a try that ended in an error is neither."""
    missing = int(rows.is_missing(value).sum())
    if missing:
        raise MlgitError(f"value: {missing} of {len(value)} tries have no result", "say of every try whether it passed: 1 or 0")
    found = rows.numbers(value, what="value")
    wrong = int(((found != 0) & (found != 1)).sum())
    if wrong:
        raise MlgitError(f"value: {wrong} of {len(found)} are neither 0 nor 1", "say of every try whether it passed: 1 or 0")
    return found


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("pass_at_k", "higher", ("value", "query"), _pass_at_k, ("k",), requires=("k",)),
    Estimator("pass_hat_k", "higher", ("value", "query"), _pass_hat_k, ("k",), requires=("k",)),
)
