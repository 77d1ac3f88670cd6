"""`mlgit template update` killed at any moment: the tree is the old one or the new one, or `abort` makes it the old one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.kit import FULL, git, program
from tests.kit.once import copied, once
from tests.scaffold import update_kit

pytestmark = pytest.mark.slow

N_KILLS = 50 if FULL else 6
COMMAND = [sys.executable, "-m", "mlgit", "template"]


@pytest.fixture
def project(tmp_path, shared):
    def make(folder):
        one, _ = update_kit.write_versions(folder)
        update_kit.make_project(folder / "p", one)

    return copied(once(shared, "update-kill", make), tmp_path / "all") / "p"


def tree(project):
    """Index and working tree, without what nobody tracks."""
    names = [path for path in sorted(project.rglob("*")) if ".git" not in path.parts and ".dvc" not in path.parts]
    files = {path.relative_to(project).as_posix(): _read(path) for path in names if path.is_symlink() or path.is_file()}
    return git(project, "ls-files", "--stage"), files


def _read(path):
    return os.readlink(path) if path.is_symlink() else (path.read_bytes(), os.access(path, os.X_OK))


def _update(project, **more):
    source = str(project.parent / "two")
    return subprocess.Popen([*COMMAND, "update", "--source", source], cwd=project, start_new_session=True, **more)


def _kill(project, rng):
    """Start an update and kill it with all that it started: at any time, or once it has begun to write."""
    journal = project / ".git/mlgit/template-update/journal.json"
    began = time.monotonic()
    child = _update(project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waits_for_journal, delay = rng.random() < 0.8, rng.uniform(0, 0.05)
    while child.poll() is None and time.monotonic() - began < 60 and waits_for_journal and not journal.exists():
        pass
    until = time.monotonic() + (delay if waits_for_journal else rng.uniform(0, 2))
    while child.poll() is None and time.monotonic() < until:
        pass
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def test_killed_update_leaves_the_old_tree_or_the_new_one_and_abort_works(project):
    rng = random.Random(20)
    old = tree(project)
    assert _update(project, stdout=subprocess.DEVNULL).wait() == 1
    new = tree(project)
    assert new != old
    assert program(project, [*COMMAND, "abort"]).code == 0
    assert tree(project) == old
    seen = set()
    for _ in range(N_KILLS):
        _kill(project, rng)
        found = "old" if tree(project) == old else "new" if tree(project) == new else "between"
        seen.add(found)
        done = program(project, [*COMMAND, "abort"])
        assert done.code == 0 or (found == "old" and "no update is under way" in done.said), done.said
        assert tree(project) == old, found
        assert git(project, "status", "--porcelain") == ""
        assert not (project / ".git/index.lock").exists()
    assert _update(project, stdout=subprocess.DEVNULL).wait() == 1
    assert tree(project) == new
    assert len(seen) > 1
