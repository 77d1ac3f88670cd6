"""Metrics of rows: scikit-learn's values, refusals, undefined values."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import bootstrap
from mlgit.statistics.measure import Measure
from mlgit.statistics.metrics import METRICS, metric, of, value
from tests.kit.late import Late

sklearn = Late("sklearn.metrics")

OF_PREDICTIONS = {
    "accuracy": sklearn.accuracy_score,
    "balanced_accuracy": sklearn.balanced_accuracy_score,
    "precision_macro": lambda y, p: sklearn.precision_score(y, p, average="macro", zero_division=0),
    "recall_macro": lambda y, p: sklearn.recall_score(y, p, average="macro", zero_division=0),
    "f1_macro": lambda y, p: sklearn.f1_score(y, p, average="macro", zero_division=0),
    "precision_weighted": lambda y, p: sklearn.precision_score(y, p, average="weighted", zero_division=0),
    "recall_weighted": lambda y, p: sklearn.recall_score(y, p, average="weighted", zero_division=0),
    "f1_weighted": lambda y, p: sklearn.f1_score(y, p, average="weighted", zero_division=0),
    "mcc": sklearn.matthews_corrcoef,
    "cohen_kappa": sklearn.cohen_kappa_score,
    "quadratic_kappa": lambda y, p: sklearn.cohen_kappa_score(y, p, weights="quadratic", labels=range(5)),
}
OF_TWO_CLASSES = {
    "precision": lambda y, p: sklearn.precision_score(y, p, zero_division=np.nan),
    "recall": lambda y, p: sklearn.recall_score(y, p, zero_division=np.nan),
    "specificity": lambda y, p: sklearn.recall_score(y, p, pos_label=0, zero_division=np.nan),
    "f1": lambda y, p: sklearn.f1_score(y, p, zero_division=np.nan),
}
OF_SCORES = {
    "roc_auc": sklearn.roc_auc_score,
    "average_precision": sklearn.average_precision_score,
    "log_loss": lambda y, s: sklearn.log_loss(y, s, labels=[0, 1]),
    "brier": sklearn.brier_score_loss,
}
OF_NUMBERS = {
    "mae": sklearn.mean_absolute_error,
    "mse": sklearn.mean_squared_error,
    "rmse": sklearn.root_mean_squared_error,
    "r2": sklearn.r2_score,
}

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)
binary = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)
scored = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40)
measured = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=40)


def columns(drawn):
    one, other = zip(*drawn, strict=True)
    return np.array(one), np.array(other)


@pytest.mark.filterwarnings("ignore")
@given(pairs)
def test_metrics_of_any_classes_are_those_of_scikit_learn(drawn):
    label, prediction = columns(drawn)
    for name, peer in OF_PREDICTIONS.items():
        found, expected = value(name, label, prediction=prediction), peer(label, prediction)
        assert found == pytest.approx(expected, abs=1e-12, nan_ok=True), name


@pytest.mark.filterwarnings("ignore")
@given(pairs, st.sampled_from([0.5, 1.0, 2.0, 3.7]))
def test_metrics_of_one_class_are_those_of_scikit_learn(drawn, beta):
    label, prediction = columns(drawn)
    for chosen in set(label.tolist()):
        one = {"labels": [chosen], "average": "macro", "zero_division": np.nan}
        rest = [int(name) for name in set(label.tolist()) | set(prediction.tolist()) if name != chosen]
        expected = {
            Measure("precision", of_class=chosen): sklearn.precision_score(label, prediction, **one),
            Measure("recall", of_class=chosen): sklearn.recall_score(label, prediction, **one),
            Measure("f1", of_class=chosen): sklearn.f1_score(label, prediction, **one),
            Measure("f_beta", beta=beta, of_class=chosen): sklearn.fbeta_score(label, prediction, beta=beta, **one),
            Measure("specificity", of_class=chosen): np.mean([each != chosen for each in prediction[np.isin(label, rest)]]),
        }
        for measure, peer in expected.items():
            found = value(measure, label, prediction=prediction, positive=chosen)
            assert found == pytest.approx(peer, abs=1e-12, nan_ok=True), measure


@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "f1"])
def test_class_without_rows_has_no_metric(name):
    label, prediction = ["a", "b", "a"] * 20, ["a", "b", "c"] * 20
    chosen = Measure(name, of_class="c")
    assert np.isnan(value(chosen, label, prediction=prediction, positive="c"))
    found = bootstrap.interval(chosen, label, prediction=prediction, positive="c")
    assert (found.value, found.low) == (None, None)
    assert found.reason == "the metric is undefined for these rows: no row has the class 'c'"


def test_class_that_is_never_predicted_has_no_precision():
    label, prediction = ["a", "b"] * 20, ["a", "a"] * 20
    found = bootstrap.interval(Measure("precision", of_class="b"), label, prediction=prediction, positive="b")
    assert found.reason == "the metric is undefined for these rows: no row is predicted as 'b'"


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (Measure("f_beta"), "f_beta needs beta; add beta: 2"),
        (Measure("f_beta", beta=0.0), "f_beta: beta is 0.0, and must be above 0"),
        (Measure("f_beta", beta=math.nan), "must be above 0"),
        (Measure("f1", beta=2.0), "f1 takes no beta; it takes class"),
        (Measure("mcc", of_class="a"), "mcc takes no class; it takes no parameters"),
        (Measure("f_beta", beta=2.0, k=3), "f_beta takes no k; it takes beta, class"),
        (Measure("f_bta", beta=2.0), "did you mean f_beta?"),
    ],
)
def test_parameters_that_a_metric_lacks_or_does_not_take_are_named(measure, said):
    with pytest.raises(MlgitError) as caught:
        of(measure)
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_metric_with_parameters_is_one_object():
    assert of(Measure("f_beta", beta=2.0)) is of(Measure("f_beta", beta=2.0))
    assert of(Measure("f1")) is METRICS["f1"] is metric("f1")


def test_quadratic_kappa_does_not_hang_on_which_numbers_there_are():
    label, prediction = np.array([1, 1, 3, 3, 5, 5]), np.array([1, 3, 3, 3, 5, 1])
    known = sklearn.cohen_kappa_score(label, prediction, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert value("quadratic_kappa", label, prediction=prediction) == pytest.approx(known)
    assert value("quadratic_kappa", label + 1000.5, prediction=prediction + 1000.5) == pytest.approx(known)


@pytest.mark.filterwarnings("ignore")
@given(binary)
def test_metrics_of_two_classes_are_those_of_scikit_learn(drawn):
    label, prediction = (each.astype(int) for each in columns(drawn))
    for name, peer in OF_TWO_CLASSES.items():
        assert value(name, label, prediction=prediction) == pytest.approx(peer(label, prediction), abs=1e-12, nan_ok=True), name


@given(scored)
def test_metrics_of_scores_are_those_of_scikit_learn(drawn):
    label, score = columns(drawn)
    if len(set(label)) == 2:
        for name, peer in OF_SCORES.items():
            assert value(name, label, score=score / 8) == pytest.approx(peer(label, score / 8), abs=1e-12), name


@given(measured)
def test_metrics_of_numbers_are_those_of_scikit_learn(drawn):
    label, prediction = columns(drawn)
    for name, peer in OF_NUMBERS.items():
        if name != "r2" or len(set(label)) > 1:
            assert value(name, label, prediction=prediction) == pytest.approx(peer(label, prediction), abs=1e-9), name


def test_every_metric_has_a_peer_here():
    assert {*OF_PREDICTIONS, *OF_TWO_CLASSES, *OF_SCORES, *OF_NUMBERS} == set(METRICS)


def test_text_labels_and_a_declared_positive_one():
    label, prediction = ["yes", "no", "yes", "no"], ["yes", "yes", "no", "no"]
    assert value("accuracy", label, prediction=prediction) == 0.5
    assert value("recall", label, prediction=prediction, positive="yes") == 0.5
    assert value("roc_auc", label, score=[0.9, 0.1, 0.8, 0.2], positive="yes") == 1
    assert value("roc_auc", label, score=[0.9, 0.1, 0.8, 0.2], positive="no") == 0


def test_labels_that_are_no_objects_of_numpy():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"label": ["a", "b"], "prediction": ["a", "a"]})
    assert value("accuracy", frame["label"], prediction=frame["prediction"]) == 0.5


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("recall", {"label": [0, 0], "prediction": [0, 1]}),
        ("precision", {"label": [0, 1], "prediction": [0, 0]}),
        ("specificity", {"label": [1, 1], "prediction": [0, 1]}),
        ("f1", {"label": [0, 0], "prediction": [0, 0]}),
        ("roc_auc", {"label": [1, 1], "score": [0.1, 0.2]}),
        ("average_precision", {"label": [0, 0], "score": [0.1, 0.2]}),
        ("r2", {"label": [3.3, 3.3, 3.3], "prediction": [3, 3, 4]}),
        ("cohen_kappa", {"label": ["a", "a"], "prediction": ["a", "a"]}),
        ("quadratic_kappa", {"label": [3.3, 3.3], "prediction": [3.3, 3.3]}),
    ],
)
def test_undefined_is_not_a_number(name, columns):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(value(name, **columns))


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("acuracy", {"label": [1]}, "did you mean accuracy"),
        ("latency", {"label": [1]}, "known are accuracy"),
        ("f1", {"label": [1]}, "needs a column of predictions"),
        ("roc_auc", {"label": [1], "prediction": [1]}, "needs a column of scores"),
        ("f1", {"label": [1, 0], "prediction": [1]}, "different lengths"),
        ("mae", {"label": [1, 0], "prediction": [1]}, "different lengths"),
        ("log_loss", {"label": [1, 0], "score": [1]}, "different lengths"),
        ("f1", {"label": [], "prediction": []}, "no rows"),
        ("mae", {"label": [], "prediction": []}, "no rows"),
        ("accuracy", {"label": [1, 0], "prediction": ["1", "0"]}, "cannot be compared"),
        ("accuracy", {"label": ["a", None], "prediction": ["a", "b"]}, "missing"),
        ("accuracy", {"label": [1, np.nan], "prediction": [1, 0]}, "missing"),
        ("accuracy", {"label": [[1]], "prediction": [1]}, "one value per row"),
        ("f1", {"label": ["a", "b"], "prediction": ["a", "b"]}, "positive one is not declared"),
        ("f1", {"label": [0, 2], "prediction": [0, 1]}, "positive one is not declared"),
        ("roc_auc", {"label": [0, 1, 2], "score": [0, 1, 2]}, "3 classes"),
        ("roc_auc", {"label": [0, 1], "score": [0, np.nan]}, "not finite"),
        ("rmse", {"label": [0, np.inf], "prediction": [0, 1]}, "label: 1 of 2"),
        ("mae", {"label": ["a"], "prediction": [1]}, "not all values are numbers"),
        ("quadratic_kappa", {"label": ["low", "high"], "prediction": ["low", "low"]}, "not all values are numbers"),
        ("log_loss", {"label": [0, 1], "score": [0.2, 1.2]}, "outside 0 to 1"),
        ("brier", {"label": [0, 1], "score": [-0.2, 1]}, "outside 0 to 1"),
    ],
)
def test_what_cannot_be_computed_is_refused(name, columns, said):
    with pytest.raises(MlgitError) as caught:
        value(name, **columns)
    assert said in f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize("name", METRICS)
def test_name_of_the_table_is_the_name_of_the_metric(name):
    assert metric(name).name == name


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_weights_stand_for_repeated_rows(name):
    generator = np.random.default_rng(5)
    label, score = generator.integers(0, 2, 40), generator.integers(0, 12, 40)
    weights = generator.integers(0, 4, (3, 40)).astype(float)
    found = METRICS[name].function(label, score, weights)
    expected = [value(name, label.repeat(w.astype(int)), score=score.repeat(w.astype(int))) for w in weights]
    assert found == pytest.approx(expected, abs=1e-12)
