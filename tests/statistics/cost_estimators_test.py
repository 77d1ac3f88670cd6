"""Costs of predictions: by a table, and what costs must know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from tests.statistics.estimates import check, estimate

COSTS = {"malignant": {"benign": 50.0, "unclear": 5}, "benign": {"malignant": 1}}
NAMES = ["malignant", "benign", "unclear"]

rows = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 4)), min_size=1, max_size=30)


def judged(label, prediction, costs=None, weight=None):
    label, prediction = (np.array(each, dtype=object if isinstance(each[0], str) else None) for each in (label, prediction))
    return Predictions(label, prediction, costs=COSTS if costs is None else costs, weight=weight)


@given(rows)
def test_value_is_the_mean_of_the_table(drawn):
    label, said, weight = zip(*drawn, strict=True)
    terms = [COSTS.get(one, {}).get(other, 0) for one, other in zip(label, said, strict=True)]
    assert estimate("cost_per_row", judged(label, said)).value == pytest.approx(np.mean(terms))
    found = estimate("cost_per_row", judged(label, said, weight=np.array(weight, dtype=float)))
    assert found.value == pytest.approx(np.average(terms, weights=weight))


@pytest.mark.parametrize("weight", [None, np.arange(1.0, 41.0)])
def test_influences_are_derivatives(weight):
    generator = np.random.default_rng(0)
    label, said = (generator.choice(NAMES, 40).tolist() for _ in range(2))
    check("cost_per_row", judged(label, said, weight=weight))


def test_gain_of_a_right_answer_is_a_cost_below_nought():
    found = estimate("cost_per_row", judged([1, 0, 1], [1, 1, 1], {1: {1: -3.0}, 0: {1: 1.0}}))
    assert found.value == pytest.approx(-5 / 3)
    assert found.least == -3


def test_right_answers_of_a_class_that_costs_do_not_know_cost_nothing():
    assert estimate("cost_per_row", judged(["benign", "cyst"], ["malignant", "cyst"])).value == 0.5


@pytest.mark.parametrize(
    ("label", "said", "told", "hint"),
    [
        (["benign"], ["cyst"], "the prediction 'cyst'", "{LABEL: {cyst: COST}}"),
        (["cyst"], ["benign"], "the label 'cyst'", "{cyst: {PREDICTION: COST}}"),
        (["Malignant"], ["benign"], "the label 'Malignant'", "costs have 'malignant'"),
    ],
)
def test_wrong_answer_that_costs_do_not_know_is_refused(label, said, told, hint):
    with pytest.raises(MlgitError, match=told) as caught:
        estimate("cost_per_row", judged(label, said))
    assert hint in caught.value.hint


def test_numbers_in_costs_are_no_texts_of_rows():
    with pytest.raises(MlgitError, match="the label '1'") as caught:
        estimate("cost_per_row", judged(["1", "0"], ["0", "0"], {1: {0: 5.0}, 0: {1: 1.0}}))
    assert "costs have 1, which no row has" in caught.value.hint


def test_label_of_costs_that_is_nearly_one_of_the_rows_is_refused():
    with pytest.raises(MlgitError, match="no row has the label 'malignent'") as caught:
        estimate("cost_per_row", judged(["malignant"], ["malignant"], {"malignent": {"malignent": -1.0}}))
    assert caught.value.hint == "did you mean 'malignant'?"


def test_class_that_no_row_has_is_no_fault():
    assert estimate("cost_per_row", judged(["benign"] * 3, ["benign"] * 3)).value == 0


def test_truths_and_numbers_are_the_same_classes():
    found = estimate("cost_per_row", judged([True, False], [False, False], {1: {0: 5.0}, 0: {1: 1.0}}))
    assert found.value == 2.5


@pytest.mark.parametrize(("costs", "told"), [({}, "no cost is declared"), ({"benign": {"malignant": float("nan")}}, "no cost")])
def test_costs_are_numbers_and_there(costs, told):
    with pytest.raises(MlgitError, match=told):
        estimate("cost_per_row", judged(["benign"], ["malignant"], costs))


def test_missing_prediction_is_refused():
    with pytest.raises(MlgitError, match="1 of 2 predictions are missing"):
        estimate("cost_per_row", judged(["benign", "benign"], ["benign", None]))


@pytest.mark.parametrize("costs", [{}, {"malignant": {}}, {name: {} for name in NAMES}])
def test_costs_that_name_no_cost_are_refused(costs):
    with pytest.raises(MlgitError, match="no cost is declared"):
        estimate("cost_per_row", judged(NAMES, NAMES, costs=costs))
