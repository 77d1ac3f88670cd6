"""Classic metrics as estimates: scikit-learn's values with sample_weight, influences by definition, and their variance."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import influences
from mlgit.statistics.classic_estimates import estimate
from mlgit.statistics.measure import Measure
from mlgit.statistics.metrics import METRICS, of, value
from mlgit.statistics.predictions import Predictions
from tests.kit import FULL
from tests.kit.late import Late

sklearn = Late("sklearn.metrics")


def averaged(name, average):
    function = getattr(sklearn, f"{name}_score")
    return lambda y, p, w: function(y, p, average=average, zero_division=0, sample_weight=w)


def plain(function, **options):
    return lambda y, p, w: function(y, p, sample_weight=w, **options)


def binary(name, **options):
    return plain(getattr(sklearn, f"{name}_score"), zero_division=np.nan, **options)


OF_CLASSES = {
    "accuracy": plain(sklearn.accuracy_score),
    "balanced_accuracy": plain(sklearn.balanced_accuracy_score),
    **{f"{name}_{how}": averaged(name, how) for name in ("precision", "recall", "f1") for how in ("macro", "weighted")},
    "mcc": plain(sklearn.matthews_corrcoef),
    "cohen_kappa": plain(sklearn.cohen_kappa_score),
    "quadratic_kappa": plain(sklearn.cohen_kappa_score, weights="quadratic", labels=range(5)),
}
OF_TWO_CLASSES = {
    "precision": binary("precision"),
    "recall": binary("recall"),
    "specificity": binary("recall", pos_label=0),
    "f1": binary("f1"),
}
OF_SCORES = {
    "roc_auc": plain(sklearn.roc_auc_score),
    "average_precision": plain(sklearn.average_precision_score),
    "log_loss": plain(sklearn.log_loss, labels=[0, 1]),
    "brier": plain(sklearn.brier_score_loss),
}
OF_NUMBERS = {
    "mae": plain(sklearn.mean_absolute_error),
    "mse": plain(sklearn.mean_squared_error),
    "rmse": plain(sklearn.root_mean_squared_error),
    "r2": plain(sklearn.r2_score),
}
# What row i is told to weigh more by, to see how far the metric moves.
STEP = 1e-5

weight = st.sampled_from([0.01, 0.5, 1.0, 1.0, 3.0, 250.0])
of_classes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), weight), min_size=1, max_size=30)
of_two = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), weight), min_size=1, max_size=30)
of_scores = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), weight), min_size=2, max_size=30)
of_numbers = st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40), weight), min_size=2, max_size=30)


def rows_of(drawn):
    return tuple(np.array(each) for each in zip(*drawn, strict=True))


def given_rows(name, label, column, weights=None):
    return Predictions(label, **{METRICS[name].needs: column}, weight=weights)


def check(name, peer, label, column, weights):
    """Value as scikit-learn's, influences that sum to 0 and are slopes."""
    for each in (None, weights):
        found = estimate(METRICS[name], given_rows(name, label, column, each))
        assert found.value == pytest.approx(peer(label, column, each), abs=1e-9, rel=1e-9, nan_ok=True), name
        assert found.influence.shape == label.shape
        assert found.influence.sum() == pytest.approx(0, abs=1e-9 * max(1, np.abs(found.influence).max()))
        if found.value == found.value:
            assert found.least - 1e-9 <= found.value <= found.most + 1e-9
            assert not found.why
        else:
            assert found.why.startswith("the metric is undefined for these rows: ")
            assert not found.influence.any()


def slopes(chosen, rows, *, positive=None):
    """By the definition: what the metric moves by when a row weighs a little more, times its weight."""
    found = []
    for place in range(rows.size):
        ends = []
        for side in (1 + STEP, 1 - STEP):
            moved = rows.weight.astype(float).copy()
            moved[place] *= side
            ends.append(estimate(chosen, replace(rows, weight=moved), positive=positive).value)
        found.append((ends[0] - ends[1]) / (2 * STEP))
    return np.array(found)


@pytest.mark.filterwarnings("ignore")
@given(of_classes)
def test_values_of_classes_are_those_of_scikit_learn(drawn):
    label, prediction, weights = rows_of(drawn)
    for name, peer in OF_CLASSES.items():
        check(name, peer, label, prediction, weights)
    texts = np.array(["a b", "b", "c.d", "d", "e"], dtype=object)
    for name in set(OF_CLASSES) - {"quadratic_kappa"}:
        as_texts = estimate(METRICS[name], Predictions(texts[label], texts[prediction], weight=weights))
        as_numbers = estimate(METRICS[name], Predictions(label, prediction, weight=weights))
        assert as_texts.value == pytest.approx(as_numbers.value, nan_ok=True)
        assert as_texts.influence == pytest.approx(as_numbers.influence)


