"""The files of the prediction log, as one process writes them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from mlgit.errors import MlgitError
from mlgit.serving import log_writer
from mlgit.serving.log_writer import LogFullError, PredictionLog
from tests.serving.written_logs import HEADER, NOON, documents, files, line

OTHER = replace(HEADER, version="v1.3.0+a/b")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def ids(folder, name="v1.2.0.jsonl"):
    """The ids in the files of a version, in the order of the files' paths."""
    return [each["id"] for path in sorted(folder.rglob(f"*-{name}")) for each in documents(path)[1:]]


def test_file_begins_with_the_header_and_holds_the_lines(tmp_path, clock):
    log = PredictionLog(tmp_path, clock=clock)
    log.append(HEADER, [line("a"), line("b")])
    log.append(HEADER, [line("c")])
    [path] = tmp_path.rglob("*.jsonl")
    assert path.relative_to(tmp_path).as_posix() == f"2026-11-29T12/{os.getpid()}-v1.2.0.jsonl"
    assert path.read_bytes() == HEADER.line + line("a") + line("b") + line("c")


def test_every_version_has_a_file_of_its_own(tmp_path, clock):
    log = PredictionLog(tmp_path, clock=clock)
    for header in (HEADER, OTHER, HEADER):
        log.append(header, [line("a", header=header)])
    assert files(tmp_path) == ["2026-11-29T12/v1.2.0.jsonl", "2026-11-29T12/v1.3.0+a_b.jsonl"]
    assert ids(tmp_path) == ["a", "a"]


def test_new_hour_begins_a_new_file(tmp_path, clock):
    log = PredictionLog(tmp_path, clock=clock)
    for moment, name in ((0, "a"), (3599.9, "b"), (3600, "c"), (7300, "d")):
        clock.now = NOON + moment
        log.append(HEADER, [line(name)])
    assert files(tmp_path) == [f"2026-11-29T{hour}/v1.2.0.jsonl" for hour in (12, 13, 14)]
    assert ids(tmp_path) == ["a", "b", "c", "d"]


def test_clock_that_is_put_back_goes_on_in_the_file_of_that_hour(tmp_path, clock):
    log = PredictionLog(tmp_path, clock=clock)
    for moment, name in ((3600, "b"), (3599, "a"), (3601, "c")):
        clock.now = NOON + moment
        log.append(HEADER, [line(name)])
    assert files(tmp_path) == ["2026-11-29T12/v1.2.0.jsonl", "2026-11-29T13/v1.2.0.jsonl"]
    assert ids(tmp_path) == ["a", "b", "c"]


def test_many_versions_in_an_hour_keep_few_files_open(tmp_path, clock):
    log = PredictionLog(tmp_path, clock=clock)
    before = len(os.listdir("/proc/self/fd"))
    headers = [replace(HEADER, version=f"v1.{each}.0") for each in range(60)]
    for header in [*headers, *headers]:
        log.append(header, [line("a", header=header)])
    assert len(os.listdir("/proc/self/fd")) - before < 20
    assert len(files(tmp_path)) == 60
    assert ids(tmp_path, "v1.7.0.jsonl") == ["a", "a"]


def test_line_cut_off_by_a_dead_process_with_the_same_id_is_ended(tmp_path, clock):
    folder = tmp_path / "2026-11-29T12"
    folder.mkdir()
    path = folder / f"{os.getpid()}-v1.2.0.jsonl"
    path.write_bytes(HEADER.line + line("a") + b'{"id":"b')
    PredictionLog(tmp_path, clock=clock).append(HEADER, [line("c")])
    assert path.read_bytes() == HEADER.line + line("a") + b'{"id":"b\n' + line("c")


@pytest.mark.parametrize("there", [replace(HEADER, commit="d" * 40).line, b'{"schema":1,"ki', b"\n"])
def test_file_that_begins_otherwise_is_left_alone(tmp_path, clock, there):
    path = tmp_path / "2026-11-29T12" / f"{os.getpid()}-v1.2.0.jsonl"
    path.parent.mkdir()
    path.write_bytes(there)
    PredictionLog(tmp_path, clock=clock).append(HEADER, [line("a")])
    assert path.read_bytes() == there
    assert documents(path.with_name(f"{os.getpid()}.1-v1.2.0.jsonl"))[1]["id"] == "a"


def test_link_pipe_and_folder_in_its_place_are_left_alone(tmp_path, clock):
    folder = tmp_path / "2026-11-29T12"
    folder.mkdir()
    (tmp_path / "precious").write_text("")
    names = [folder / f"{os.getpid()}{number}-v1.2.0.jsonl" for number in ("", ".1", ".2")]
    names[0].symlink_to(tmp_path / "precious")
    os.mkfifo(names[1])
    names[2].mkdir()
    PredictionLog(tmp_path, clock=clock).append(HEADER, [line("a")])
    assert (tmp_path / "precious").read_text() == ""
    assert documents(folder / f"{os.getpid()}.3-v1.2.0.jsonl")[1]["id"] == "a"


