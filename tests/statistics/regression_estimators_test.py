"""Errors of predicted numbers: scikit-learn's values, derivatives as influences, refusals, undefined values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import quantiles
from tests.kit.late import Late
from tests.statistics.estimates import check, estimate, predictions, weighted

sklearn = Late("sklearn.metrics")

OF_SCIKIT_LEARN = {
    "mape": sklearn.mean_absolute_percentage_error,
    "median_ae": sklearn.median_absolute_error,
    "msle": sklearn.mean_squared_log_error,
    "rmsle": sklearn.root_mean_squared_log_error,
    "explained_variance": sklearn.explained_variance_score,
}
SMOOTH = ["mape", "smape", "wape", "msle", "rmsle", "explained_variance"]

rows = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 4)), min_size=2, max_size=40)


def made(number, *, seed=0, heavy=1.0):
    """Labels and predictions above 0, and weights."""
    generator = np.random.default_rng(seed)
    label = generator.lognormal(1, heavy, number)
    return label, label * generator.lognormal(0.1, 0.4, number), generator.integers(1, 5, number).astype(float)


@pytest.mark.parametrize("name", OF_SCIKIT_LEARN)
@given(rows)
def test_values_are_those_of_scikit_learn(name, drawn):
    label, said, weight = np.array(drawn, dtype=float).T
    if name == "explained_variance" and np.ptp(label) == 0:
        label[0] += 1
    found = estimate(name, predictions(label, prediction=said)).value
    assert found == pytest.approx(OF_SCIKIT_LEARN[name](label, said), rel=1e-9, abs=1e-12)
    found = estimate(name, predictions(label, prediction=said, weight=weight)).value
    assert found == pytest.approx(OF_SCIKIT_LEARN[name](label, said, sample_weight=weight), rel=1e-9, abs=1e-12)


@given(rows)
def test_errors_in_proportion_are_their_formulas(drawn):
    label, said, weight = np.array(drawn, dtype=float).T
    given_rows = predictions(label, prediction=said, weight=weight)
    terms = [0.0 if a == b == 0 else 2 * abs(a - b) / (abs(a) + abs(b)) for a, b in zip(label, said, strict=True)]
    assert estimate("smape", given_rows).value == pytest.approx(np.average(terms, weights=weight), rel=1e-9, abs=1e-12)
    if label.any():
        expected = (abs(label - said) @ weight) / (label @ weight)
        assert estimate("wape", given_rows).value == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [*SMOOTH, "median_ae"])
@given(rows)
def test_a_row_of_weight_k_is_k_rows(name, drawn):
    label, said, weight = np.array(drawn).T
    label[0] = label[1] + 1
    label, said = label + 1.0, said + 1.0
    one = estimate(name, predictions(label, prediction=said, weight=weight))
    label, said = weighted(weight, label, said)
    many = estimate(name, predictions(label, prediction=said))
    assert one.value == pytest.approx(many.value, rel=1e-9, abs=1e-12)
    if name != "median_ae":
        summed = np.bincount(np.repeat(np.arange(len(weight)), weight), weights=many.influence)
        assert one.influence == pytest.approx(summed, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_influences_are_derivatives(name, is_weighted):
    label, said, weight = made(40)
    check(name, predictions(label, prediction=said, **({"weight": weight} if is_weighted else {})))


@pytest.mark.parametrize("is_weighted", [False, True])
def test_influences_of_a_median_are_as_large_as_it_varies(is_weighted):
    generator, drawn = np.random.default_rng(4), []
    label, said, weight = made(400, seed=1)
    weight = weight if is_weighted else np.ones(400)
    columns = {"weight": weight} if is_weighted else {}
    found = estimate("median_ae", predictions(label, prediction=said, **columns))
    for _ in range(400):
        rows = generator.integers(0, 400, 400)
        drawn.append(quantiles.of(abs(label - said)[rows], 0.5, weight[rows]))
    assert (found.influence**2).sum() ** 0.5 == pytest.approx(np.std(drawn), rel=0.25)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)


def test_median_of_equal_weights_has_the_influences_of_one_without():
    label, said, _ = made(501)
    plain = estimate("median_ae", predictions(label, prediction=said)).influence
    found = estimate("median_ae", predictions(label, prediction=said, weight=np.full(501, 2.5))).influence
    assert (found**2).sum() == pytest.approx((plain**2).sum(), rel=0.15)


def test_half_of_the_weight_on_either_side_is_the_middle_of_two():
    assert quantiles.of(np.array([4.0, 1.0, 2.0]), 0.5, np.array([0.3, 0.1, 0.2])) == 3.0


@pytest.mark.parametrize(("label", "told"), [([0, 1, 2, 0], "2 of 4 labels are 0"), ([0, 1, 2, 3], "1 of 4 labels is 0")])
def test_mape_says_how_many_labels_are_nought(label, told):
    found = estimate("mape", predictions(label, prediction=[0, 1, 2, 3]))
    assert found.note.startswith(told)


def test_label_and_prediction_of_nought_are_no_error_of_smape():
    assert estimate("smape", predictions([0, 0, 2], prediction=[0, 1, 2])).value == pytest.approx(2 / 3)


def test_numbers_of_any_size_have_a_smape():
    assert estimate("smape", predictions([1e308, -1e308], prediction=[-1e308, -1e308])).value == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "label", "said", "told"),
    [
        ("wape", [0, 0], [1, 2], "all labels are 0"),
        ("explained_variance", [0.1, 0.1, 0.1], [1, 2, 3], "all labels are the same"),
        ("mape", [0, 1], [1e300, 1], "too large"),
        ("wape", [1, 1], [1e308, -1.7e308], "too large"),
        ("median_ae", [-1e308, -1e308], [1e308, 1e308], "too large"),
        ("explained_variance", [1e300, -1e300], [1, 2], "too large"),
        ("explained_variance", [0, 1], [1e300, 1], "too large"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_undefined_says_why(name, label, said, told):
    found = estimate(name, predictions(label, prediction=said))
    assert np.isnan(found.value)
    assert told in found.why
    assert not found.influence.any()


@pytest.mark.parametrize("name", ["msle", "rmsle"])
@pytest.mark.parametrize(("label", "said", "told"), [([-0.5, 1], [1, 1], "1 of 2 labels"), ([1, 1], [-0.5, -2], "2 of 2 pred")])
def test_logarithms_of_negative_numbers_are_refused(name, label, said, told):
    with pytest.raises(MlgitError, match=told):
        estimate(name, predictions(label, prediction=said))


@pytest.mark.parametrize("name", [*SMOOTH, "median_ae"])
@pytest.mark.parametrize("column", ["label", "prediction", "weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_missing_or_endless_is_refused(name, column, value):
    columns = {"label": np.ones(3), "prediction": np.ones(3), "weight": np.ones(3)}
    columns[column][1] = value
    with pytest.raises(MlgitError, match=f"{column}: 1 of 3"):
        estimate(name, predictions(**columns))


@pytest.mark.parametrize("name", [*SMOOTH, "median_ae"])
def test_columns_of_other_lengths_are_refused(name):
    with pytest.raises(MlgitError, match="different lengths"):
        estimate(name, predictions(np.ones(3), prediction=np.ones(3), weight=np.ones(2)))


@pytest.mark.parametrize("name", ["mape", "smape", "wape", "median_ae", "msle", "rmsle"])
def test_models_without_an_error_have_nothing_that_moves_them(name):
    found = estimate(name, predictions(np.arange(1, 40), prediction=np.arange(1, 40)))
    assert found.value == 0
    assert not found.influence.any()


def test_the_same_error_everywhere_leaves_no_rounding():
    label = np.arange(1.0, 60.0)
    assert not estimate("wape", predictions(label, prediction=label * 1.1)).influence.any()
