"""Tables of trials: order, columns, and which trials are best."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import comparison, pareto
from mlgit.experiments.comparison import TableView
from mlgit.experiments.trial import Trial, TrialFacts

BASE = Trial("main (base)", "b", "finished", commit="b", params={"lr": 0.1, "depth": 3}, metrics={"auc": 0.8, "loss": 0.5})


def made(name, *, auc=None, lr=0.1, facts=None, **more):
    metrics = {} if auc is None else {"auc": auc, "loss": 0.5}
    return Trial(
        name, "b", "finished", commit=name, params={"lr": lr, "depth": 3}, metrics=metrics, facts=facts or TrialFacts(), **more
    )


TRIALS = [made("one", auc=0.7, lr=0.2), made("two", auc=0.9, lr=0.3), made("lost"), made("nan", auc=math.nan)]


def compare(trials=TRIALS, baselines=(BASE,), directions=None, **view):
    known = {"auc": "higher"} if directions is None else directions
    return comparison.compare(trials, baselines, view=TableView(**view), directions=known.get)


def names(found):
    return [each.name for each in found.trials]


def test_declared_metric_orders_and_what_is_missing_or_no_number_comes_last():
    found = compare()
    assert names(found) == ["two", "one", "lost", "nan"]
    assert found.best.name == "two"
    assert found.rows[0].is_baseline


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ({"sort": "lr"}, ["lost", "nan", "one", "two"]),
        ({"sort": "-lr"}, ["two", "one", "lost", "nan"]),
        ({"sort": "lr", "order": "desc"}, ["two", "one", "lost", "nan"]),
        ({"sort": "-auc"}, ["two", "one", "lost", "nan"]),
        ({"sort": "auc", "order": "asc"}, ["one", "two", "lost", "nan"]),
        ({"sort": "name"}, ["lost", "nan", "one", "two"]),
        ({"sort": "-name"}, ["two", "one", "nan", "lost"]),
        ({"objective": "auc"}, ["two", "one", "lost", "nan"]),
    ],
)
def test_order_that_is_asked_for(view, expected):
    assert names(compare(**view)) == expected


def test_the_wrong_end_of_a_metric_is_not_called_best():
    assert compare(sort="auc", order="asc").best is None


def test_trial_that_runs_or_failed_is_not_yet_called_best():
    found = compare(
        [*TRIALS, Trial("runs", "b", "running", metrics={"auc": 0.99}), Trial("bad", "b", "failed", metrics={"auc": 1})]
    )
    assert names(found)[:3] == ["bad", "runs", "two"]
    assert found.best.name == "two"
    assert compare([made("lost"), made("nan", auc=math.nan)]).best is None


def test_two_declared_metrics_order_nothing_but_mark_the_front():
    found = compare(directions={"auc": "higher", "loss": "lower"})
    assert names(found) == ["one", "two", "lost", "nan"]
    assert found.best is None
    assert [row.trial.name for row in found.rows if row.is_on_front] == ["two"]


def test_objective_of_the_search_orders_where_nothing_is_declared():
    facts = TrialFacts(objective="loss", direction="lower")
    trials = [
        Trial(name, "b", "finished", metrics={"loss": loss}, facts=facts) for name, loss in (("a", 3), ("b", 1), ("c", 2))
    ]
    found = compare(trials, directions={})
    assert (names(found), found.objective) == (["b", "c", "a"], "loss")


def test_metric_without_a_direction_is_refused_as_objective():
    with pytest.raises(MlgitError, match="nothing says which way loss is better") as refused:
        compare(objective="loss")
    assert "direction: higher" in refused.value.hint


def test_equal_columns_are_hidden_and_named():
    found = compare()
    assert [each.name for each in found.columns] == ["auc", "loss", "lr"]
    assert [each.name for each in found.same] == ["depth"]
    assert [each.name for each in compare(everything=True).columns] == ["auc", "loss", "lr", "depth"]


def test_columns_are_chosen_by_patterns():
    assert [each.name for each in compare(only=("d*", "auc")).columns] == ["auc", "depth"]
    assert [each.name for each in compare(drop=("l*",), everything=True).columns] == ["auc", "depth"]
    with pytest.raises(MlgitError, match=r"--only: no column is called 'dept', did you mean 'depth'\?"):
        compare(only=("dept",))


def test_name_of_a_metric_and_a_parameter_has_to_say_which():
    trials = [Trial("a", "b", "finished", metrics={"x": 1}, params={"x": 2}), Trial("b", "b", "finished", metrics={"x": 3})]
    assert names(compare(trials, (), sort="-metric:x")) == ["b", "a"]
    assert names(compare(trials, (), sort="param:x")) == ["a", "b"]
    with pytest.raises(MlgitError, match="'x' is a metric and a parameter"):
        compare(trials, (), sort="x")


def test_trials_are_filtered_by_condition_search_and_state():
    assert names(compare(condition="auc>0.8")) == ["two"]
    searched = [*TRIALS, made("of", facts=TrialFacts(sweep="s"))]
    assert names(compare(searched, sweep="s")) == ["of"]
    assert names(compare([*TRIALS, Trial("bad", "b", "failed")], status="failed")) == ["bad"]
    assert compare(condition="auc>0.8").n_filtered == 3


def test_top_cuts_and_counts_the_rest():
    found = compare(top=1)
    assert (names(found), found.n_left_out) == (["two"], 3)


def test_trials_stand_below_their_own_baseline():
    other = Trial("next", "c", "finished", commit="c")
    found = compare([made("one", auc=0.7), Trial("three", "c", "finished", metrics={"auc": 0.95})], (BASE, other))
    assert [row.trial.name for row in found.rows] == ["main (base)", "one", "next", "three"]
    assert found.best.name == "three"


def test_front_is_what_no_other_point_beats():
    rng = random.Random(3)
    for _ in range(200):
        points = [(number, tuple(rng.randrange(4) for _ in range(3))) for number in range(12)]
        beaten = {
            one
            for (one, mine), (_, its) in itertools.product(points, points)
            if mine != its and all(x <= y for x, y in zip(mine, its, strict=True))
        }
        assert set(pareto.front(points)) == {name for name, _ in points} - beaten


def test_numbers_beyond_all_floats_are_ordered_and_marked():
    trials = [Trial(str(size), "b", "finished", metrics={"auc": size, "loss": 1}) for size in (2**1024 - 1, 1, -(2**1024) + 1)]
    found = compare(trials, directions={"auc": "higher", "loss": "lower"}, sort="auc")
    assert found.trials == tuple(trials)
    assert [row.trial for row in found.rows if row.is_on_front] == [trials[0]]