@pytest.mark.filterwarnings("ignore")
@given(of_two)
def test_values_of_two_classes_are_those_of_scikit_learn(drawn):
    for name, peer in OF_TWO_CLASSES.items():
        check(name, peer, *rows_of(drawn))


@given(of_scores)
def test_values_of_scores_are_those_of_scikit_learn(drawn):
    label, score, weights = rows_of(drawn)
    for name, peer in OF_SCORES.items():
        if len(set(label)) == 2:
            check(name, peer, label, score / 8, weights)
        elif name == "roc_auc":
            check(name, lambda *_: np.nan, label, score / 8, weights)


@given(of_numbers)
def test_values_of_numbers_are_those_of_scikit_learn(drawn):
    label, prediction, weights = rows_of(drawn)
    for name, peer in OF_NUMBERS.items():
        check(name, peer if name != "r2" or len(set(label)) > 1 else lambda *_: np.nan, label, prediction, weights)


def test_every_metric_has_a_peer_here():
    assert {*OF_CLASSES, *OF_TWO_CLASSES, *OF_SCORES, *OF_NUMBERS} == set(METRICS)


def drawn_rows(name, number=40, *, seed=3):
    """Rows with ties and weights on which every metric is smooth."""
    generator = np.random.default_rng(seed)
    weights = generator.uniform(0.2, 4, number)
    if name in OF_NUMBERS:
        label = generator.normal(size=number) * 3
        return Predictions(label, label + generator.normal(size=number), weight=weights)
    label = generator.integers(0, 2 if name not in OF_CLASSES else 4, number)
    label[:4] = [0, 1, 0, 1]
    if name in OF_SCORES:
        return Predictions(label, score=np.round(label * 0.2 + generator.random(number) * 0.79, 1), weight=weights)
    return Predictions(label, np.where(generator.random(number) < 0.7, label, generator.permutation(label)), weight=weights)


@pytest.mark.parametrize("name", METRICS)
def test_influence_is_the_slope_along_the_weight_of_a_row(name):
    rows = drawn_rows(name)
    found = estimate(METRICS[name], rows)
    assert found.influence == pytest.approx(slopes(METRICS[name], rows), abs=1e-8)
    # and without weights what it has always been
    column = rows.prediction if METRICS[name].needs == "prediction" else rows.score
    known = influences.of(METRICS[name], rows.label, column)
    assert estimate(METRICS[name], replace(rows, weight=None)).influence == pytest.approx(known, abs=1e-7)


@pytest.mark.parametrize(
    "measure",
    [
        Measure("f_beta", beta=2.0, of_class=1),
        Measure("f_beta", beta=0.5, of_class=3),
        Measure("recall", of_class=2),
        Measure("precision", of_class=0),
        Measure("f1", of_class=1),
        Measure("specificity", of_class=1),
    ],
)
def test_metrics_of_one_class_and_of_beta_heed_weights(measure):
    rows, chosen = drawn_rows("accuracy"), of(measure)
    found = estimate(chosen, rows, positive=measure.of_class)
    label, said = rows.label == measure.of_class, rows.prediction == measure.of_class
    peer = {
        "recall": sklearn.recall_score,
        "precision": sklearn.precision_score,
        "f1": sklearn.f1_score,
        "f_beta": lambda y, p, **options: sklearn.fbeta_score(y, p, beta=measure.beta, **options),
        "specificity": lambda y, p, **options: sklearn.recall_score(~y, ~p, **options),
    }[measure.name]
    assert found.value == pytest.approx(peer(label, said, sample_weight=rows.weight))
    assert found.influence == pytest.approx(slopes(chosen, rows, positive=measure.of_class), abs=1e-8)
    unweighted = estimate(chosen, replace(rows, weight=None), positive=measure.of_class)
    assert unweighted.value == value(measure, rows.label, prediction=rows.prediction, positive=measure.of_class)


