"""The end of the prediction log."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from mlgit.serving.log_tail import LogTail
from mlgit.serving.log_writer import PredictionLog
from tests.serving.written_logs import HEADER, NOON, line

OTHER = replace(HEADER, version="v2.0.0")


class Served:
    """A log that is being written, a request a minute from noon on."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.now = NOON
        self.log = PredictionLog(folder, clock=lambda: self.now)

    def answer(self, *ids, header=HEADER, **more):
        for request_id in ids:
            self.log.append(header, [line(request_id, seconds=self.now, header=header, **more)])
            self.now += 60


@pytest.fixture
def served(tmp_path):
    return Served(tmp_path / "logs")


def ids(found):
    return [each.id for each in found]


@pytest.mark.parametrize("count", [0, 1, 3, 200, 1000])
def test_last_requests_are_told_oldest_first_over_hours_and_versions(served, count):
    names = [f"{number}" for number in range(300)]
    for number, name in enumerate(names):
        served.answer(name, header=OTHER if number % 3 else HEADER)
    assert ids(LogTail([served.folder]).last(count)) == (names[-count:] if count else [])


def test_long_lines_are_read_whole(served):
    served.answer("a", "b", "c", inputs=[["x" * 200_000, 1]])
    assert ids(LogTail([served.folder]).last(2)) == ["b", "c"]


def test_what_comes_is_told_once(served):
    served.answer("a", "b")
    tail = LogTail([served.folder])
    assert tail.new() == []
    served.answer("c", "d", header=OTHER)
    assert ids(tail.new()) == ["c", "d"]
    assert tail.new() == []
    served.now += 7200
    served.answer("e")
    served.answer("f", header=OTHER)
    assert ids(tail.new()) == ["e", "f"]


def test_what_comes_while_the_last_are_told_is_not_passed_over(served):
    served.answer("a")
    tail = LogTail([served.folder])
    served.answer("b")
    assert ids(tail.last(10)) == ["a"]
    assert ids(tail.new()) == ["b"]


def test_half_a_line_waits_for_its_other_half(served):
    served.answer("a")
    [path] = served.folder.rglob("*.jsonl")
    whole = line("b")
    with path.open("ab", buffering=0) as stream:
        stream.write(whole[:40])
        tail = LogTail([served.folder])
        assert ids(tail.last(5)) == ["a"]
        stream.write(whole[40:80])
        assert tail.new() == []
        stream.write(whole[80:])
        assert ids(tail.new()) == ["b"]


def test_log_that_is_not_there_yet_is_waited_for(served):
    tail = LogTail([served.folder])
    assert (tail.last(5), tail.new()) == ([], [])
    served.answer("a")
    assert ids(tail.new()) == ["a"]


def test_lines_that_were_taken_back_are_no_fault(served):
    served.answer("a", "b")
    tail = LogTail([served.folder])
    [path] = served.folder.rglob("*.jsonl")
    path.write_bytes(HEADER.line + line("c"))
    assert ids(tail.new()) == ["c"]


def test_compressed_hours_are_read_too(served):
    served.answer("a", "b")
    [path] = served.folder.rglob("*.jsonl")
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert ids(LogTail([served.folder]).last(1)) == ["b"]


def test_pods_that_come_later_are_followed_too(served):
    served.answer("a")
    tail = LogTail([served.folder.parent])
    other = Served(served.folder / "deep" / "pod-2")
    other.now, served.now = served.now, served.now + 60
    other.answer("b")
    served.answer("c")
    assert ids(tail.new()) == ["b", "c"]
