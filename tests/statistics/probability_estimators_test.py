"""Metrics of the scores of many classes, against scikit-learn and against differences."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.rows import held
from tests.kit.late import Module
from tests.statistics.moved_rows import derivatives, estimate

sk = Module("sklearn.metrics")
preprocessing = Module("sklearn.preprocessing")

NAMES = ("ant", "bee", "cow", "dog")
# Each metric with its parameters.
MEASURES = [
    ("log_loss", {}),
    ("brier", {}),
    ("top_k_accuracy", {"k": 1}),
    ("top_k_accuracy", {"k": 2}),
    ("roc_auc", {"of_class": "bee"}),
    ("average_precision", {"of_class": "bee"}),
    ("roc_auc_macro", {}),
    ("roc_auc_weighted", {}),
    ("average_precision_macro", {}),
]


def made(number, *, classes=3, seed=0, digits=2, weighted=False):
    """Labels, probabilities (n, K) of few digits, so that there are ties, and weights."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, classes, number)
    label[: 2 * classes] = np.tile(np.arange(classes), 2)
    raw = generator.gamma(1.0, size=(number, classes)) + 1.2 * np.eye(classes)[label]
    scores = generator.multinomial(10**digits, raw / raw.sum(axis=1, keepdims=True)) / 10**digits
    weight = generator.integers(1, 5, number) / 2 if weighted else None
    return label, scores, weight


def predictions(label, scores, weight=None, names=NAMES):
    return Predictions(np.array(names, dtype=object)[label], scores=dict(zip(names, scores.T, strict=False)), weight=weight)


def of_sklearn(name, label, scores, weight, *, k=None, of_class=None):
    size = scores.shape[1]
    labels, place = list(range(size)), NAMES.index(of_class) if of_class else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hot = preprocessing.label_binarize(label, classes=labels)
        match name:
            case "log_loss":
                return sk.log_loss(label, scores, sample_weight=weight, labels=labels)
            case "brier":
                return sk.brier_score_loss(label, scores, sample_weight=weight, labels=labels)
            case "top_k_accuracy":
                return sk.top_k_accuracy_score(label, scores, k=k, sample_weight=weight, labels=labels)
            case "roc_auc":
                return sk.roc_auc_score(hot[:, place], scores[:, place], sample_weight=weight)
            case "average_precision":
                return sk.average_precision_score(hot[:, place], scores[:, place], sample_weight=weight)
            case "average_precision_macro":
                return sk.average_precision_score(hot, scores, sample_weight=weight, average="macro")
        return sk.roc_auc_score(hot, scores, sample_weight=weight, average=name.removeprefix("roc_auc_"))


@pytest.mark.parametrize(("name", "parameters"), MEASURES, ids=str)
@given(number=st.integers(8, 60), classes=st.sampled_from([3, 4]), seed=st.integers(0, 9999), weighted=st.booleans())
def test_value_is_that_of_sklearn(name, parameters, number, classes, seed, weighted):
    label, scores, weight = made(number, classes=classes, seed=seed, digits=1, weighted=weighted)
    found = estimate(name, predictions(label, scores, weight), **parameters)
    assert found.value == pytest.approx(of_sklearn(name, label, scores, weight, **parameters), abs=1e-12)
    assert found.least <= found.value <= found.most
    assert abs(found.influence.sum()) < 1e-12
    if found.sums is not None:
        assert found.sums.value == pytest.approx(found.value, abs=1e-12)


