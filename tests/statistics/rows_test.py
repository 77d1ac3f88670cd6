"""Classes as numbers: those of numpy's `unique`, whichever way they are found, and of midranks as their definition says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import delong, metrics, rows

KINDS = ["int8", "uint8", "int64", "uint64", "float32", "float64"]
WHOLE = st.lists(st.integers(0, 120) | st.just(127), min_size=1, max_size=12)


@given(WHOLE, WHOLE, st.sampled_from(KINDS), st.sampled_from(KINDS), st.sampled_from([0, -128, 0.5, 2**62]))
def test_numbers_of_classes_are_those_of_a_sort(label, said, kind, other, shift):
    size = min(len(label), len(said))
    with np.errstate(all="ignore"):
        columns = [(np.array(each[:size]) + shift).astype(name) for each, name in ((label, kind), (said, other))]
    names, codes = np.unique(np.concatenate(columns), return_inverse=True)
    found = rows.classes(*columns)
    assert list(found.names) == names.tolist()
    assert [type(each) for each in found.names] == [type(each) for each in names.tolist()]
    assert [*found.label, *found.predictions[0]] == codes.tolist()


@pytest.mark.parametrize("gap", [None, float("nan"), np.nan])
@pytest.mark.parametrize("others", [["a", "b"], [1, 0], [1.0, 2.5]])
def test_missing_value_is_no_class(gap, others):
    kinds = [object] if gap is None or isinstance(others[0], str) else [object, float]
    for kind in kinds:
        with pytest.raises(MlgitError, match="missing"):
            rows.classes(np.array([*others, gap], dtype=kind))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_influences_on_the_auc_count_the_rows_below(drawn):
    positive, score = (np.array(each) for each in zip(*drawn, strict=True))
    ones, zeros = score[positive], score[~positive]
    found = delong.components(positive.astype(int), metrics.ties(score.astype(float)))
    if not len(ones) or not len(zeros):
        assert found.value != found.value
        return
    right = (zeros < score[:, None]).mean(axis=1) + (zeros == score[:, None]).mean(axis=1) / 2
    above = (ones > score[:, None]).mean(axis=1) + (ones == score[:, None]).mean(axis=1) / 2
    placed = np.where(positive, right, above)
    assert found.value == pytest.approx(right[positive].mean())
    assert found.influence == pytest.approx((placed - found.value) / np.where(positive, len(ones), len(zeros)))


@given(st.lists(st.tuples(*[st.sampled_from(["b", "a", "é", "10", "9", ""])] * 3), min_size=1, max_size=9), st.data())
def test_texts_that_were_numbered_before_are_the_same_classes(drawn, data):
    columns = [np.array(each, dtype=object) for each in zip(*drawn, strict=True)]
    places = np.array(data.draw(st.lists(st.integers(0, len(drawn) - 1), min_size=1)))
    known = [each[places] for each in rows.coded(*columns)]
    found, expected = (rows.classes(*some) for some in (known, [each[places] for each in columns]))
    assert found.names == expected.names
    assert np.array_equal([found.label, *found.predictions], [expected.label, *expected.predictions])
    assert [np.asarray(each).tolist() for each in known] == [each[places].tolist() for each in columns]
    assert rows.classes(known[0], columns[1][places]).names == rows.classes(columns[0][places], columns[1][places]).names


@pytest.mark.parametrize("other", [None, float("nan"), 1, True, ["a"]])
def test_column_with_anything_but_texts_stays_as_it_is(other):
    column = np.fromiter(["a", other], dtype=object, count=2)
    assert rows.coded(column)[0] is column
