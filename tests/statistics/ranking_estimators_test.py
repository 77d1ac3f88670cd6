"""Metrics of the highest rows of a score, against brute force, scikit-learn and the bootstrap."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from tests.kit.late import Module
from tests.statistics.moved_rows import derivatives, estimate, spread

sk = Module("sklearn.metrics")

FIRST = ["precision_at_k", "recall_at_k", "lift"]
THRESHOLDS = ["recall_at_precision", "precision_at_recall", "specificity_at_recall"]
LEVELS = st.sampled_from([0.05, 0.3, 0.5, 2 / 3, 0.9, 1.0])
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(1, 4)), min_size=2, max_size=40)


def scored(number, *, seed=0, share=0.3, lift=1.5, digits=6, weighted=False):
    generator = np.random.default_rng(seed)
    label = (generator.random(number) < share).astype(int)
    score = np.round(lift * label + generator.normal(size=number), digits)
    return Predictions(label, score=score, weight=generator.gamma(4, 0.25, number) + 0.1 if weighted else None)


def columns(rows):
    label, score, weight = np.array(rows).T
    return label, score.astype(float), weight.astype(float)


def among_first(label, score, k):
    """Positives among the first k rows, expected over all orders of those of equal score."""
    edge = np.sort(score)[::-1][k - 1]
    sure, tied = label[score > edge], label[score == edge]
    drawn = [sum(chosen) for chosen in itertools.combinations(tied.tolist(), k - len(sure))]
    return sure.sum() + np.mean(drawn)


@given(rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=11), data=st.data())
def test_rows_of_equal_score_at_the_edge_count_as_in_the_mean_over_all_orders(rows, data):
    label, score = np.array(rows).T
    k = data.draw(st.integers(1, len(rows)))
    found = [estimate(name, Predictions(label, score=score), positive=1, k=k) for name in FIRST]
    if not label.sum():
        assert {(each.why, math.isnan(each.value)) for each in found} == {("no row is positive", True)}
        return
    hits = among_first(label, score, k)
    expected = [hits / k, hits / label.sum(), hits / k / label.mean()]
    assert [each.value for each in found] == pytest.approx(expected, abs=1e-12)
    for each in found:
        assert each.least <= each.value <= each.most + 1e-12
        assert abs(each.influence.sum()) < 1e-9


@given(rows=ROWS, at=st.floats(0.01, 0.99))
def test_a_share_of_rows_that_weigh_is_that_of_so_many_equal_rows(rows, at):
    label, score, weight = columns(rows)
    again = np.repeat(np.arange(len(label)), weight.astype(int))
    for name in FIRST if label.sum() else ():
        one = estimate(name, Predictions(label, score=score, weight=weight), positive=1, at=at)
        other = estimate(name, Predictions(label[again], score=score[again]), positive=1, at=at)
        assert one.value == pytest.approx(other.value, abs=1e-9)


def test_first_rows_by_hand():
    rows = Predictions(np.array(["no", "yes", "yes", "no", "no"], dtype=object), score=np.array([0.9, 0.8, 0.8, 0.8, 0.1]))
    assert estimate("precision_at_k", rows, positive="yes", k=2).value == pytest.approx((0 + 2 / 3) / 2)
    assert estimate("recall_at_k", rows, positive="yes", at=0.8).value == 1
    assert estimate("lift", rows, positive="yes", k=4).value == pytest.approx(0.5 / 0.4)


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_on_the_first_rows_is_how_far_weight_moves_them_where_scores_are_tied(name, weighted):
    rows = scored(400, digits=0, weighted=weighted)
    found = estimate(name, rows, positive=1, at=0.25)
    chosen = range(0, 400, 23)
    moved = derivatives(name, rows, rows=chosen, positive=1, at=0.25)
    assert found.influence[list(chosen)] == pytest.approx(moved, abs=1e-7)


CASES = [
    *((name, {"k": 60}) for name in FIRST),
    *((name, {"at": 0.2}) for name in FIRST),
    ("recall_at_precision", {"at": 0.6}),
    ("precision_at_recall", {"at": 0.7}),
    ("specificity_at_recall", {"at": 0.7}),
]


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_squares_of_influences_sum_to_the_variance_of_the_bootstrap(name, parameters, weighted):
    rows = scored(1500, share=0.2, weighted=weighted)
    found = estimate(name, rows, positive=1, **parameters)
    drawn = spread(name, rows, draws=200, positive=1, **parameters)
    assert float(np.sqrt(found.influence @ found.influence)) == pytest.approx(drawn, rel=0.25)


@given(rows=ROWS, at=LEVELS, weighted=st.booleans())
def test_best_over_thresholds_is_that_of_sklearn(rows, at, weighted):
    label, score, weight = columns(rows)
    weight = weight if weighted else None
    given_rows = Predictions(label, score=score, weight=weight)
    if not label.sum():
        assert estimate("recall_at_precision", given_rows, positive=1, at=at).why == "no row is positive"
        return
    precision, recall, _ = sk.precision_recall_curve(label, score, sample_weight=weight)
    found = estimate("recall_at_precision", given_rows, positive=1, at=at)
    assert found.value == pytest.approx(recall[precision >= at].max(), abs=1e-12)
    found = estimate("precision_at_recall", given_rows, positive=1, at=at)
    assert found.value == pytest.approx(precision[recall >= at].max(), abs=1e-12)
    if label.all():
        assert estimate("specificity_at_recall", given_rows, positive=1, at=at).why == "no row is negative"
        return
    wrong, right, _ = sk.roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    found = estimate("specificity_at_recall", given_rows, positive=1, at=at)
    assert found.value == pytest.approx((1 - wrong[right >= at]).max(), abs=1e-12)


@given(rows=ROWS, at=LEVELS, name=st.sampled_from(THRESHOLDS))
def test_influences_of_a_threshold_sum_to_nothing_and_are_numbers(rows, at, name):
    label, score, weight = columns(rows)
    found = estimate(name, Predictions(label, score=score, weight=weight), positive=1, at=at)
    assert np.isfinite(found.influence).all()
    assert abs(found.influence.sum()) < 1e-9
    assert found.value != found.value or 0 <= found.value <= 1
    assert not found.may_pass or found.why or label.sum() >= 20


def test_condition_that_no_threshold_meets_is_recall_0_which_shows_nothing():
    label = np.array([1, 0] * 40)
    found = estimate("recall_at_precision", Predictions(label, score=-label), positive=1, at=0.9)
    assert (found.value, found.may_pass, found.note) == (0.0, False, "no threshold has a precision of 0.9 or more")


@pytest.mark.parametrize(
    ("name", "at", "share", "number", "note"),
    [
        ("recall_at_precision", 0.97, 0.1, 800, "too few rows to tell whether any threshold has a precision of 0.97"),
        ("recall_at_precision", 0.28, 0.3, 800, "too few rows to tell whether all rows together have a precision of 0.28"),
        ("recall_at_precision", 0.6, 0.02, 800, "16 positive rows, at least 20 needed"),
        ("precision_at_recall", 0.999, 0.3, 800, "too few rows to tell what threshold has a recall of 0.999"),
        ("specificity_at_recall", 0.001, 0.3, 800, "too few rows to tell what threshold has a recall of 0.001"),
        ("specificity_at_recall", 0.9, 0.3, 800, ""),
        ("recall_at_precision", 0.6, 0.3, 800, ""),
    ],
)
def test_too_few_rows_around_the_threshold_are_noted_and_show_nothing(name, at, share, number, note):
    found = estimate(name, scored(number, share=share, seed=4), positive=1, at=at)
    assert (found.note, found.may_pass) == (note, not note)


@pytest.mark.parametrize("name", FIRST)
def test_few_first_rows_or_positives_are_noted_and_show_nothing(name):
    rows = scored(800, share=0.02, seed=4)
    found = estimate(name, rows, positive=1, k=10)
    assert found.note == "16 positive rows, at least 20 needed; 10 top rows, at least 20 needed"
    assert not found.may_pass
    assert estimate(name, scored(800), positive=1, at=0.1).may_pass


def test_what_is_counted_are_the_rows_that_matter():
    rows = scored(800, seed=4)
    number = int(rows.label.sum())
    found = [estimate(name, rows, positive=1, at=0.1) for name in FIRST]
    assert [(each.n_counted, each.counted) for each in found] == [(80, "top row"), (number, "positive row"), (80, "top row")]


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, "either k"),
        ({"k": 3, "at": 0.1}, "either k"),
        ({"k": 0}, "k is 0"),
        ({"at": 1.0}, "at is 1"),
        ({"at": 0.0}, "at is 0"),
    ],
)
def test_number_of_first_rows_that_makes_no_sense_is_refused(name, parameters, told):
    with pytest.raises(MlgitError, match=told):
        estimate(name, scored(40), positive=1, **parameters)


@pytest.mark.parametrize("name", THRESHOLDS)
@pytest.mark.parametrize("at", [None, 0.0, 1.5, float("nan")])
def test_level_outside_0_to_1_is_refused(name, at):
    with pytest.raises(MlgitError, match=name):
        estimate(name, scored(40), positive=1, at=at)


def test_more_first_rows_than_rows_are_undefined():
    found = estimate("recall_at_k", scored(40), positive=1, k=50)
    assert (math.isnan(found.value), found.why) == (True, "k is 50, and there are 40 rows")


@pytest.mark.parametrize("name", [*FIRST, *THRESHOLDS])
def test_missing_scores_and_labels_are_refused(name):
    for label, score in (([0, 1, 1], [0.1, math.nan, 0.2]), (np.array([0, None, 1], dtype=object), [0.1, 0.2, 0.3])):
        with pytest.raises(MlgitError, match="1 of 3"):
            estimate(name, Predictions(np.array(label), score=np.array(score)), positive=1, at=0.5)


def test_two_scores_that_put_the_same_rows_first_are_seen_alike():
    rows = scored(400)
    place = np.argsort(np.argsort(-rows.score))
    other = Predictions(rows.label, score=np.where(place < 40, -place * 2.0, -place - 100.0))
    found = [estimate("precision_at_k", each, positive=1, k=40).seen for each in (rows, other)]
    assert np.array_equal(*found)
    found = [estimate("recall_at_precision", each, positive=1, at=0.5).seen for each in (rows, other)]
    assert np.array_equal(*found)
    changed = Predictions(rows.label, score=np.where(place == 39, -1e6, rows.score))
    assert (
        estimate("precision_at_k", changed, positive=1, k=40).seen != estimate("lift", rows, positive=1, k=40).seen
    ).sum() == 2
