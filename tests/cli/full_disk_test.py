"""A disk that is full: the message names the file, no temporary file is left, and what was there is there."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

import pytest

from tests.kit import repository
from tests.kit.forked import mlgit

pytestmark = pytest.mark.slow
FILES = {
    "dvc.yaml": "stages:\n  a: {cmd: cat in in > out, deps: [in], outs: [out]}\n"
    "  b: {cmd: mkdir -p d && cp in d/x, deps: [in], outs: [d]}\n",
    "in": "1\n",
    ".gitignore": "/d\n/out\n",
}


@pytest.fixture
def disk(tmp_path):
    """A small file system with a project on it."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        repository(place / "p", FILES)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def leave(disk, pages):
    """Fill the disk but for some pages."""
    with open(disk / "filling", "wb") as stream:
        with suppress(OSError):
            while True:
                os.write(stream.fileno(), bytes(4096))
        stream.truncate(os.path.getsize(disk / "filling") - 4096 * pages)


def temporaries(disk):
    return [path for path in disk.rglob("*") if ".tmp" in path.name and ".git" not in path.parts]


@pytest.mark.parametrize("pages", [0, 1, 2, 3, 6, 9])
def test_run_names_what_cannot_be_written_and_leaves_nothing(disk, pages):
    leave(disk, pages)
    done = mlgit(disk / "p", "run", "-j1")
    assert done.code in (0, 1, 2), done.said
    assert done.code == 0 or any(word in done.said for word in ("No space left on device", "is full", "exit code 1"))
    told = [line for line in done.said.split("\n") if "No space left" in line or "is full" in line]
    assert all(str(disk) in line or ": " in line.partition("error: ")[2] for line in told), done.said
    assert "defect" not in done.said
    assert temporaries(disk) == []
    (disk / "filling").unlink()
    assert mlgit(disk / "p", "run").code == 0


def test_questions_are_answered_on_a_full_disk(disk):
    assert mlgit(disk / "p", "run").code == 0
    (disk / "p/in").write_text("2\n")
    leave(disk, 0)
    for args, code in ((("status",), 1), (("dag",), 0), (("diff",), 0), (("model", "list"), 0)):
        done = mlgit(disk / "p", *args)
        assert done.code == code, done.said
    assert temporaries(disk) == []