def test_two_logs_never_write_to_one_file(tmp_path, clock):
    """As two containers, in which the process has the id 1, do on one disk."""
    one, other = (PredictionLog(tmp_path, clock=clock) for _ in range(2))
    one.append(HEADER, [line("a")])
    other.append(HEADER, [line("b")])
    names = sorted(path.name for path in tmp_path.rglob("*.jsonl"))
    assert names == [f"{os.getpid()}{number}-v1.2.0.jsonl" for number in ("", ".1")]
    one.close()
    PredictionLog(tmp_path, clock=clock).append(HEADER, [line("c")])
    assert ids(tmp_path) == ["a", "c", "b"]


def test_lines_after_the_folder_was_removed_are_in_a_new_file(tmp_path, clock):
    log = PredictionLog(tmp_path / "logs", clock=clock)
    log.append(HEADER, [line("a")])
    (tmp_path / "logs").rename(tmp_path / "away")
    for path in (tmp_path / "away").rglob("*.jsonl"):
        path.unlink()
    clock.now += 1
    log.append(HEADER, [line("b")])
    assert ids(tmp_path / "logs") == ["b"]


def test_lines_that_may_be_lost_are_held_back_until_they_are_flushed(tmp_path, clock):
    log = PredictionLog(tmp_path, durability="none", clock=clock)
    log.append(HEADER, [line("a")])
    assert [path.stat().st_size for path in tmp_path.rglob("*.jsonl")] == [0]
    log.flush()
    assert ids(tmp_path) == ["a"]
    clock.now += 3600
    log.append(HEADER, [line("b")])
    log.close()
    assert ids(tmp_path) == ["a", "b"]


def test_no_more_than_a_megabyte_is_held_back(tmp_path, clock):
    log = PredictionLog(tmp_path, durability="none", clock=clock)
    long = line("a", inputs=[["x" * 400_000, 1]])
    for _ in range(3):
        log.append(HEADER, [long])
    assert ids(tmp_path) == ["a", "a", "a"]


def test_closed_log_lets_go_of_its_files_and_can_be_used_again(tmp_path, clock):
    log = PredictionLog(tmp_path, durability="fsync", clock=clock)
    log.append(HEADER, [line("a")])
    log.close()
    log.close()
    log.sync()
    log.append(HEADER, [line("b")])
    assert ids(tmp_path) == ["a", "b"]


def test_files_are_not_for_everybody_to_read(tmp_path, clock):
    PredictionLog(tmp_path, clock=clock).append(HEADER, [line("a")])
    assert [path.stat().st_mode & 0o7 for path in tmp_path.rglob("*.jsonl")] == [0]


def test_folder_that_cannot_be_made_is_told(tmp_path, clock):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(LogFullError, match="logs: the prediction log cannot be written: Not a directory") as told:
        PredictionLog(tmp_path / "logs", clock=clock).append(HEADER, [line("a"), line("b")])
    assert told.value.lost == 2
    assert "--log-path" in told.value.hint


def test_key_is_made_once_for_its_owner_only(tmp_path):
    code = (
        "import sys, pathlib; from mlgit.serving import log_writer; print(log_writer.hash_key(pathlib.Path(sys.argv[1])).hex())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "state")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    keys = {child.communicate()[0].strip() for child in children}
    assert keys == {log_writer.hash_key(tmp_path / "state").hex()}
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["salt"]
    assert (tmp_path / "state" / "salt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", ["", "abc", "00" * 8, "x" * 64])
def test_key_that_is_none_is_refused(tmp_path, there):
    (tmp_path / "salt").write_text(there)
    with pytest.raises(MlgitError, match="salt"):
        log_writer.hash_key(tmp_path)


@pytest.mark.parametrize("there", ["", "abc", "00" * 31, "00" * 33, "x" * 64, "00 " * 32, "00" * 32 + "\n" + "00" * 32])
def test_key_file_that_holds_none_is_refused_and_not_repeated(tmp_path, there):
    path = tmp_path / "key"
    path.write_text(there)
    with pytest.raises(MlgitError, match="64 hexadecimal digits") as refused:
        log_writer.key_in(path)
    assert not there or there not in refused.value.message


def test_key_file_may_be_a_link_as_secrets_are_mounted(tmp_path):
    (tmp_path / "data").write_text("aB" * 32 + "\n")
    (tmp_path / "key").symlink_to("data")
    assert log_writer.key_in(tmp_path / "key") == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("there", ["none", "."])
def test_key_file_that_cannot_be_read_is_told(tmp_path, there):
    with pytest.raises(MlgitError, match="no key"):
        log_writer.key_in(tmp_path / there)


def test_ids_differ_and_are_in_the_order_of_time():
    made = [log_writer.new_id() for _ in range(100)]
    assert len(set(made)) == 100
    assert [each[:13] for each in made] == sorted(each[:13] for each in made)
