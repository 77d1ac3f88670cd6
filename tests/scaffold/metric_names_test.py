"""Which way a metric is better, by its name."""

from __future__ import annotations

import pytest

from mlgit.scaffold import metric_names
from mlgit.statistics import estimators, metrics

# Better nearer to a value, which is neither more nor less of it.
_NEITHER = {"coverage", "calibration_slope", "calibration_intercept"}


def test_built_in_metric_is_drafted_with_its_direction():
    built_in = {each.name: each.better for each in estimators.ESTIMATORS}
    built_in |= {name: each.better for name, each in metrics.METRICS.items()}
    told = {name: metric_names.direction(name) for name in built_in if name not in _NEITHER}
    assert told == {name: better for name, better in built_in.items() if name not in _NEITHER}


@pytest.mark.parametrize(
    "name",
    ["nDCG@10", "ndcg_at_10", "P@5", "R@100", "recall@5%", "Success@1", "AP@10", "RR@10", "pass@5", "pass^8", "test.map@3"],
)
def test_metric_of_the_first_ones_is_higher(name):
    assert metric_names.direction(name) == "higher"


@pytest.mark.parametrize("name", ["mAP@50", "P", "R", "AP", "users@10", "loss_at_10", "at_k", "@10", "coverage"])
def test_name_that_can_mean_several_things_has_no_direction(name):
    assert metric_names.direction(name) == ""
