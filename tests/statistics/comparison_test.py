"""Two models on the same rows: invariances, peers, what is not possible, and how often the answer is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import student
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.metrics import METRICS, value
from mlgit.statistics.predictions import Predictions
from tests.kit import FULL
from tests.statistics.kit import made

FAST = ComparisonOptions(resamples=999)


# Of labels 0 and 1 these take few values, and the end of the interval is one of them.
COUNTED = {"mae", "mse", "rmse", "brier"}


def sides(rows):
    return (
        Predictions(rows.label, rows.baseline, rows.baseline_score),
        Predictions(rows.label, rows.current, rows.current_score),
    )


def taken(side, places):
    return Predictions(side.label[places], side.prediction[places], side.score[places])


@pytest.mark.parametrize("name", METRICS)
def test_interval_holds_the_difference_and_comes_again(name):
    baseline, current = sides(made(400, seed=1))
    found = compare(name, baseline, current, question=FAST)
    assert found.low < found.delta < found.high
    assert found.delta == pytest.approx(found.current - found.baseline)
    assert 0 < found.pvalue_difference <= 1
    assert found.pvalue is None
    assert (found.n, found.reason) == (400, "")
    assert 0 < found.n_discordant <= 400
    assert found == compare(name, baseline, current, question=FAST)


@pytest.mark.parametrize("name", METRICS)
def test_swapped_models_swap_the_sign(name):
    baseline, current = sides(made(3000, seed=2, worse=0.01))
    forth, back = compare(name, baseline, current, question=FAST), compare(name, current, baseline, question=FAST)
    width = forth.high - forth.low
    assert (forth.delta, forth.baseline) == pytest.approx((-back.delta, back.current))
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=0.1 * width)
    assert forth.pvalue_difference == pytest.approx(back.pvalue_difference, abs=0.05)


@pytest.mark.parametrize("name", METRICS)
def test_order_of_rows_does_not_matter(name):
    baseline, current = sides(made(3000, seed=3))
    order = np.random.default_rng(0).permutation(3000)
    forth = compare(name, baseline, current, question=FAST)
    mixed = compare(name, taken(baseline, order), taken(current, order), question=FAST)
    assert (mixed.delta, mixed.low, mixed.high) == pytest.approx((forth.delta, forth.low, forth.high), abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_more_rows_of_the_same_make_it_narrower(name):
    baseline, current = sides(made(400, seed=4))
    places = np.tile(np.arange(400), 9)
    single = compare(name, baseline, current, question=FAST)
    often = compare(name, taken(baseline, places), taken(current, places), question=FAST)
    assert often.delta == pytest.approx(single.delta)
    assert (often.high - often.low) / (single.high - single.low) == pytest.approx(1 / 3, rel=0.2)


@pytest.mark.parametrize("name", METRICS)
def test_clusters_of_equal_rows_count_once(name):
    baseline, current = sides(made(400, seed=4))
    places = np.repeat(np.arange(400), 4)
    single = compare(name, baseline, current, question=FAST)
    grouped = compare(name, taken(baseline, places), taken(current, places), question=FAST, clusters=places)
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=0.2 * (single.high - single.low))


@pytest.mark.parametrize("name", ["f1", "recall", "mcc", "rmse", "log_loss"])
def test_interval_is_that_of_resampled_rows(name):
    """The same with rows drawn one by one and the metric computed from each draw."""
    baseline, current = sides(made(300, seed=5))
    generator = np.random.default_rng(1)
    drawn = []
    for _ in range(600):
        places = generator.integers(0, 300, 300)
        pair = [taken(side, places) for side in (baseline, current)]
        one, other = (value(name, side.label, prediction=side.prediction, score=side.score) for side in pair)
        drawn.append(other - one)
    found = compare(name, baseline, current, question=ComparisonOptions())
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.2 * (found.high - found.low)
    )


@pytest.mark.parametrize("name", ["rmse", "r2", "log_loss", "mae"])
def test_many_rows_are_judged_as_each_drawn(monkeypatch, name):
    """The sum of the rows of little influence is taken as normal: as if each were drawn."""
    baseline, current = sides(made(1200, seed=6))
    found = compare(name, baseline, current)
    monkeypatch.setattr("mlgit.statistics.student._DRAWN", 1200)
    drawn = compare(name, baseline, current)
    assert (found.low, found.high) == pytest.approx((drawn.low, drawn.high), abs=0.02 * (drawn.high - drawn.low))


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_pvalue_and_interval_decide_alike(name, better):
    """The margin at the end of the interval has the p-value of that end."""
    baseline, current = sides(made(2000, seed=7))
    question = ComparisonOptions(confidence_level=0.9, resamples=1999)
    found = compare(name, baseline, current, question=question)
    margin = -found.low if better == "higher" else found.high
    judged = compare(name, baseline, current, question=replace(question, margin=margin, better=better))
    assert judged.pvalue == pytest.approx(0.05, abs=0.02 if name in COUNTED else 0.002)
    wider = compare(name, baseline, current, question=replace(question, margin=2 * abs(margin), better=better))
    assert wider.pvalue < judged.pvalue


@pytest.mark.parametrize("name", METRICS)
def test_same_predictions_are_no_difference(name):
    baseline, _ = sides(made(400, seed=8))
    found = compare(name, baseline, baseline, question=ComparisonOptions(margin=0.05, better="higher"))
    assert (found.delta, found.n_discordant, found.pvalue_difference) == (0, 0, 1)
    assert found.low <= 0 <= found.high
    assert found.pvalue < 0.05


@pytest.mark.parametrize("name", ["accuracy", "f1", "mcc"])
def test_clusters_without_a_difference_prove_no_more_than_so_many_rows(name):
    label = np.tile([0, 1], 300)
    side = Predictions(label, label)
    question = ComparisonOptions(margin=0.03, better="higher")
    grouped = compare(name, side, side, question=question, clusters=np.repeat(np.arange(30), 20))
    assert grouped.low < -0.03
    assert grouped.pvalue > 0.05
    assert compare(name, side, side, question=question).pvalue < 0.05


def test_few_rows_without_a_difference_prove_little():
    label = np.array([0, 1] * 20)
    found = compare(
        "f1", Predictions(label, label), Predictions(label, label), question=ComparisonOptions(margin=0.01, better="higher")
    )
    assert found.low < -0.02
    assert found.pvalue > 0.05


@pytest.mark.parametrize(
    ("name", "baseline", "current", "said"),
    [
        ("f1", {"prediction": [0, 1] * 14}, {"prediction": [1, 1] * 14}, "28 rows, at least 30 needed"),
        ("roc_auc", {"score": [0, 1] * 14}, {"score": [1, 0] * 14}, "28 rows, at least 30 needed"),
        (
            "roc_auc",
            {"score": [0.1, 0.9] * 19},
            {"score": [0.1, 0.9, 0.2, 0.8, *[0.1, 0.9] * 17]},
            "19 negative rows, at least",
        ),
        ("precision", {"prediction": [0, 0] * 20}, {"prediction": [0, 1] * 20}, "undefined"),
        ("mae", {"prediction": [0, 1] * 20}, {"prediction": [1, 2] * 20}, "every resample gives the same"),
    ],
)
def test_no_interval_where_there_is_no_knowing(name, baseline, current, said):
    label = [0, 1] * (len(next(iter(baseline.values()))) // 2)
    question = ComparisonOptions(margin=0.5, better="higher", resamples=499)
    found = compare(name, Predictions(label, **baseline), Predictions(label, **current), question=question)
    assert said in found.reason
    assert (found.low, found.high, found.pvalue) == (None, None, None)


def test_one_row_is_compared_by_accuracy_with_all_its_doubt():
    found = compare("accuracy", Predictions([1], [1]), Predictions([1], [0]))
    assert (found.delta, found.low) == (-1, pytest.approx(-1, abs=0.01))
    assert found.high > 0.2


def test_labels_of_one_class_have_no_auc():
    baseline, current = sides(made(100))
    ones = np.ones(100, dtype=int)
    found = compare("roc_auc", replace(baseline, label=ones), replace(current, label=ones))
    assert found.baseline is found.delta is found.low is None
    assert "undefined" in found.reason


def test_few_clusters_give_no_interval():
    baseline, current = sides(made(400))
    assert "20 clusters, at least 30 needed" in compare("f1", baseline, current, clusters=np.arange(400) % 20).reason


@pytest.mark.parametrize(
    ("name", "change", "question", "said"),
    [
        ("f1_marco", {}, ComparisonOptions(), "did you mean f1_macro"),
        ("f1", {}, ComparisonOptions(margin=0.1), "which way f1 is better is not declared"),
        ("f1", {"label": [0] * 400}, ComparisonOptions(), "labels differ in"),
        ("f1", {"prediction": None}, ComparisonOptions(), "needs a column of predictions"),
        ("roc_auc", {"score": [np.nan] * 400}, ComparisonOptions(), "not finite"),
        ("log_loss", {"score": [np.inf] * 400}, ComparisonOptions(), "not finite"),
        ("f1", {"label": [0] * 399, "prediction": [0] * 399}, ComparisonOptions(), "different lengths"),
    ],
)
def test_what_is_no_comparison_is_refused(name, change, question, said):
    baseline, current = sides(made(400))
    with pytest.raises(MlgitError) as caught:
        compare(name, baseline, replace(current, **change), question=question)
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_text_classes_and_many_of_them():
    generator = np.random.default_rng(0)
    names = np.array(["cat", "dog", "owl", "eel"])
    label = names[generator.integers(0, 4, 500)]
    old = np.where(generator.random(500) < 0.8, label, names[generator.integers(0, 4, 500)])
    new = np.where(generator.random(500) < 0.8, label, names[generator.integers(0, 4, 500)])
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "mcc"):
        found = compare(name, Predictions(label, old), Predictions(label, new), question=FAST)
        assert found.low < found.delta < found.high
    found = compare("recall", Predictions(label, old), Predictions(label, new), question=ComparisonOptions(positive="owl"))
    assert found.low < found.delta < found.high


@settings(max_examples=500 if FULL else 20)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=30, max_size=60))
def test_any_small_sample_is_answered(drawn):
    label, old, new = (np.array(each, dtype=int) for each in zip(*drawn, strict=True))
    for name in ("accuracy", "f1", "mcc", "balanced_accuracy", "mae"):
        found = compare(
            name,
            Predictions(label, old),
            Predictions(label, new),
            question=ComparisonOptions(margin=0.1, better="higher", resamples=99),
        )
        assert (found.low is None) == (found.pvalue is None) == bool(found.reason)
        if found.low is not None:
            assert -2 <= found.low <= found.high <= 2
            assert 0 <= found.pvalue <= 1


QUESTION = ComparisonOptions(confidence_level=0.9, resamples=499, margin=0.01, better="higher")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy", "f1"])
def test_unchanged_model_is_hardly_ever_failed_and_a_worse_one_mostly(name):
    """1,000 rows of which 6 % tell the models apart, one-sided at 0.05 with a margin of one point."""
    runs = 2000 if FULL or name == "accuracy" else 150
    failed = {0.0: 0, 0.04: 0}
    for worse in failed:
        for seed in range(runs):
            rows = made(1000, seed=seed, discordant=0.06, worse=worse)
            found = compare(
                name, Predictions(rows.label, rows.baseline), Predictions(rows.label, rows.current), question=QUESTION
            )
            failed[worse] += found.high < -0.01
    assert failed[0.0] <= 0.01 * runs
    assert failed[0.04] >= 0.8 * runs


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy", "f1", "recall", "roc_auc", "log_loss", "average_precision"])
def test_intervals_hold_the_true_difference_as_often_as_they_say(name):
    """The true difference is 0 by symmetry; 95 in 100, up to two points."""
    runs, held = 5000 if FULL else 200, 0
    for seed in range(runs):
        baseline, current = sides(made(500, seed=seed, discordant=0.12))
        found = compare(name, baseline, current, question=ComparisonOptions(resamples=399, seed=seed))
        held += found.low <= 0 <= found.high
    assert 0.93 <= held / runs <= 0.985


@pytest.mark.slow
def test_clusters_are_heeded_where_rows_hang_together():
    """Rows of a cluster are right or wrong together: taken for single rows, the interval misses the truth far too often."""
    runs, held = 2000 if FULL else 120, {"rows": 0, "clusters": 0}
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(60), 10)
        label = generator.integers(0, 2, 600)
        old, new = (np.where((generator.random(60) < 0.2)[clusters], 1 - label, label) for _ in range(2))
        for kind, chosen in (("rows", None), ("clusters", clusters)):
            found = compare(
                "f1",
                Predictions(label, old),
                Predictions(label, new),
                clusters=chosen,
                question=ComparisonOptions(resamples=399),
            )
            held[kind] += found.low <= 0 <= found.high
    assert held["clusters"] / runs >= 0.92
    assert held["rows"] / runs < 0.7


def test_two_perfect_rankings_of_different_scores_prove_nothing():
    label = np.tile([0, 1], 40)
    sides = [Predictions(label, score=label + np.random.default_rng(seed).random(80) / 2) for seed in (1, 2)]
    found = compare("roc_auc", *sides, question=ComparisonOptions(0.9, margin=0.02, better="higher"))
    assert (found.delta, found.pvalue_difference) == (0, 1)
    assert (found.low, found.high) == pytest.approx((0.05 ** (1 / 40) - 1, 1 - 0.05 ** (1 / 40)))
    assert found.pvalue > 0.05


def test_a_perfect_ranking_beside_one_that_is_not_has_an_interval():
    label = np.tile([0, 1], 40)
    worse = label + 0.0
    worse[:3] = 0.5, 0.4, 0.6
    old, new = (Predictions(label, score=each) for each in (label, worse))
    found, back = compare("roc_auc", old, new), compare("roc_auc", new, old)
    assert found.low < found.delta < 0 < found.high
    assert (found.low, found.high) == pytest.approx((-back.high, -back.low))


def test_bootstrap_t_of_efron_and_tibshirani():
    """An Introduction to the Bootstrap, section 12.5: nine mice of the control group, percentiles -4.53 and 1.53."""
    survived = np.array([52, 104, 146, 10, 50, 31, 40, 27, 46], dtype=float)
    each = survived - survived.mean()
    drawn = student._draws(each / np.sqrt((each**2).sum()), resamples=20_000, seed=0)
    assert tuple(np.quantile(drawn, [0.05, 0.95])) == pytest.approx((-4.53, 1.53), abs=0.25)
