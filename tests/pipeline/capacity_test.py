"""Room for stages: mutexes and shared resources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.pipeline import stage_options
from mlgit.pipeline.capacity import Capacity
from mlgit.pipeline.stage_options import Control


@given(rows=st.lists(st.dictionaries(st.sampled_from(["cpus", "memory"]), st.floats(0, 10), max_size=2), max_size=6))
def test_what_was_taken_and_given_back_leaves_all_free(rows):
    room = Capacity({"cpus": 4.0, "memory": 8.0})
    for resources in rows:
        room.take(Control(resources=resources))
    for resources in rows:
        room.give(Control(resources=resources))
    assert all(abs(used) < 1e-9 for used in room.used.values())


def test_stage_that_asks_for_nothing_always_fits():
    room = Capacity({"cpus": 1.0})
    room.take(Control(mutex=frozenset("a"), resources={"cpus": 9.0}))
    assert room.fits(stage_options.PLAIN)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("250ms", 0.25), ("1d", 86400), (3, 3)]
)
def test_durations_have_units(text, seconds):
    assert stage_options.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "number"), [("4G", 4 * 2**30), ("512M", 512 * 2**20), ("1.5KiB", 1536), ("2GB", 2**31), ("3", 3), (2, 2)]
)
def test_amounts_have_units(text, number):
    assert stage_options.amount(text) == number


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"timeout": "soon"}, r"dvc\.yaml: stages\.train\.meta\.mlgit\.timeout"),
        ({"timeot": 5}, "unknown key, did you mean 'timeout'"),
        ({"retries": -1}, r"meta\.mlgit\.retries"),
        ({"retries": 1.5}, r"meta\.mlgit\.retries"),
        ({"mutex": 5}, r"meta\.mlgit\.mutex"),
        ({"resources": {"memory": "lots"}}, r"meta\.mlgit\.resources\.memory"),
        ({"env": {"A B": "x"}}, r"meta\.mlgit\.env"),
        ([], r"meta\.mlgit"),
    ],
)
def test_setting_that_means_nothing_is_refused_by_place(meta, message):
    with pytest.raises(MlgitError, match=message):
        stage_options.parse({"mlgit": meta}, name="dvc.yaml", stage="train")


@pytest.mark.parametrize("text", ["gpus", "gpus=", "=2", "gpus=many", "a b=2", "gpus=2;cpus=1"])
def test_total_of_another_form_is_refused(text):
    with pytest.raises(MlgitError, match="--resources"):
        stage_options.parse_resources((text,))


def test_totals_can_be_given_together_or_apart():
    assert stage_options.parse_resources(("gpus=2,cpus=8", "memory=1K")) == {"gpus": 2, "cpus": 8, "memory": 1024}


def test_more_than_there_is_can_never_run():
    with pytest.raises(MlgitError, match="the stage wants 3, there is 1"):
        stage_options.refuse_impossible({"gpus": 3}, {"gpus": 1}, where="dvc.yaml: stages.a")


def test_more_processors_than_there_are_is_fine():
    stage_options.refuse_impossible({"cpus": 64}, {"cpus": 2}, where="dvc.yaml: stages.a")


def test_meta_is_checked_when_a_stage_is_read_and_not_again():
    meta = {"mlgit": {"timeout": "90s", "mutex": "gpu"}}
    assert stage_options.of(meta) == stage_options.parse(meta, name="dvc.yaml", stage="train")
    assert stage_options.of({"mlgit": {"unknown": 1}}) == stage_options.PLAIN
    assert stage_options.of({}) is stage_options.PLAIN
