"""What is to be expected of a run."""

from __future__ import annotations

import pytest

from mlgit.pipeline.forecast import Forecast, Left, may_overlap
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import plan

# a -> b -> d, a -> c -> d
NEEDS = ((), (0,), (0,), (1, 2))
GRAPH = Graph(tuple(Stage(name, "dvc.yaml", cmd="true") for name in "abcd"), NEEDS, ((1, 2), (3,), (3,), ()))
TOOK = {"a": 10.0, "b": 20.0, "c": 5.0, "d": 1.0}


def forecast(took=TOOK, *, slots=2, chosen=range(4)):
    return Forecast(plan(GRAPH, chosen, seconds=took), seconds=took, slots=slots)


def test_longest_chain_is_what_is_left_where_there_is_room_for_all():
    assert forecast().left({}) == Left(31.0, 0)


def test_one_slot_takes_all_of_the_work():
    assert forecast(slots=1).left({"a": 4.0}) == Left(32.0, 0)


def test_what_ended_is_no_longer_left_and_what_runs_over_its_time_ends_now():
    found = forecast()
    found.ended("a")
    assert found.left({"b": 50.0, "c": 1.0}) == Left(5.0, 0)


def test_stages_that_never_ran_are_counted():
    assert forecast({"a": 10.0}).left({}) == Left(10.0, 3)


@pytest.mark.parametrize(
    ("numbers", "slots", "answer"),
    [({1, 2}, 2, True), ({1, 2}, 1, False), ({0, 1, 3}, 2, False), ({0}, 2, False), (set(), 2, False)],
)
def test_stages_overlap_unless_they_stand_in_one_chain(numbers, slots, answer):
    assert may_overlap(GRAPH, numbers, slots=slots) is answer
