"""Intervals of one model: published values, scipy's bootstrap, coverage, and what no interval is given for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlgit.errors import MlgitError
from mlgit.statistics import resampling
from mlgit.statistics.bootstrap import interval, wilson
from mlgit.statistics.metrics import METRICS
from mlgit.statistics.resampling import Sums
from tests.kit import FULL
from tests.kit.late import Module
from tests.statistics.kit import SPATIAL_A, made

stats = Module("scipy.stats")


def variance(sums):
    means = sums[..., :2] / sums[..., 2:].sum(axis=-1, keepdims=True)
    return means[..., 1] - means[..., 0] ** 2


SPATIAL = Sums(np.column_stack([SPATIAL_A, SPATIAL_A**2, np.ones(26)]), np.ones(26), variance)


def test_bca_of_efron_and_tibshirani():
    found = resampling.interval(SPATIAL, confidence=0.9, resamples=50_000, seed=1)
    assert SPATIAL.value == pytest.approx(171.534, abs=5e-4)
    assert (found.low, found.high) == pytest.approx((115.8, 259.6), abs=3)


def test_abc_of_efron_and_tibshirani():
    found = resampling.abc(SPATIAL, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((116.7, 260.9), abs=0.5)


def test_bca_is_that_of_scipy():
    drawn = np.random.default_rng(3).exponential(size=80)
    sums = Sums(np.column_stack([drawn, np.ones(80)]), np.ones(80), lambda sums: sums[..., 0] / sums[..., 1])
    found = resampling.interval(sums, confidence=0.95, resamples=20_000, seed=0)
    peer = stats.bootstrap((drawn,), np.mean, n_resamples=20_000, method="BCa", rng=3).confidence_interval
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.02)


def test_interval_without_draws_is_that_of_draws(monkeypatch):
    label, drawn = np.tile([0, 1], 1500), np.random.default_rng(4).random(3000)
    clusters = np.repeat(np.arange(1500), 2)
    prediction = np.where(drawn < 0.8, label, 1 - label)
    drawn = interval("f1", label, prediction=prediction, clusters=clusters)
    monkeypatch.setattr(resampling, "MOST_CELLS", 100)
    analytic = interval("f1", label, prediction=prediction, clusters=clusters)
    assert (drawn.method, analytic.method) == ("BCa bootstrap", "ABC bootstrap")
    assert (analytic.low, analytic.high) == pytest.approx((drawn.low, drawn.high), abs=0.05 * (drawn.high - drawn.low))


def columns(name, rows):
    return {"score": rows.current_score} if METRICS[name].needs == "score" else {"prediction": rows.current}


@pytest.mark.parametrize("name", METRICS)
def test_interval_holds_the_value_and_comes_again(name):
    rows = made(300, seed=2)
    found = interval(name, rows.label, **columns(name, rows), resamples=999, seed=7)
    assert found.low < found.value < found.high
    assert found.n == 300
    assert found == interval(name, rows.label, **columns(name, rows), resamples=999, seed=7)


@pytest.mark.parametrize("name", METRICS)
def test_many_rows_give_a_narrower_interval(name):
    few, many = made(400, seed=3), made(12_000, seed=3)
    wide = interval(name, few.label, **columns(name, few), resamples=999)
    narrow = interval(name, many.label, **columns(name, many), resamples=999)
    assert 0.1 < (narrow.high - narrow.low) / (wide.high - wide.low) < 0.3  # 1 / sqrt(30) is 0.18


@pytest.mark.parametrize("name", ["accuracy", "f1", "mae", "roc_auc", "average_precision"])
def test_clusters_of_equal_rows_count_once(name):
    """Every row five times over: the interval must be that of the rows there really are."""
    rows = made(500, seed=4)
    single = interval(name, rows.label, **columns(name, rows), resamples=1999)
    again = {key: np.repeat(each, 5) for key, each in columns(name, rows).items()}
    grouped = interval(
        name, np.repeat(rows.label, 5), **again, clusters=[f"p{n}" for n in np.repeat(np.arange(500), 5)], resamples=1999
    )
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.15 * (single.high - single.low))


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("f1", {"label": [0, 1] * 10, "prediction": [0, 1] * 9 + [0, 0]}, "at least 30 needed"),
        ("mae", {"label": [1.0], "prediction": [2.0]}, "at least 30 needed"),
        ("mae", {"label": [1.0] * 50, "prediction": [1.0] * 50}, "same value"),
        ("recall", {"label": [0] * 50, "prediction": [0, 1] * 25}, "undefined"),
        ("roc_auc", {"label": [0] * 50, "score": range(50)}, "undefined"),
        ("roc_auc", {"label": [0, 1] * 19 + [0] * 12, "score": range(50)}, "19 positive rows, at least 20 needed"),
        ("average_precision", {"label": [0, 1] * 19 + [1] * 12, "score": range(50)}, "19 negative rows, at least 20 needed"),
        ("f1", {"label": [1, 1] + [0] * 198, "prediction": [1, 0] + [0] * 198}, "of the resamples"),
    ],
)
def test_no_interval_where_there_is_no_knowing(name, columns, said):
    found = interval(name, columns.pop("label"), **columns, resamples=999)
    assert (found.low, found.high) == (None, None)
    assert said in found.reason


def test_too_few_clusters_give_no_interval():
    rows = made(100)
    found = interval("accuracy", rows.label, prediction=rows.current, clusters=np.arange(100) % 5)
    assert (found.low, found.reason) == (None, "5 clusters, at least 30 needed")


def test_wrong_number_of_clusters_is_refused():
    with pytest.raises(MlgitError, match="clusters are named for"):
        interval("f1", [0, 1] * 20, prediction=[0, 1] * 20, clusters=[1, 2])


def test_interval_of_a_share_holds_the_share():
    for trials in range(1, 500):
        assert wilson(trials, trials, confidence=0.9)[1] == 1.0
        assert wilson(0, trials, confidence=0.9)[0] == 0.0


def test_share_of_no_mistake_has_an_interval():
    found = interval("accuracy", [1] * 10, prediction=[1] * 10)
    assert (found.value, found.method) == (1.0, "Wilson score")
    assert (found.low, found.high) == pytest.approx((0.7225, 1.0), abs=1e-4)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("number", [10, 400])
@pytest.mark.parametrize("clusters", [None, "pairs"])
def test_model_without_a_mistake_has_an_interval(name, number, clusters):
    label = np.tile([0, 1], number // 2)
    said = {"score": label} if METRICS[name].needs == "score" else {"prediction": label}
    groups = np.repeat(np.arange(number // 2), 2) if clusters else None
    found = interval(name, label, **said, clusters=groups, confidence_level=0.9)
    best = 1.0 if METRICS[name].better == "higher" else 0.0
    assert found.value == pytest.approx(best, abs=1e-12)
    worst, end = (found.low, found.high) if best else (-found.high, -found.low)
    assert (end, found.reason) == (pytest.approx(best, abs=1e-12), "")
    assert worst < best
    if number == 400:
        assert worst > best - (1.1 if name == "log_loss" else 0.3)


@pytest.mark.parametrize(("name", "value"), [("f1", 0), ("brier", 1), ("mae", 1)])
def test_model_of_mistakes_only_has_an_interval(name, value):
    label = np.tile([0, 1], 40)
    found = interval(name, label, prediction=1 - label, score=1 - label)
    assert found.low <= value <= found.high
    assert found.high - found.low < 0.2
    assert found.value == value


@pytest.mark.parametrize(("positives", "end"), [(20, 0.05 ** (1 / 20)), (41, 0.05 ** (1 / 41))])
def test_pairs_that_share_no_row_bound_a_perfect_auc(positives, end):
    """k pairs are all in order with a chance of at most auc ** k."""
    label = np.array([1] * positives + [0] * 72)
    assert interval("roc_auc", label, score=label, confidence_level=0.9).low == pytest.approx(end)


def test_heavy_tails_are_said_and_pass_only_with_enough_rows():
    few, many = (np.r_[np.random.default_rng(1).normal(size=number - 3), 80, 80, -80] for number in (400, 4000))
    found, other = (interval("rmse", each * 0, prediction=each) for each in (few, many))
    assert (found.note, found.may_pass) == ("2 of 400 rows decide this: they show nothing good below 1000 rows", False)
    assert (other.note, other.may_pass) == ("2 of 4000 rows decide this", True)
    assert interval("rmse", np.zeros(400), prediction=few[:397].repeat(2)[:400]).may_pass


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_a_rare_class_is_said(name):
    label = np.r_[np.ones(12, int), np.zeros(500, int)]
    score = np.random.default_rng(0).uniform(0.1, 0.5, 512)
    assert interval(name, label, score=score).note == "only 12 positive rows"
    assert interval(name, np.r_[label, label], score=np.r_[score, score]).note == ""


TRUTHS = {"accuracy": 0.85, "recall": 0.8, "specificity": 0.9, "f1": 2 * 0.4 / (0.5 + 0.45), "mae": 1.0, "rmse": 1.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TRUTHS, "roc_auc"])
def test_intervals_hold_the_truth_as_often_as_they_say(name):
    """95 in 100, up to two points: Wilson's interval itself holds 94.2 % for 85 % right of 400 rows."""
    runs = 10_000 if FULL else 1500 if name in ("accuracy", "recall", "specificity") else 500
    truth, held = TRUTHS.get(name, float(stats.norm.cdf(1 / 2**0.5))), 0
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        if name in ("mae", "rmse"):
            drawn = generator.exponential(size=150) if name == "mae" else generator.normal(size=150)
            found = interval(name, np.zeros(150), prediction=drawn, resamples=499, seed=seed)
        else:
            label = (generator.random(400) < 0.5).astype(int)
            if name == "roc_auc":
                found = interval(name, label, score=label + generator.normal(size=400))
            else:
                is_right = generator.random(400) < np.where(label == 1, 0.8, 0.9)
                found = interval(name, label, prediction=np.where(is_right, label, 1 - label), resamples=999, seed=seed)
        held += found.low <= truth <= found.high
    assert 0.925 <= held / runs <= 0.985  # losses are held more often: a little too wide rather than too narrow


@pytest.mark.parametrize("acceleration", [-0.3, -0.16, 0.0, 0.16, 0.3])
@pytest.mark.parametrize("value", [-2.0, 0.0, 2.0])
def test_pvalue_rises_with_what_is_asked_however_skewed(acceleration, value):
    drawn = np.random.default_rng(0).normal(size=2000)
    found = resampling.bca(drawn, value, acceleration=acceleration, confidence=0.9)
    chances = [found.below(least) for least in np.linspace(-4, 4, 41)]
    assert found.low <= found.high
    assert all(0 <= one <= other <= 1 for one, other in itertools.pairwise(chances))