@pytest.mark.parametrize("name", ["log_loss", "brier", "top_k_accuracy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_two_classes_are_those_of_sklearn_with_one_column(name, weighted):
    label, scores, weight = made(50, classes=2, digits=1, weighted=weighted)
    found = estimate(name, predictions(label, scores, weight), **({"k": 1} if name == "top_k_accuracy" else {}))
    if name == "top_k_accuracy":
        expected = sk.top_k_accuracy_score(label, scores[:, 1], k=1, sample_weight=weight)
    else:
        expected = of_sklearn(name, label, scores, weight)
    assert found.value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "parameters"), MEASURES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_is_how_far_the_weight_of_a_row_moves_the_value(name, parameters, weighted):
    label, scores, weight = made(70, digits=1, seed=3, weighted=weighted)
    rows = predictions(label, scores, weight)
    found = estimate(name, rows, **parameters)
    chosen = range(0, 70, 5)
    assert found.influence[list(chosen)] == pytest.approx(derivatives(name, rows, rows=chosen, **parameters), abs=1e-8)


def test_weights_count_as_so_many_equal_rows():
    label, scores, _ = made(60, digits=1)
    weight = np.random.default_rng(1).integers(1, 4, 60)
    again = np.repeat(np.arange(60), weight)
    for name, parameters in MEASURES:
        one = estimate(name, predictions(label, scores, weight), **parameters)
        other = estimate(name, predictions(label[again], scores[again]), **parameters)
        assert one.value == pytest.approx(other.value, abs=1e-12)
        assert one.influence == pytest.approx(np.bincount(again, weights=other.influence), abs=1e-12)


def test_labels_belong_to_columns_by_how_they_are_written():
    label, scores, _ = made(40)
    expected = estimate("log_loss", predictions(label, scores)).value
    columns = dict(zip(("0", "1", "2"), scores.T, strict=True))
    for given_label in (label, label.astype(float), label.astype(str), held(label)):
        assert estimate("log_loss", Predictions(given_label, scores=columns)).value == expected
    numbers = dict(zip((0, 1.0, 2), scores.T, strict=True))
    assert estimate("roc_auc", Predictions(label.astype(str), scores=numbers), of_class=2.0).value == pytest.approx(
        of_sklearn("roc_auc", label, scores, None, of_class="cow")
    )
    truth = dict(zip(("false", "true"), made(40, classes=2)[1].T, strict=True))
    assert estimate("brier", Predictions(label > 1, scores=truth)).value > 0


def test_ties_of_numbers_go_to_the_greater_number_and_not_the_later_text():
    scores = {"9": [0.4], "10": [0.4], "2": [0.2]}
    assert estimate("top_k_accuracy", Predictions(np.array([10]), scores=scores), k=1).value == 1
    assert estimate("top_k_accuracy", Predictions(np.array(["9"], dtype=object), scores=scores), k=1).value == 1


def test_label_without_a_column_is_named_with_the_nearest_class():
    rows = Predictions(np.array(["ant", "be", "be"], dtype=object), scores={"ant": [0.5] * 3, "bee": [0.5] * 3})
    with pytest.raises(MlgitError, match="2 of 3 rows have a label that no column of scores is of: 'be', did you mean 'bee'"):
        estimate("log_loss", rows)
    with pytest.raises(MlgitError, match="no column of scores is of the class 'bea', did you mean 'bee'"):
        estimate("roc_auc", Predictions(rows.label[:1], scores={"ant": [0.5], "bee": [0.5]}), of_class="bea")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ([0.5, 1.2, -0.1], "in 2 of 3 rows scores lie outside 0 to 1"),
        ([0.5, 0.6, 0.5], "in 1 of 3 rows they do not sum to 1"),
        ([0.5, np.nan, 0.5], "score of class ant: 1 of 3 values are missing"),
        ([0.5, np.inf, 0.5], "score of class ant: 1 of 3 values are missing"),
        ([0.5, None, 0.5], "score of class ant: 1 of 3 values are missing"),
        ([0.5, 0.5], "columns of different lengths"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused_with_their_number(column, told):
    rows = Predictions(
        np.array(["ant", "bee", "ant"], dtype=object), scores={"ant": np.array(column), "bee": np.array([0.5] * 3)}
    )
    for name in ("log_loss", "brier"):
        with pytest.raises(MlgitError, match=told):
            estimate(name, rows)


def test_rounded_probabilities_are_taken():
    scores = {name: np.array([0.3333, 0.3333]) for name in ("a", "b", "c")}
    assert estimate("log_loss", Predictions(np.array(["a", "b"], dtype=object), scores=scores)).value > 1


def test_any_scores_can_be_ranked():
    label, scores, _ = made(40)
    away = np.log(scores + 0.1) * 7
    for name, parameters in MEASURES[2:]:
        assert estimate(name, predictions(label, away), **parameters).value == pytest.approx(
            estimate(name, predictions(label, scores), **parameters).value
        )


def test_class_without_rows_leaves_means_over_classes_undefined_and_is_named():
    label, scores, _ = made(40, classes=4)
    label = label % 3
    for name in ("roc_auc_macro", "roc_auc_weighted", "average_precision_macro"):
        found = estimate(name, predictions(label, scores))
        assert math.isnan(found.value)
        assert found.why == "no row is of the class dog"
    found = estimate("roc_auc", predictions(label, scores), of_class="dog")
    assert (math.isnan(found.value), found.why) == (True, "no row is of the class dog")
    found = estimate("roc_auc", predictions(label * 0, scores), of_class="ant")
    assert (math.isnan(found.value), found.why) == (True, "all rows are of the class ant")
    assert estimate("log_loss", predictions(label, scores)).value > 0


def test_rare_class_cannot_show_that_a_mean_over_classes_is_good():
    label, scores, _ = made(300)
    assert estimate("roc_auc_macro", predictions(label, scores)).may_pass
    label = np.where((label == 2) & (np.arange(300) > 30), 1, label)
    found = estimate("roc_auc_macro", predictions(label, scores))
    assert not found.may_pass
    assert found.note == f"{(label == 2).sum()} 'cow' rows, at least 20 needed"
    assert not estimate("average_precision", predictions(label, scores), of_class="cow").may_pass
    assert estimate("average_precision", predictions(label, scores), of_class="bee").may_pass


def test_class_that_hardly_weighs_does_not_hinder_the_mean_by_rows():
    label, scores, _ = made(20_000)
    label = np.where((label == 2) & (np.arange(20_000) > 30), 1, label)
    assert estimate("roc_auc_weighted", predictions(label, scores)).may_pass
    assert not estimate("roc_auc_macro", predictions(label, scores)).may_pass


@pytest.mark.parametrize("k", [3, 7, 0, -1])
def test_k_that_every_row_meets_or_none_is_refused(k):
    label, scores, _ = made(20)
    with pytest.raises(MlgitError, match="there are 3 classes"):
        estimate("top_k_accuracy", predictions(label, scores), k=k)


def test_one_class_and_one_class_twice_are_refused():
    with pytest.raises(MlgitError, match="two or more classes, there are those of: a"):
        estimate("log_loss", Predictions(np.array(["a"], dtype=object), scores={"a": [1.0]}))
    with pytest.raises(MlgitError, match="two or more classes, there are those of: 1, 1"):
        estimate("log_loss", Predictions(np.array([1]), scores={1: [0.5], "1": [0.5]}))


def test_class_to_look_at_is_the_positive_one_unless_another_is_named():
    label, scores, _ = made(60)
    rows = predictions(label, scores)
    assert estimate("roc_auc", rows, positive="cow").value == estimate("roc_auc", rows, of_class="cow").value
    with pytest.raises(MlgitError, match="which of the classes"):
        estimate("roc_auc", rows)


def test_what_is_made_from_kept_columns_is_the_same():
    label, scores, weight = made(60, weighted=True)
    rows = predictions(label, scores, weight)
    kept = Predictions(held(rows.label), scores={name: held(each) for name, each in rows.scores.items()}, weight=held(weight))
    for name, parameters in MEASURES:
        one, other = (estimate(name, each, **parameters) for each in (rows, kept))
        assert (one.value, one.influence.tolist()) == (other.value, other.influence.tolist())
