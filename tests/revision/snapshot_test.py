"""Values of one side: dotted names, types, labels."""

import datetime

import pytest

from mlgit.revision import values
from mlgit.revision.snapshot import Snapshot
from mlgit.revision.values import flatten, metric_values, parameter_values, settled


def test_nested_names_are_joined_by_dots():
    assert dict(flatten({"a": {"b": 1, "c": {"d": 2}}, 3: 4})) == {"a.b": 1, "a.c.d": 2, "3": 4}


def test_metrics_are_numbers_texts_and_truth_values_as_in_dvc():
    document = {"auc": 0.5, "n": 3, "ok": True, "model": "logit", "curve": [1, 2], "none": None, "deep": {"x": {}}}
    assert metric_values(document) == {"auc": 0.5, "n": 3, "ok": True, "model": "logit"}


def test_metrics_file_with_a_bare_number_has_one_metric_without_name():
    assert metric_values(0.5) == {"": 0.5}


def test_parameters_are_all_of_a_file_or_those_below_the_keys():
    document = {"train": {"depth": 3, "layers": (1, 2)}, "seed": None, "empty": {}}
    assert parameter_values(document, ()) == {"train.depth": 3, "train.layers": [1, 2], "seed": None, "empty": {}}
    assert parameter_values(document, ("train", "seed", "missing")) == {"train.depth": 3, "train.layers": [1, 2], "seed": None}


def test_nan_is_a_value_like_others():
    document = {"a": float("nan"), "b": {"c": float("nan"), "d": [float("nan")]}}
    assert [str(value) for value in metric_values(document).values()] == ["nan", "nan"]
    assert list(parameter_values(document, ())) == ["a", "b.c", "b.d"]


def test_file_without_mapping_has_no_parameters():
    assert parameter_values([1, 2], ()) == {}
    assert parameter_values({}, ()) == {}


def test_file_with_too_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(values, "MAX_VALUES", 3)
    with pytest.raises(ValueError, match="more than 3 values"):
        metric_values({"a": {"b": [], "c": None}, "d": 1, "e": 2})


def test_two_values_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"two values are called 'a\.b'"):
        metric_values({"a": {"b": 1}, "a.b": 2})
    assert parameter_values({"a": {"b": 1}}, ("a", "a.b")) == {"a.b": 1}


def test_values_without_a_json_type_become_text():
    when = datetime.date(2024, 1, 2)
    assert settled({1: (when, {2}, None)}) == {"1": ["2024-01-02", ["2"], None]}
    assert settled(1 << 20000).startswith("0x1000")


def test_label_says_name_and_commit():
    commit = "a1b2c3d" + "0" * 33
    assert Snapshot("main", commit).label == "main (a1b2c3d)"
    assert Snapshot("a1b2", commit).label == "a1b2c3d"
    assert Snapshot("workspace").label == "workspace"
    assert [Snapshot(name, commit).short for name in ("main", "a1b2", "merge base with main")] == ["main", "a1b2c3d", "a1b2c3d"]
