"""Jobs that are listened to: what is told of a log that grows, is passed over, and is not what it was."""

from __future__ import annotations

import os

import pytest

from mlgit.errors import MlgitError
from mlgit.executors.followed import Followed
from mlgit.executors.protocol import Job, Outcome


class Steps:
    """An executor whose `wait` does the next of some steps, which write to the log; after the last the job has ended."""

    slots = 1

    def __init__(self, *steps):
        self.steps, self.jobs = list(steps), []

    def submit(self, job):
        self.jobs.append(job)

    def wait(self, timeout=None):
        job = self.jobs[-1]
        self.steps.pop(0)(job.log)
        return [] if self.steps else [Outcome(job.name, 0, 0.0)]

    def stop(self):
        pass


class Heard:
    def __init__(self):
        self.told = []

    def printed(self, name, content, *, left_out):
        self.told.append((content, left_out))

    def printed_all(self, name):
        self.told.append(None)


def add(content):
    def step(log):
        with open(log, "ab") as stream:
            stream.write(content)

    return step


def follow(tmp_path, *steps, whole=("a",), cmd="python train.py", before=None):
    log = tmp_path / ".dvc/tmp/mlgit/logs/a.log"
    if before:
        log.parent.mkdir(parents=True)
        before(log)
    heard, inner = Heard(), Steps(*steps)
    followed = Followed(inner, heard, whole=whole, is_local=True)
    followed.submit(Job("a", (cmd,), tmp_path, log=log))
    while inner.steps:
        followed.wait(0)
    followed.stop()
    return heard.told, inner.jobs[0]


def test_all_is_told_as_it_comes_and_then_that_it_was_all(tmp_path):
    told, _ = follow(tmp_path, lambda log: None, add(b"one\n"), add(b"two\n"))
    assert told == [(b"one\n", 0), (b"two\n", 0), None]


def test_log_of_an_earlier_job_is_not_read(tmp_path):
    told, _ = follow(tmp_path, lambda log: None, add(b"new\n"), before=add(b"old\n"))
    assert told == [(b"new\n", 0), None]


def test_what_is_far_behind_is_passed_over_from_line_to_line(tmp_path):
    told, _ = follow(tmp_path, add(b"first\n"), add(b"0123456\n" * 1_000_000))
    (first, rest, end) = told
    assert (first, end) == ((b"first\n", 0), None)
    assert rest[1] + len(rest[0]) == 8_000_000
    assert (rest[0][:8], len(rest[0]) < 70_000) == (b"0123456\n", True)


def test_of_others_only_the_end_is_told(tmp_path):
    told, _ = follow(tmp_path, add(b"0123456\n" * 10_000), whole=())
    assert len(told[0][0]) < 5000


def test_log_that_the_job_empties_or_replaces_is_read_on(tmp_path):
    told, _ = follow(tmp_path, add(b"long line\n"), lambda log: os.truncate(log, 0), add(b"x\n"))
    assert told == [(b"long line\n", 0), (b"x\n", 0), None]


@pytest.mark.parametrize("make", [os.mkfifo, lambda log: os.symlink("/etc/passwd", log)])
def test_what_is_no_log_is_not_read(tmp_path, make):
    assert follow(tmp_path, make)[0] == [None]


def test_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.log").write_text("kept")

    def bring(log):
        log.parent.rmdir()
        log.parent.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MlgitError, match="symbolic link"):
        follow(tmp_path, add(b""), before=bring)
    assert (tmp_path / "elsewhere/a.log").read_text() == "kept"


@pytest.mark.parametrize(
    ("cmd", "is_asked"),
    [
        ("python train.py", True),
        ("python train.py 2>&1 | tee x", True),
        ("python train.py 2> errors", True),
        ("python make.py > data.csv", False),
        ("python make.py >>data.csv", False),
        ("python make.py 1>data.csv", False),
    ],
)
def test_python_is_asked_to_write_at_once_unless_it_writes_a_file(tmp_path, monkeypatch, cmd, is_asked):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    _, job = follow(tmp_path, add(b""), cmd=cmd)
    assert ("PYTHONUNBUFFERED" in job.env) is is_asked
