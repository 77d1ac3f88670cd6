"""Vectors: whitened by the reference; a window of odd ones is counted, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import vectors
from mlgit.monitoring.sketch import Cells

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 3))


def of_window(cut, values):
    return vectors.counts(cut, values, batch_of=np.zeros(len(values), dtype=np.int64), n_batches=1)


def test_whitened_components_vary_by_one_and_independently():
    cut = vectors.cells("v", REFERENCE)
    found = np.concatenate([of_window(cut, row[None]).sums for row in REFERENCE])
    assert np.cov(found, rowvar=False) == pytest.approx(np.eye(3), abs=1e-5)


def test_vectors_of_several_lengths_make_no_reference():
    with pytest.raises(MlgitError, match="vectors of 2 numbers and of 1"):
        vectors.cells("v", [[1.0, 2.0], [1.0]])


def test_vectors_of_another_length_and_what_is_none_are_missing_in_a_window():
    found = of_window(vectors.cells("v", REFERENCE), [[1.0, 2.0, 3.0], [1.0], None, "x", [1, None, 3], [float("nan")] * 3])
    assert found.counts.tolist() == [[1]]
    assert found.missing.tolist() == [5]


@pytest.mark.parametrize("size", [1e149, 1e60, 1e-60, 10**400])
@pytest.mark.filterwarnings("error")
def test_components_of_any_size_are_counted_and_summed(size):
    values = [[each * size if isinstance(size, float) else size for each in row] for row in REFERENCE.tolist()]
    cut = vectors.cells("v", values)
    found = of_window(cut, values)
    assert np.isfinite(found.sums).all()
    assert found.counts.sum() + found.missing.sum() == len(values)


def test_reference_without_vectors_takes_any_window():
    cut = vectors.cells("v", [None, None])
    assert of_window(cut, [[1.0, 2.0], None]).counts.tolist() == [[1]]
    assert vectors.n_directions(cut) == 0


@pytest.mark.parametrize("broken", [("AAAA", 2), ("?", 1), ("", 3), ("AADAfwAAwH8=", 1), ("", -1), ("", 10**9)])
def test_whitening_that_is_none_is_refused(broken):
    with pytest.raises(ValueError, match=r"vectors|whitening|reshape|[Bb]ase64|buffer|padding"):
        vectors.n_directions(Cells("v", "vector", whitening=broken[0], n_components=broken[1]))
