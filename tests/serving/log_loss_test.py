"""What is said to be written down is there: after a kill, on a full disk, and when the disk fails."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from mlgit.serving.log_writer import LogFullError, PredictionLog
from tests.kit import FULL
from tests.serving.written_logs import HEADER, NOON, documents, line

KILLS = 30 if FULL else 4

# Writes lines as fast as it can, and says of each when `append` has returned.
WRITING = """
import itertools, os, sys
from pathlib import Path
from mlgit.serving.log_writer import PredictionLog
from tests.serving.written_logs import HEADER, line
hours = itertools.count()
log = PredictionLog(Path(sys.argv[1]), durability=sys.argv[2], clock=lambda: 1795953600.0 + 2 * next(hours))
for number in itertools.count():
    log.append(HEADER, [line(f"{os.getpid()}-{number}-{each}") for each in range(3)])
    if sys.argv[2] == "fsync":
        log.sync()
    os.write(1, b"%d\\n" % number)
"""
# Writes until no more goes, and then says what was said to be written.
FILLING = """
import json, os, resource, sys
from pathlib import Path
from mlgit.serving.log_writer import LogFullError, PredictionLog
from tests.serving.written_logs import HEADER, line
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
log = PredictionLog(Path(sys.argv[1]), clock=lambda: 1795953600.0)
written, refused = [], 0
for number in range(60):
    try:
        log.append(HEADER, [line(f"{number}-{each}", value=10.0 ** (number % 9)) for each in range(3)])
        written.append(number)
    except LogFullError:
        refused += 1
print(json.dumps([written, refused]))
"""


def started(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def whole(path: Path) -> list[str]:
    """The ids in a file; what follows the last end of a line was never said to be there."""
    lines = path.read_bytes().split(b"\n")[1:-1]
    return [json.loads(each)["id"] for each in lines]


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["write", "fsync"])
@pytest.mark.parametrize("kill", range(KILLS))
def test_kill_loses_no_line_that_was_acknowledged(tmp_path, durability, kill):
    children = [started(WRITING, tmp_path, durability) for _ in range(2)]
    said = {child.pid: [] for child in children}
    for child in children:
        assert child.stdout
        for _ in range(1 + kill * 37 % 400):
            said[child.pid].append(int(child.stdout.readline()))
    for child in children:
        child.kill()
        assert child.stdout
        said[child.pid] += map(int, child.stdout.read().split())  # what stood in the pipe was acknowledged, too
        child.wait()
    found = {each for path in tmp_path.rglob("*.jsonl") for each in whole(path)}
    acknowledged = {f"{pid}-{number}-{each}" for pid, numbers in said.items() for number in numbers for each in range(3)}
    assert acknowledged
    assert acknowledged - found == set()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 450, 5000, 5001, 5400])
def test_file_that_can_grow_no_more_holds_whole_lines_and_all_that_was_acknowledged(tmp_path, limit):
    child = started(FILLING, tmp_path, limit)
    written, refused = json.loads(child.communicate()[0])
    assert refused
    [path] = tmp_path.rglob("*.jsonl")
    found = [each["id"] for each in documents(path)[1:]] if path.stat().st_size else []
    assert found == [f"{number}-{each}" for number in written for each in range(3)]
    assert path.stat().st_size <= limit


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["write", "none"])
def test_full_disk_is_told_and_the_log_goes_on_when_there_is_room(small_disk, durability):
    log = PredictionLog(small_disk / "logs", durability=durability, clock=lambda: NOON)
    filling = small_disk / "filling"
    log.append(HEADER, [line("a")])
    log.flush()
    with open(filling, "wb") as stream, suppress(OSError):
        while True:
            os.write(stream.fileno(), bytes(4096))
    wide = [line(f"b{each}", inputs=[["x" * 1500, 1]]) for each in range(5)]
    if durability == "none":
        log.append(HEADER, wide)
    write = log.flush if durability == "none" else functools.partial(log.append, HEADER, wide)
    with pytest.raises(LogFullError, match="No space left on device") as told:
        write()
    assert told.value.lost == 5
    filling.unlink()
    log.append(HEADER, [line("c")])
    log.close()
    [path] = small_disk.rglob("*.jsonl")
    assert [each["id"] for each in documents(path)[1:]] == ["a", "c"]


@pytest.fixture
def failing(monkeypatch):
    """Puts a pipe, which is on no disk, in the place of the file that this process has open for the log."""
    monkeypatch.setenv("MLGIT_FSYNC", "1")
    ends = os.pipe()

    def fail() -> None:
        numbers = [int(name) for name in os.listdir("/proc/self/fd") if _opened(name).endswith(".jsonl")]
        os.dup2(ends[1], *numbers)

    yield fail
    for each in ends:
        os.close(each)


def _opened(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except FileNotFoundError:
        return ""


def test_disk_that_fails_is_told_by_the_sync_that_waits_for_it(tmp_path, failing):
    log = PredictionLog(tmp_path, durability="fsync", clock=lambda: NOON)
    log.append(HEADER, [line("a")])
    failing()
    with pytest.raises(LogFullError, match="cannot be written"):
        log.sync()
    log.sync()  # nothing waits for it any more
    log.close()


def test_hour_that_the_disk_did_not_take_is_told_by_the_next_sync(tmp_path, failing):
    now = [NOON]
    log = PredictionLog(tmp_path, durability="fsync", clock=lambda: now[0])
    log.append(HEADER, [line("a")])
    failing()
    now[0] += 3600
    log.append(HEADER, [line("b")])
    with pytest.raises(LogFullError, match="cannot be written"):
        log.sync()
    log.sync()
    log.close()


def test_threads_append_whole_lines_while_another_waits_for_the_disk(tmp_path):
    now = [NOON]
    log = PredictionLog(tmp_path, durability="fsync", clock=lambda: now[0])

    def write(name: str) -> None:
        for number in range(200):
            now[0] += 10
            log.append(HEADER, [line(f"{name}{number}")])

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        log.sync()
    for each in threads:
        each.join()
    log.close()
    found = [each["id"] for path in tmp_path.rglob("*.jsonl") for each in documents(path)[1:]]
    assert sorted(found) == sorted(f"{name}{number}" for name in "abc" for number in range(200))
