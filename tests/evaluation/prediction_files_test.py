"""Several files of predictions as one table: seeds side by side, folds one below the other; keys of several columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.evaluation import prediction_files
from mlgit.model_settings import CardFiles, Model

SEEDS = Model("m", CardFiles("", ""), predictions="a.csv, b.csv", files=("a.csv", "b.csv"), repeats="seeds", id="id")
FOLDS = Model("m", CardFiles("", ""), predictions="a.csv, b.csv", files=("a.csv", "b.csv"), repeats="folds", id="id")
PATHS = ("a.csv", "b.csv")
SHARED = {"id", "label"}


def table(ids, label, prediction):
    return {"id": np.array(ids), "label": np.array(label), "prediction": np.array(prediction)}


def joined(*tables, model=SEEDS):
    return prediction_files.joined(model, tables, PATHS[: len(tables)], shared=SHARED)


def test_seeds_stand_beside_one_another_in_the_order_of_the_first():
    found = joined(table([1, 2, 3], [0, 1, 1], [0, 0, 1]), table([3, 1, 2], [1, 0, 1], [5, 6, 7]))
    assert prediction_files.files_of(found) == 2
    second = prediction_files.of_seed(found, 1)
    assert second["prediction"].tolist() == [6, 7, 5]
    assert second["label"].tolist() == [0, 1, 1]
    assert prediction_files.of_seed(found, 0)["prediction"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (table([1, 2, 4], [0, 1, 1], [0, 0, 1]), "b.csv, beside a.csv: the rows are not the same"),
        (table([1, 2, 2], [0, 1, 1], [0, 0, 1]), "b.csv, beside a.csv: the rows are not the same"),
        (table([1, 2, 3], [0, 1, 0], [0, 0, 1]), "b.csv: label is not that of a.csv in all rows"),
        ({"id": np.array([1, 2, 3]), "label": np.array([0, 1, 1])}, "b.csv: no column 'prediction', and a.csv has it"),
    ],
)
def test_seeds_of_other_rows_or_labels_are_refused(other, told):
    with pytest.raises(MlgitError) as caught:
        joined(table([1, 2, 3], [0, 1, 1], [0, 0, 1]), other)
    assert caught.value.message.startswith(told)


def test_seeds_need_a_key():
    with pytest.raises(MlgitError, match="no column names the rows of both"):
        prediction_files.joined(Model("m", CardFiles("", ""), repeats="seeds"), [{}, {}], PATHS, shared=SHARED)


@pytest.mark.parametrize("number", [3, 1003])
def test_file_and_its_copies_are_one(number):
    ids, label = list(range(number)), [0] * number
    other, texts = [0] * (number - 1) + [1], ["a"] * number
    same = [table(ids, label, label) for _ in range(3)]
    assert prediction_files.distinct_files(same[0]) == 1
    assert prediction_files.distinct_files(joined(*same[:2])) == 1
    assert prediction_files.distinct_files(joined(table(ids[::-1], label, other[::-1]), table(ids, label, other))) == 1
    assert prediction_files.distinct_files(joined(same[0], table(ids, label, other))) == 2
    assert prediction_files.distinct_files(joined(table(ids, label, texts), table(ids, label, texts))) == 1
    assert prediction_files.distinct_files(joined(table(ids, label, texts), same[0])) == 2


def test_folds_are_one_table_that_knows_the_fold_of_each_row():
    found = joined(table([1, 2], [0, 1], [0, 0]), table([3], [1], [1]), model=FOLDS)
    assert found["id"].tolist() == [1, 2, 3]
    assert prediction_files.folds_of(found).tolist() == [0, 0, 1]
    assert prediction_files.folds_of({"id": [1]}) is None
    assert prediction_files.files_of(found) == 1


def test_folds_whose_labels_are_of_two_types_are_told_apart():
    found = joined(table([1], [0], [0]), table([2], ["yes"], ["no"]), model=FOLDS)
    assert found["label"].tolist() == [0, "yes"]


ROWS = st.lists(st.tuples(st.text("a+\\ ", max_size=3), st.text("a+\\ ", max_size=3)), min_size=2, max_size=6)


@given(ROWS)
def test_keys_of_several_columns_are_one_only_where_all_of_them_are(rows):
    found = prediction_files.composite([np.array(column, dtype=object) for column in zip(*rows, strict=True)]).tolist()
    assert len(set(found)) == len(set(rows))


def test_key_of_which_a_part_is_missing_is_none():
    found = prediction_files.composite([np.array(["a", None], dtype=object), np.array([1.0, np.nan])])
    assert found.tolist() == ["a + 1.0", None]


def test_keys_of_several_columns_are_read_as_a_reader_would():
    assert prediction_files.composite([np.array([7, 8]), np.array(["x", "y"])]).tolist() == ["7 + x", "8 + y"]
