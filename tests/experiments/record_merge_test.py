from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlgit.experiments import record_merge

KEYS = st.sampled_from("abc")
LISTS = st.lists(st.integers(0, 3), max_size=3, unique=True)
VALUES = st.none() | st.integers(0, 3) | LISTS | st.dictionaries(KEYS, st.integers(0, 3))
RECORDS = st.dictionaries(KEYS, VALUES)


@given(RECORDS, RECORDS)
def test_what_one_side_changed_counts(base, changed):
    assert record_merge.merge(base, changed, base) == changed
    assert record_merge.merge(base, base, changed) == changed


@given(RECORDS, RECORDS)
def test_the_same_on_both_sides_stays(base, both):
    assert record_merge.merge(base, both, both) == both
    assert record_merge.merge({}, both, both) == both


@given(RECORDS, RECORDS, RECORDS)
def test_nothing_comes_from_nowhere(base, older, newer):
    assert record_merge.merge(base, older, newer).keys() <= older.keys() | newer.keys()


def test_where_both_changed_the_newer_side_counts():
    found = record_merge.merge({"name": "a", "tags": {"x": "1"}}, {"name": "b", "tags": {}}, {"name": "c", "tags": {"x": "2"}})
    assert found == {"name": "c", "tags": {"x": "2"}}


def test_tag_that_one_side_took_away_stays_away():
    base = {"tags": {"x": "1", "y": "1"}}
    assert record_merge.merge(base, {"tags": {"y": "1"}}, {"tags": {"x": "1", "y": "2"}}) == {"tags": {"y": "2"}}


def test_lists_have_what_either_added_without_what_either_took_away():
    base = {"models": ["a", "b"]}
    assert record_merge.merge(base, {"models": ["b", "c"]}, {"models": ["a", "b", "d"]}) == {"models": ["b", "c", "d"]}


def test_latest_point_of_a_metric_counts_whichever_side_logged_it():
    older, newer = {"metrics": {"loss": [0.1, 5, 9], "acc": [0.5, 1, 1]}}, {"metrics": {"loss": [0.2, 7, 8]}}
    assert record_merge.merge({}, older, newer)["metrics"] == {"loss": [0.1, 5, 9], "acc": [0.5, 1, 1]}
    assert record_merge.merge({}, newer, older)["metrics"] == {"loss": [0.1, 5, 9], "acc": [0.5, 1, 1]}
    assert record_merge.merge({}, {"metrics": {"x": ["NaN", 1, 1]}}, {"metrics": {"x": [0.5, 1, 1]}})["metrics"]["x"][0] == 0.5


def test_points_of_models_are_told_apart_by_key_model_and_dataset():
    rows = [["acc", 0.5, 1, 1, "m-1", "d", ""], ["acc", 0.6, 2, 2, "m-1", "d", ""], ["acc", 0.7, 1, 1, "m-2", "d", ""]]
    found = record_merge.merge({}, {"model_metrics": rows[:1]}, {"model_metrics": rows[1:]})
    assert found == {"model_metrics": rows[1:]}


def test_lines_of_both_are_there_once():
    assert record_merge.lines(b"a\nb\n", b"b\nc\n") == b"a\nb\nc\n"