@pytest.mark.parametrize("name", METRICS)
def test_weights_count_whole_rows_and_have_no_unit(name):
    rows = drawn_rows(name)
    often = np.random.default_rng(1).integers(1, 4, rows.size)
    whole = {
        part: None if getattr(rows, part) is None else getattr(rows, part).repeat(often)
        for part in ("label", "prediction", "score")
    }
    repeated = estimate(METRICS[name], Predictions(**whole))
    for unit in (1.0, 1e-150, 1e150):
        found = estimate(METRICS[name], replace(rows, weight=often * unit))
        assert found.value == pytest.approx(repeated.value)
        places = np.concatenate([[0], np.cumsum(often)[:-1]])
        assert found.influence == pytest.approx(np.add.reduceat(repeated.influence, places), abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_equal_weights_are_none(name):
    rows = drawn_rows(name)
    one, other = (estimate(METRICS[name], replace(rows, weight=each)) for each in (None, np.full(rows.size, 0.3)))
    assert other.value == pytest.approx(one.value)
    assert other.influence == pytest.approx(one.influence, abs=1e-10)
    assert one.value == value(name, rows.label, prediction=rows.prediction, score=rows.score)


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_squares_sum_to_the_variance_of_drawn_samples(name):
    rows = drawn_rows(name, 600, seed=8)
    found = estimate(METRICS[name], rows)
    generator, drawn = np.random.default_rng(2), []
    for _ in range(2_000 if FULL else 400):
        often = np.bincount(generator.integers(0, rows.size, rows.size), minlength=rows.size)
        there = often > 0
        some = Predictions(
            *(None if each is None else each[there] for each in (rows.label, rows.prediction, rows.score)),
            weight=(often * rows.weight)[there],
        )
        drawn.append(estimate(METRICS[name], some).value)
    assert np.sqrt((found.influence**2).sum()) == pytest.approx(np.std(drawn), rel=0.12)


def test_sums_give_the_value_back():
    for name in ("mae", "rmse", "r2", "quadratic_kappa", "log_loss"):
        for rows in (drawn_rows(name), replace(drawn_rows(name), weight=None)):
            found = estimate(METRICS[name], rows)
            assert found.sums.value == pytest.approx(found.value)
            assert (found.sums.size, found.sums.features.shape[0]) == (rows.size, rows.size)
    assert estimate(METRICS["f1"], drawn_rows("f1")).sums is None


def test_rows_that_count_are_told():
    label, said = np.repeat(["a", "b", "c"], [30, 12, 50]), np.repeat(["a", "c"], [35, 57])
    rows = Predictions(label, said, weight=np.arange(92) + 1.0)
    found = estimate(of(Measure("recall", of_class="b")), rows, positive="b")
    assert (found.n_counted, found.counted, found.may_pass) == (12, "'b' row", False)
    assert found.note == "12 'b' rows, at least 20 needed: 8 more"
    enough = estimate(of(Measure("precision", of_class="a")), rows, positive="a")
    assert (enough.n_counted, enough.counted, enough.may_pass, enough.note) == (35, "'a' prediction", True, "")
    assert estimate(METRICS["mcc"], rows).n_counted == 92


def test_few_of_a_class_are_told_of_scores():
    label, score = np.repeat([0, 1], [40, 7]), np.linspace(0.1, 0.9, 47)
    ranked, loss = (estimate(METRICS[name], Predictions(label, score=score)) for name in ("roc_auc", "log_loss"))
    assert (ranked.may_pass, ranked.note) == (False, "7 positive rows, at least 20 needed")
    assert (loss.may_pass, loss.note) == (True, "only 7 positive rows")


def test_class_without_rows_says_so():
    rows = Predictions(["a", "b"] * 20, ["a", "z"] * 20, weight=np.ones(40))
    for name in ("recall", "precision", "f1", "specificity"):
        found = estimate(of(Measure(name, of_class="z")), rows, positive="z")
        assert np.isnan(found.value)
        assert found.why == "the metric is undefined for these rows: no row has the class 'z'"


@pytest.mark.parametrize("name", METRICS)
def test_model_without_a_mistake_has_no_influence(name):
    label = np.array([0, 1, 1, 0, 1] * 9)
    weights = np.random.default_rng(0).uniform(0.1, 9, 45)
    found = estimate(METRICS[name], given_rows(name, label, label, weights))
    assert found.value == pytest.approx(0 if METRICS[name].better == "lower" else 1)
    assert name in ("roc_auc", "average_precision") or not found.influence.any()
    assert np.abs(found.influence).max() < 1e-15


@pytest.mark.parametrize("name", ["mcc", "cohen_kappa", "f1_macro", "balanced_accuracy", "quadratic_kappa"])
def test_one_class_is_one_class_whatever_the_weights(name):
    weights = np.random.default_rng(0).uniform(0.1, 9, 45)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate(METRICS[name], Predictions(np.ones(45, dtype=int), np.ones(45, dtype=int), weight=weights))
        said = estimate(METRICS[name], Predictions(np.arange(45) % 2, np.ones(45, dtype=int), weight=weights))
    expected = {"mcc": 0.0, "f1_macro": 1.0, "balanced_accuracy": 1.0}.get(name, np.nan)
    assert found.value == pytest.approx(expected, nan_ok=True)
    assert said.value == pytest.approx({"f1_macro": said.value, "balanced_accuracy": 0.5}.get(name, 0.0), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "columns", "said"),
    [
        ("f1", {"label": [0, 1], "prediction": [0, 1], "weight": [1.0, 0.0]}, "weight: 1 of 2 values are not above 0"),
        ("f1", {"label": [0, 1], "prediction": [0, 1], "weight": [1.0, np.nan]}, "weight: 1 of 2 values are missing"),
        ("mae", {"label": [0, 1], "prediction": [0, 1], "weight": [1.0, -1.0]}, "not above 0"),
        ("mae", {"label": [0, 1], "prediction": [0, 1], "weight": [1.0]}, "different lengths"),
        ("roc_auc", {"label": [0, 1], "score": [0, 1], "weight": ["a", "b"]}, "weight: not all values are numbers"),
        ("mae", {"label": [0, np.nan], "prediction": [0, 1]}, "missing or not finite"),
        ("roc_auc", {"label": [0, 1], "score": [np.nan, 1]}, "missing or not finite"),
        ("accuracy", {"label": ["a", None], "prediction": ["a", "b"]}, "are missing"),
        ("mcc", {"label": [1.5, 2], "prediction": [np.nan, 2]}, "are missing"),
        ("log_loss", {"label": [0, 1], "score": [0, 2]}, "outside 0 to 1"),
        ("f1", {"label": [0, 1], "score": [0, 1]}, "needs a column of predictions"),
        ("f1", {"label": [], "prediction": []}, "no rows"),
        ("quadratic_kappa", {"label": ["low", "high"], "prediction": ["low", "low"]}, "needs numbers"),
        ("roc_auc", {"label": [0, 1, 2], "score": [0, 1, 2]}, "3 classes"),
    ],
)
def test_what_cannot_be_computed_is_refused(name, columns, said):
    with pytest.raises(MlgitError) as caught:
        estimate(METRICS[name], Predictions(**columns))
    assert said in f"{caught.value.message}; {caught.value.hint}"


