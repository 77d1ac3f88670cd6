"""How the model behaves."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import prepare
import train


@pytest.fixture(scope="module")
def parts():
    bunch = load_diabetes(scaled=False)
    table = np.column_stack([bunch.data, bunch.target])
    return [table[rows] for rows in prepare.split(len(table), test_size=0.3, seed=1)]


def test_no_row_is_in_both_parts():
    learned, judged = prepare.split(100, test_size=0.3, seed=1)
    assert sorted([*learned, *judged]) == list(range(100))


def test_model_beats_the_mean(parts):
    rows, test = parts
    model = train.fit(rows, alpha=1.0)
    assert train.measure(train.predict(model, test[:, :-1]), test[:, -1])["r2"] > 0.3


def test_same_rows_make_the_same_model(parts):
    assert train.fit(parts[0], alpha=1.0) == train.fit(parts[0], alpha=1.0)
