from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.dask import messages
from mlgit.executors.dask.batches import MOST, Pace, cut
from mlgit.executors.dask.messages import Answer


def test_nothing_is_batched_before_something_is_known():
    assert Pace().size() == 1


@pytest.mark.parametrize(("seconds", "size"), [(0.002, 50), (0.01, 10), (0.02, 5), (0.2, 1), (60.0, 1), (0.0, MOST)])
def test_short_tasks_make_large_batches(seconds, size):
    pace = Pace()
    pace.note(seconds)
    assert pace.size() == pytest.approx(size, abs=1)


def test_slow_handing_in_makes_larger_batches_of_tasks_that_are_not_so_short():
    pace = Pace()
    for _ in range(60):
        pace.note(0.05, handing=0.1)
    assert pace.size() == pytest.approx(0.4 / 0.05, abs=1)
    for _ in range(60):
        pace.note(0.05, handing=5.0)
    assert pace.span() == 1.0


def test_pace_follows_what_tasks_take_now():
    pace = Pace()
    for seconds in [0.001] * 20 + [5.0] * 20:
        pace.note(seconds)
    assert pace.size() == 1
    assert pace.is_long()


@given(st.integers(0, 500), st.integers(1, 50), st.integers(-3, 40))
def test_batches_are_equal_shares_within_room_and_size(count, most, room):
    sizes = cut(count, most=most, room=room)
    assert len(sizes) <= max(0, room)
    assert all(0 < size <= most for size in sizes)
    assert sum(sizes) == min(count, most * max(0, room))
    assert not sizes or max(sizes) - min(sizes) < max(sizes)


def test_answer_survives_the_way_as_plain_values():
    answer = Answer(
        "a", 1, 0.5, "cmd", True, b"log", {"x": ("m", 1, None, False), "y": None}, {"x": {"": (b"1", True)}}, ("z",), ("m", "h")
    )
    row = messages.to_row(answer)
    row[6] = {"x": ["m", 1, None, False], "y": None}
    row[8], row[9] = ["z"], ["m", "h"]
    assert messages.from_row(row) == answer


def test_without_the_extra_the_command_to_type_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MlgitError, match="needs Dask") as caught:
        table.make("dask", jobs=1, project=object())
    assert "pip install 'mlgit[dask]'" in caught.value.hint


def test_scheduler_without_dask_is_a_mistake(tmp_path, cli):
    done = cli(tmp_path, "run", "--scheduler", "tcp://127.0.0.1:1")
    assert done.code == 2
    assert "--scheduler goes with --executor dask" in done.err
