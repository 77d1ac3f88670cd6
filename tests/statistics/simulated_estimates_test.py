"""How often an answer about forecasts, costs, rankings and repeated tries is wrong, where their truth lies at the margin."""

from __future__ import annotations

import pytest

from tests.kit import FULL
from tests.statistics.simulated_estimates import Pair, costly, covering, errors, forecast, searched, skewed, tried

pytestmark = pytest.mark.slow

DRAWS = 2000 if FULL else 100
# 5 % is what the interval promises, and 8 % what few rows of a skewed loss may cost.
LIMIT = 0.08

LOSSES = [
    Pair(name, skewed, size, made=made)
    for name in ("mape", "smape", "wape", "median_ae", "rmsle")
    for size in (50, 300)
    for made in ((), (("is_weighted", True),))
    if size > 50 or not made
]
SPREADS = [Pair("explained_variance", skewed, size, made=(("heavy", 0.5),)) for size in (50, 300)]
QUANTILES = [
    Pair(name, forecast, size, (("level", 0.9),) if name != "quantile_loss_mean" else ())
    for name in ("quantile_loss", "quantile_loss_mean", "coverage", "coverage_error", "interval_score")
    for size in (50, 300)
]
# The baseline holds what it promises, the current model does not, or the other way round.
AT_THE_LEVEL = [
    Pair("coverage_error", covering, size, (("level", 0.8),), (("shares", shares), ("together", together)))
    for size in (100, 1000)
    for shares in ((0.8, 0.75), (0.75, 0.8), (0.8, 0.85))
    for together in (0.0, 0.9)
]
RARE = [
    Pair("cost_per_row", costly, size, made=(("share", share),)) for size in (100, 300, 1000) for share in (0.02, 0.05, 0.2)
]
SEARCHED = [
    Pair(name, searched, size, (("k", 5),))
    for name in ("ndcg", "mrr", "map", "recall_at_k", "precision_at_k", "hit_rate")
    for size in (50, 100, 300)
]
TRIED = [Pair("pass_at_k", tried, 200, (("k", 1),), (("tries", tries), ("shift", -0.33))) for tries in (1, 3, 5, 10)]
OF_SETS = [
    Pair(name, tried, size, (("k", k),), (("shift", -0.33),))
    for name in ("pass_at_k", "pass_hat_k")
    for k in (3, 5)
    for size in (60, 200)
]
ALL = [*LOSSES, *SPREADS, *QUANTILES, *AT_THE_LEVEL, *RARE, *SEARCHED, *TRIED, *OF_SETS]
SAMPLE = [
    LOSSES[0],
    QUANTILES[6],
    AT_THE_LEVEL[1],
    AT_THE_LEVEL[7],
    RARE[1],
    RARE[5],
    SEARCHED[1],
    SEARCHED[17],
    TRIED[2],
    OF_SETS[4],
]


@pytest.mark.parametrize("pair", ALL if FULL else SAMPLE, ids=str)
def test_a_model_at_the_margin_passes_and_fails_as_rarely_as_promised(pair):
    found = errors(pair, draws=DRAWS)
    slack = 2.6 * (LIMIT * (1 - LIMIT) / DRAWS) ** 0.5
    assert max(found.passes, found.fails) <= LIMIT + slack
    assert found.silent <= 0.02


def test_tries_of_a_case_do_not_count_as_rows():
    """Models are better at some cases and worse at others: as rows of their own, ten tries of each show what is not there."""
    made = (("tries", 10), ("own", 2.0))
    cases, rows = (Pair("pass_at_k", tried, 100, (("k", 1),), (*made, ("is_by_row", each))) for each in (False, True))
    assert errors(cases, draws=DRAWS).shown <= 0.17
    assert errors(rows, draws=DRAWS).shown >= 0.3


def test_more_tries_of_a_case_show_more():
    shown = [errors(pair, draws=DRAWS).shown for pair in TRIED]
    assert shown[0] + 0.15 < shown[1] < shown[3]
