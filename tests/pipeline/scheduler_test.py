"""The scheduler: what runs when, beside what, and what is left after a failure or an interrupt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.fakes import World, pipeline

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


@st.composite
def graphs(draw):
    """Names with the names before them that they need."""
    size = draw(st.integers(1, 9))
    return {
        f"s{i}": draw(st.lists(st.sampled_from([f"s{j}" for j in range(i)]), unique=True) if i else st.just([]))
        for i in range(size)
    }


def test_stage_starts_after_what_it_needs_has_ended():
    world = World()
    assert world.run(pipeline(DIAMOND)) == dict.fromkeys("abcd", "ran")
    assert world.starts()[0] == "a"
    assert world.starts()[-1] == "d"


def test_independent_stages_run_at_once():
    world = World(slots=2)
    world.run(pipeline(DIAMOND))
    assert (world.most, world.now) == (2, 3.0)


def test_one_slot_means_one_after_the_other():
    world = World(slots=1)
    world.run(pipeline(DIAMOND))
    assert (world.most, world.now) == (1, 4.0)


def test_longest_chain_goes_first():
    world = World(slots=1)
    world.run(pipeline({"short": [], "long": [], "after": ["long"]}))
    assert world.starts()[0] == "long"


def test_known_durations_decide_about_the_longest_chain():
    world = World(slots=1)
    world.run(pipeline({"slow": [], "quick": [], "after": ["quick"]}), known={"slow": 60.0})
    assert world.starts()[0] == "slow"


def test_equally_long_chains_go_in_the_order_of_the_file():
    world = World(slots=1)
    world.run(pipeline({"z": [], "m": [], "a": []}))
    assert world.starts() == ["z", "m", "a"]


def test_only_what_a_target_needs_is_run():
    world = World()
    assert world.run(pipeline(DIAMOND), ["b"]) == {"a": "ran", "b": "ran"}


def test_results_stand_in_running_order_whatever_ends_first():
    world = World(slots=3, seconds={"slow": 9.0})
    assert list(world.run(pipeline({"slow": [], "quick": [], "last": ["quick"]}))) == ["slow", "quick", "last"]


def test_unchanged_stage_is_not_started():
    world = World(current={"a"})
    assert world.run(pipeline(CHAIN)) == {"a": "unchanged", "b": "ran", "c": "ran"}


def test_force_reaches_every_stage():
    world = World(current={"a", "b", "c"})
    assert world.run(pipeline(CHAIN), force=True) == dict.fromkeys("abc", "ran")


def test_failure_starts_nothing_new():
    world = World(slots=1, codes={"a": [1]})
    assert world.run(pipeline({"a": [], "b": []})) == {"a": "failed", "b": "skipped"}


def test_failure_still_takes_in_what_runs():
    world = World(seconds={"slow": 5.0}, codes={"bad": [3]})
    assert world.run(pipeline({"bad": [], "slow": [], "after": ["slow"]})) == {
        "bad": "failed",
        "slow": "ran",
        "after": "skipped",
    }
    assert world.on_disk == ["slow"]


def test_keep_going_skips_only_what_needs_the_failed_stage():
    world = World(codes={"b": [1]})
    states = world.run(pipeline({**DIAMOND, "e": ["d"], "f": ["c"]}), keep_going=True)
    assert states == {"a": "ran", "b": "failed", "c": "ran", "d": "skipped", "e": "skipped", "f": "ran"}


def test_stage_that_cannot_begin_counts_as_failed():
    world = World(broken={"a"})
    assert world.run(pipeline({"a": [], "b": ["a"], "c": []}), keep_going=True) == {"a": "failed", "b": "skipped", "c": "ran"}


def test_stage_whose_command_could_not_be_started_is_not_retried():
    world = World(unstartable={"a"})
    assert world.run(pipeline({"a": [], "b": []}, a={"retries": 3}), keep_going=True) == {"a": "failed", "b": "ran"}
    assert not [line for line in world.diary if line.startswith("retry")]


def test_stage_that_did_not_make_its_output_counts_as_failed():
    world = World(unmade={"a"})
    assert world.run(pipeline(CHAIN)) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert world.on_disk == []


def test_stage_is_reported_only_after_it_is_on_disk():
    world = World()
    world.run(pipeline(DIAMOND))  # the reporter asserts it
    assert [line for line in world.diary if line.startswith("ran")] == ["ran a", "ran b", "ran c", "ran d"]


def test_next_stage_starts_before_the_last_is_recorded():
    world = World()
    world.run(pipeline(CHAIN))
    assert world.recorded == [("a", 2), ("b", 3), ("c", 3)]


def test_many_short_stages_share_a_flush():
    stages = {f"s{i}": [] for i in range(50)}
    world = World(slots=1, seconds=dict.fromkeys(stages, 0.01))
    world.run(pipeline(stages))
    assert world.diary.count("flush") < 10


def test_flush_that_takes_long_takes_a_small_share_of_the_time():
    stages = {f"s{i}": [] for i in range(200)}
    world = World(slots=1, seconds=dict.fromkeys(stages, 0.05), flush_takes=0.05)
    world.run(pipeline(stages))
    assert 5 < world.diary.count("flush") < 15


def test_interrupt_stops_the_executor_and_keeps_what_is_done():
    world = World(slots=1, interrupt_at=1.5)
    with pytest.raises(KeyboardInterrupt):
        world.run(pipeline(CHAIN))
    assert world.on_disk == ["a"]
    assert world.diary[-3:] in (["stop", "flush", "ran a"], ["start b", "stop", "flush"])


def test_executor_is_stopped_after_a_good_run_too():
    world = World()
    world.run(pipeline(CHAIN))
    assert world.stopped


def test_empty_plan_is_no_work():
    assert World().run(pipeline({})) == {}


def test_failed_stage_is_retried_as_often_as_it_asked_for():
    world = World(codes={"a": [1, 1, 0]})
    assert world.run(pipeline(CHAIN, a={"retries": 2, "retry_delay": 3})) == dict.fromkeys("abc", "ran")
    assert [line for line in world.diary if line.startswith("retry")] == ["retry a 1 3", "retry a 2 6"]


def test_retried_stage_waits_for_its_delay():
    world = World(codes={"a": [1]})
    world.run(pipeline({"a": []}, a={"retries": 1, "retry_delay": 7}))
    assert world.now == 9.0


def test_retry_runs_whatever_the_caches_say():
    world = World(codes={"a": [1]})
    world.run(pipeline({"a": []}, a={"retries": 1}))
    assert world.forced["a"]


def test_stage_that_fails_on_every_attempt_is_failed():
    world = World(codes={"a": [1, 1]})
    assert world.run(pipeline(CHAIN, a={"retries": 1}))["a"] == "failed"


def test_stage_that_waits_for_its_retry_when_another_fails_is_failed():
    world = World(codes={"a": [1], "b": [1]}, seconds={"b": 2.0})
    assert world.run(pipeline({"a": [], "b": []}, a={"retries": 1, "retry_delay": 60})) == {"a": "failed", "b": "failed"}


def test_waiting_for_a_retry_is_not_a_busy_loop():
    world = World(codes={"a": [1]})
    world.run(pipeline({"a": []}, a={"retries": 1, "retry_delay": 60}))
    assert world.ticks < 400


def test_stages_of_one_mutex_never_run_at_once():
    gpu = {"mutex": "gpu0"}
    world = World(slots=3)
    world.run(pipeline({"a": [], "b": [], "c": []}, a=gpu, b=gpu))
    assert world.now == 2.0


def test_shared_resource_is_never_overdrawn():
    wanted = {"resources": {"memory": "6G"}}
    world = World(slots=4)
    world.run(pipeline({"a": [], "b": [], "c": []}, a=wanted, b=wanted, c=wanted), totals={"memory": 12 * 2**30})
    assert (world.most, world.now) == (2, 2.0)


def test_stage_that_wants_more_processors_than_there_are_runs_alone():
    world = World(slots=4)
    world.run(pipeline({"a": [], "b": []}, a={"resources": {"cpus": 64}}, b={"resources": {"cpus": 1}}), totals={"cpus": 2})
    assert (world.most, world.now) == (1, 2.0)


def test_small_stage_overtakes_one_that_has_no_room_yet():
    world = World(slots=2, seconds={"a": 5.0})
    big = {"resources": {"memory": 8}}
    world.run(pipeline({"a": [], "b": [], "c": []}, a=big, b=big), totals={"memory": 8})
    assert world.starts() == ["a", "c", "b"]


@given(needs=graphs(), slots=st.integers(1, 4), data=st.data())
def test_every_stage_runs_once_and_after_its_needs(needs, slots, data):
    seconds = {name: data.draw(st.sampled_from([0.0, 0.05, 1.0, 3.0])) for name in needs}
    world = World(slots=slots, seconds=seconds)
    assert world.run(pipeline(needs)) == dict.fromkeys(world.starts(), "ran")
    starts = world.starts()
    assert sorted(starts) == sorted(needs)
    assert all(starts.index(before) < starts.index(name) for name, each in needs.items() for before in each)


@given(needs=graphs(), slots=st.integers(1, 4), data=st.data())
def test_keep_going_runs_exactly_what_needs_no_failed_stage(needs, slots, data):
    failing = set(data.draw(st.lists(st.sampled_from(sorted(needs)), max_size=2, unique=True)))
    lost: set[str] = set()
    for name, each in needs.items():
        lost |= {name} if lost & set(each) or failing & set(each) else set()
    world = World(slots=slots, codes={name: [1] for name in failing})
    states = world.run(pipeline(needs), keep_going=True)
    assert {name for name, state in states.items() if state == "skipped"} == lost
    assert {name for name, state in states.items() if state == "failed"} == failing - lost
    assert set(states) == set(needs)


@given(needs=graphs(), slots=st.integers(1, 4), data=st.data())
def test_whatever_fails_all_that_finished_is_on_disk(needs, slots, data):
    failing = data.draw(st.sampled_from(sorted(needs)))
    world = World(slots=slots, codes={failing: [2]})
    states = world.run(pipeline(needs))
    assert sorted(world.on_disk) == sorted(name for name, state in states.items() if state == "ran")
    assert states[failing] == "failed"
