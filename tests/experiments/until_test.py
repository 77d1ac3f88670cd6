"""When a search has found enough."""

from __future__ import annotations

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import until


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("auc>=0.9", 0.9, True),
        ("auc>0.9", 0.9, False),
        ("auc > 0.9", 0.91, True),
        ("auc<=1e-3", 0.001, True),
        ("auc < -2", -2, False),
        ("auc>=0.9", float("inf"), True),
        ("auc>=0.9", float("nan"), False),
        ("auc>=0.9", "1", False),
        ("auc>=0.9", True, False),
        ("auc>=0.9", None, False),
    ],
)
def test_bound_holds_for_a_number_on_its_side(text, value, holds):
    assert until.parse(text).holds({"auc": value, "loss": 100}) is holds


def test_metric_may_be_named_by_its_last_part_where_one_alone_is_called_so():
    bound = until.parse("auc>=0.9")
    assert bound.holds({"eval.auc": 0.9, "loss": 1})
    assert bound.holds({"eval.json:auc": 0.9})
    assert not bound.holds({"eval.auc": 0.9, "train.auc": 0.9})


def test_all_bounds_have_to_hold():
    both = until.parse("auc>=0.9 and test/log loss<0.2")
    assert both.holds({"auc": 0.95, "test/log loss": 0.1})
    assert not both.holds({"auc": 0.95, "test/log loss": 0.3})
    assert not both.holds({"auc": 0.95})


@pytest.mark.parametrize(
    "text", ["", "auc", "auc=0.9", "auc==0.9", "0.9<auc<1", "auc>=", ">=0.9", "auc>=high", "auc>=nan", "auc>=inf", "auc>=1 and"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(MlgitError) as refused:
        until.parse(text)
    assert refused.value.message.startswith("--until: ")
    assert "--until" in refused.value.hint


def test_long_text_is_refused():
    with pytest.raises(MlgitError, match="at most 1,000 are read"):
        until.parse("a and " * 1000)
