"""`mlgit monitor run --push` killed at random moments, and by two runners at once: one verdict a window, and the same ones."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from mlgit.monitoring import verdict_refs
from tests.kit import FULL, commit, git, write_tree
from tests.kit.forked import mlgit
from tests.monitoring import chains
from tests.registry.projects import FILES, made

pytestmark = pytest.mark.slow  # a version is released and watched

KILLS = 50 if FULL else 4
DAYS = 6
SETTINGS = (
    FILES["mlgit.yaml"]
    + "environments: [{name: prod}]\n"
    + 'monitoring: {churn: {windows: {path: "data/today/*.csv", by: day(ts), min_rows: 10}}}\n'
)
PREPARE = "cp data/raw.csv data/train.csv\n(head -1 data/raw.csv; tail -5 data/raw.csv) > data/test.csv\n"
RUN = ("monitor", "run", "churn", "--push", "--json")


def table(first, n_days, *, seed, shift=0.0):
    """Rows of some days, 30 a day."""
    rng = random.Random(seed)
    rows = [
        f"{30 * number + row},2026-{1 + (first + number) // 28:02d}-{1 + (first + number) % 28:02d}T{row % 24:02d}:00:00Z,"
        f"{rng.gauss(shift, 1):.3f},{row % 2}"
        for number in range(n_days)
        for row in range(30)
    ]
    return "id,ts,x,label\n" + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A released model with a bare remote, windows that nobody judged yet, and what an undisturbed run makes of them."""
    top = tmp_path_factory.mktemp("world")
    files = {"mlgit.yaml": SETTINGS, "src/prepare.sh": PREPARE, "data/raw.csv": table(0, 25, seed=1)}
    root = made(top / "project", mlgit, files, remote=True)
    write_tree(
        root, {f"data/today/{number}.csv": table(30 + number, 1, seed=number, shift=number / 3) for number in range(DAYS)}
    )
    write_tree(root, {"data/today/last.csv": table(60, 1, seed=99)})
    commit(root)
    git(top, "init", "--quiet", "--bare", "origin.git")
    git(root, "remote", "add", "origin", "../origin.git")
    for words in (
        ("push",),
        ("model", "register", "churn", "--version", "v1.0.0"),
        ("model", "promote", "churn@v1.0.0", "prod"),
    ):
        done = mlgit(root, *words)
        assert done.code == 0, done.said
    assert mlgit(root, "push").code == 0
    quiet = copy(top, top / "quiet")
    done = mlgit(quiet, *RUN)
    assert done.code in (0, 1), done.said
    return top, verdict_refs.load(quiet, chains.REF)


def copy(top, place):
    """The project with a remote of its own; the folder of the project."""
    place.mkdir()
    for name in ("project", "origin.git"):
        shutil.copytree(top / name, place / name, symlinks=True)
    return place / "project"


def started(root):
    """A run that nobody waits for."""
    return subprocess.Popen(
        [sys.executable, "-m", "mlgit", *RUN],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def tips(root):
    return {verdict_refs.tip(root, chains.REF), git(root.parent / "origin.git", "rev-parse", chains.REF)}


def test_undisturbed_run_judges_each_window_once(world):
    _, found = world
    assert len(found.entries) >= DAYS
    assert len({each.verdict.window.name for each in found.verdicts}) == len(found.entries)
    assert {"quiet"} < {each.verdict.verdict for each in found.verdicts} <= {"quiet", "watch", "page"}


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_run_is_taken_up_by_the_next_and_ends_the_same(world, tmp_path, number):
    top, found = world
    root = copy(top, tmp_path / "copy")
    rng = random.Random(number)
    wanted = rng.randrange(len(found.entries) + 1)
    child = started(root)
    deadline = time.monotonic() + 120
    while child.poll() is None and len(verdict_refs.load(root, chains.REF).entries) < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(rng.random() * (0.05 if wanted else 2))  # no waiting: the moment within a step
    with suppress(ProcessLookupError):
        (os.killpg if number % 2 else os.kill)(child.pid, signal.SIGKILL)
    child.communicate()
    done = mlgit(root, *RUN)
    if "prod.lock is there" in done.said:  # Git itself was killed while it held the ref
        os.unlink(done.said.partition("rm '")[2].partition("'")[0])
        done = mlgit(root, *RUN)
    assert done.code in (0, 1), done.said
    assert done.json["models"][0]["sent"] is True
    assert tips(root) == {found.tip}


def test_two_runners_at_once_leave_one_verdict_a_window(world, tmp_path):
    top, found = world
    root = copy(top, tmp_path / "copy")
    git(root.parent, "clone", "--quiet", "origin.git", "second")
    second = root.parent / "second"
    shutil.copytree(root / ".dvc", second / ".dvc", dirs_exist_ok=True)
    git(second, "fetch", "--quiet", "--tags", "origin")
    said = []
    threads = [threading.Thread(target=lambda place=place: said.append(_judged(place))) for place in (root, second)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    recorded = [each.verdict.document() for each in found.verdicts]
    assert len(said) == 2
    for verdicts in said:
        assert all(json.loads(json.dumps(each)) in json.loads(json.dumps(recorded)) for each in verdicts)
    for place in (root, second):
        assert mlgit(place, *RUN).code in (0, 1)
        assert tips(place) == {found.tip}


def _judged(root):
    """The verdicts that a run told."""
    child = started(root)
    told, _ = child.communicate()
    assert child.returncode in (0, 1)
    return json.loads(told)["models"][0]["verdicts"]
