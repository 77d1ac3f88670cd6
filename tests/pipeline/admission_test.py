"""Stages of runs beside each other: who waits, and when the next may have what was made."""

from __future__ import annotations

import pytest

from mlgit.errors import MlgitError
from mlgit.executors.protocol import Outcome
from mlgit.pipeline.admission import AdmittedExecutor, AdmittedKeeper
from mlgit.pipeline.scheduler import Later, Restored, Start
from tests.pipeline.fakes import World, pipeline, stage


class Door:
    """Admits when told so, and keeps a diary."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.diary = []

    def ask(self, name, *, key, wanted, again):
        self.diary.append(f"ask {name} {key}" + " again" * again)
        return self.answers.pop(0)

    def ended(self, name):
        self.diary.append(f"ended {name}")

    def recorded(self, key):
        self.diary.append(f"recorded {key}")


class Keyed(World):
    """A world whose results have keys; `made` are those that another run has made meanwhile."""

    made = frozenset()

    def begin(self, stage, *, force):
        return Restored(()) if stage.name in self.made else super().begin(stage, force=force)

    def run_key(self, stage):
        return f"key-{stage.name}"


def test_stage_that_is_refused_is_asked_again_later():
    world, door = Keyed(), Door(False, True)
    keeper = AdmittedKeeper(world, door)
    assert isinstance(keeper.begin(stage("a"), force=False), Later)
    assert isinstance(keeper.begin(stage("a"), force=False), Start)
    assert door.diary == ["ask a key-a", "ask a key-a again"]


def test_who_waits_long_asks_less_often():
    keeper = AdmittedKeeper(Keyed(), Door(*[False] * 20))
    pauses = [keeper.begin(stage("a"), force=False).seconds for _ in range(20)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.01, 0.05)


def test_result_that_another_made_meanwhile_is_restored():
    world, door = Keyed(), Door(False, True)
    keeper = AdmittedKeeper(world, door)
    keeper.begin(stage("a"), force=False)
    world.made = {"a"}
    assert isinstance(keeper.begin(stage("a"), force=False), Restored)
    assert door.diary[2:] == ["ended a", "recorded key-a"]


def test_key_is_held_until_the_result_is_recorded():
    world, door = Keyed(), Door(True)
    keeper = AdmittedKeeper(world, door)
    keeper.begin(stage("a"), force=False)
    keeper.ended("a", has_failed=False)
    keeper.finish(stage("a"))
    assert door.diary[1:] == ["ended a"]
    keeper.record()
    assert door.diary[1:] == ["ended a", "recorded key-a"]


def test_failed_command_and_one_that_could_not_begin_hold_nothing():
    world, door = Keyed(), Door(True, False, True)
    keeper = AdmittedKeeper(world, door)
    keeper.begin(stage("a"), force=False)
    executor = AdmittedExecutor(world, keeper)
    world.wait = lambda timeout=None: [Outcome("a", 1, 0.0)]
    executor.wait()
    assert door.diary[1:] == ["ended a", "recorded key-a"]
    keeper.begin(stage("b"), force=False)
    world.broken = {"b"}
    with pytest.raises(MlgitError):
        keeper.begin(stage("b"), force=False)
    assert door.diary[-2:] == ["ended b", "recorded key-b"]


def test_forced_stage_shares_with_nobody():
    world, door = Keyed(), Door(True)
    AdmittedKeeper(world, door).begin(stage("a"), force=True)
    assert door.diary == ["ask a "]


class Hesitant(World):
    """A world in which a stage may not start the first three times."""

    refused = 0

    def begin(self, stage, *, force):
        if stage.name == "b" and self.refused < 3:
            self.refused += 1
            return Later(0.5)
        return super().begin(stage, force=force)


def test_scheduler_asks_again_and_goes_on_with_others_meanwhile():
    world = Hesitant(slots=1)
    assert world.run(pipeline({"b": [], "a": [], "c": ["b"]})) == dict.fromkeys("bac", "ran")
    assert (world.starts()[0], world.refused) == ("a", 3)