def test_r2_whose_labels_lie_at_the_light_rows_is_exact():
    rows = Predictions([0.0, 1.0, 1.0, 0.0], [0.5, 1.5, 0.0, 1.0], weight=[1e-3, 1e4, 2e4, 3e-3])
    found = estimate(METRICS["r2"], rows)
    assert found.value == pytest.approx(sklearn.r2_score(rows.label, rows.prediction, sample_weight=rows.weight), rel=1e-9)
    rows = replace(rows, weight=np.array(rows.weight))
    assert found.influence == pytest.approx(slopes(METRICS["r2"], rows), rel=1e-6)


@given(of_classes)
def test_influences_of_any_table_are_slopes(drawn):
    label, prediction, weights = rows_of(drawn)
    assume(len(label) > 1)
    rows = Predictions(label, prediction, weight=weights)
    for name in ("f1_macro", "precision_weighted", "cohen_kappa", "mcc", "balanced_accuracy"):
        found = estimate(METRICS[name], rows)
        if found.value == found.value and 1e-6 < abs(found.value) < 1 - 1e-6:
            assert found.influence == pytest.approx(slopes(METRICS[name], rows), abs=1e-6), name


def test_what_is_seen_of_a_row_is_what_can_differ():
    label, old = np.array(["a", "a", "b", "b"] * 20), np.array(["a", "b", "b", "a"] * 20)
    new = np.where(np.arange(80) == 0, "c", old)  # a row of class a, right before
    seen = {
        name: [estimate(of(Measure(name, of_class="a")), Predictions(label, each), positive="a").seen for each in (old, new)]
        for name in ("recall", "specificity", "precision")
    }
    assert {name: int((one != other).any(axis=1).sum()) for name, (one, other) in seen.items()} == {
        "recall": 1,
        "specificity": 0,
        "precision": 1,
    }
    ranks = [estimate(METRICS["roc_auc"], Predictions([0, 1] * 20, score=np.arange(40.0) ** power)).seen for power in (1, 2)]
    assert (ranks[0] == ranks[1]).all()
