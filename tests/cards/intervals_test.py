"""Metrics and their intervals, against scikit-learn and against resampling in the plainest way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from mlgit.cards import intervals

BINARY = {
    "accuracy": lambda truth, said, score: sklearn.accuracy_score(truth, said),
    "average_precision": lambda truth, said, score: sklearn.average_precision_score(truth, score),
    "brier": lambda truth, said, score: sklearn.brier_score_loss(truth, score),
    "f1": lambda truth, said, score: sklearn.f1_score(truth, said),
    "log_loss": lambda truth, said, score: sklearn.log_loss(truth, score, labels=[0, 1]),
    "precision": lambda truth, said, score: sklearn.precision_score(truth, said),
    "recall": lambda truth, said, score: sklearn.recall_score(truth, said),
    "roc_auc": lambda truth, said, score: sklearn.roc_auc_score(truth, score),
}
REGRESSION = {
    "mae": sklearn.mean_absolute_error,
    "mse": sklearn.mean_squared_error,
    "r2": sklearn.r2_score,
    "rmse": sklearn.root_mean_squared_error,
}
_rows = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.51, 0.9, 1.0])), min_size=4, max_size=30
)


def binary(rows):
    truth, said, score = zip(*rows, strict=True)
    words = [[str(int(each)) for each in column] for column in (truth, said)]
    return intervals.columns(*words, score=score, positive=(truth, said)), truth, said, score


@pytest.mark.parametrize("name", BINARY)
@given(rows=_rows)
def test_value_is_that_of_scikit_learn(name, rows):
    data, truth, said, score = binary(rows)
    if len(set(truth)) < 2 or not any(a and b for a, b in zip(truth, said, strict=True)):
        return  # scikit-learn replaces what has no value
    assert intervals.point(name, data) == pytest.approx(BINARY[name](truth, said, score))


@pytest.mark.parametrize("name", REGRESSION)
@given(rows=st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=30))
def test_value_of_a_regression_is_that_of_scikit_learn(name, rows):
    truth, value = zip(*rows, strict=True)
    if len(set(truth)) < 2:
        return
    data = intervals.columns([str(each) for each in truth], [str(each) for each in value], numbers=(truth, value))
    assert intervals.point(name, data) == pytest.approx(REGRESSION[name](truth, value))


def example(n_rows=200):
    generator = np.random.default_rng(7)
    score = generator.random(n_rows).round(2)
    truth = generator.random(n_rows) < score
    return binary(list(zip(truth.tolist(), (score > 0.5).tolist(), score.tolist(), strict=True)))


def test_intervals_are_those_of_drawing_rows():
    data, truth, said, score = example()
    found = intervals.bootstrap(list(BINARY), data)
    generator = np.random.default_rng(11)
    columns = [np.array(each, dtype=float) for each in (truth, said, score)]
    drawn = [[each[rows] for each in columns] for rows in generator.integers(0, 200, size=(600, 200))]
    for name, reference in BINARY.items():
        values = [reference(*sample) for sample in drawn]
        width = np.percentile(values, 97.5) - np.percentile(values, 2.5)
        assert found[name] == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.15 * width), name


def test_intervals_are_the_same_every_time_and_in_any_company():
    data, *_ = example()
    assert intervals.bootstrap(["f1", "roc_auc"], data)["f1"] == intervals.bootstrap(["f1"], data)["f1"]


def test_metric_without_value_in_many_resamples_has_no_interval():
    data, *_ = binary([(True, True, 0.9)] + [(False, False, 0.1)] * 20)
    assert intervals.point("recall", data) == 1
    assert set(intervals.bootstrap(["recall", "accuracy"], data)) == {"accuracy"}


def test_metric_that_lacks_its_columns_or_is_not_known_has_neither_value_nor_interval():
    data = intervals.columns(["a", "b", "c"], ["a", "b", "b"])
    assert intervals.bootstrap([*BINARY, *REGRESSION, "mine"], data).keys() == {"accuracy"}
    assert [intervals.point(name, data) for name in ("f1", "roc_auc", "log_loss", "r2", "mine")] == [None] * 5


def test_no_rows_have_no_values():
    data = intervals.columns([], [])
    assert intervals.point("accuracy", data) is None
    assert intervals.bootstrap(["accuracy"], data) == {}
