"""Many calls at a time: what is told while they take long, and when they are given up."""

from __future__ import annotations

import io
import threading

import pytest

from mlgit.adapters.system import transfers
from mlgit.adapters.system.transfers import Progress, StalledError
from mlgit.cli import remote_options


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("time.monotonic", made)
    return made


@pytest.fixture
def heard():
    """What is announced, and what is reported."""
    announced: list[str] = []
    reported: list[str] = []
    tokens = transfers.announce.set(announced.append), transfers.report.set(reported.append)
    yield announced, reported
    transfers.announce.reset(tokens[0])
    transfers.report.reset(tokens[1])


def taking(clock, seconds, size):
    def call(tick):
        clock.now += seconds
        tick(size)

    return call


def test_short_transfer_says_nothing(clock, heard):
    transfers.together({"a": taking(clock, 1, 5), "b": taking(clock, 1, 5)}, jobs=1, seconds=60, subject="the store")
    assert heard == ([], [])


def test_long_transfer_tells_how_far_it_is(clock, heard):
    calls = {name: taking(clock, 2, 3 << 20) for name in "abc"}
    assert transfers.together(calls, jobs=1, seconds=60, subject="the store") == dict.fromkeys("abc")
    announced, reported = heard
    assert announced == []
    assert reported[-2:] == ["the store: 3 of 3 objects, 9.0 MiB", ""]


def test_single_object_is_told_by_its_bytes(clock, heard):
    with Progress("the store", 1) as progress:
        clock.now += 4
        progress.tell()
        progress.moved += 1 << 19
        progress.tell()
    assert heard[1] == ["the store: 0.5 MiB", ""]


def test_silence_is_announced_once_and_then_given_up(clock, heard):
    over = threading.Event()

    def silent(tick):
        clock.now += 61
        over.wait(30)

    with pytest.raises(StalledError, match="no answer within 60 s"):
        transfers.together({"a": silent}, jobs=1, seconds=60, subject="the store")
    over.set()
    assert heard[0] == ["waiting for the store"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_line_changes_on_a_terminal_and_is_cleared(clock):
    stream = Terminal()
    line = remote_options.TransferLine(stream)
    line.show("1 of 2")
    line.show("not drawn so soon")
    clock.now += 1
    line.show("2 of 2")
    line.show("")
    assert stream.getvalue() == "\r\x1b[K1 of 2\r\x1b[K2 of 2\r\x1b[K"


def test_elsewhere_a_line_comes_now_and_then(clock):
    stream = io.StringIO()
    line = remote_options.TransferLine(stream)
    for second in range(25):
        clock.now = 100.0 + second
        line.show(f"{second}")
    line.show("")
    assert stream.getvalue() == "0\n10\n20\n"
