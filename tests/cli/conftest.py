"""Projects that the tests of commands share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import git, write_tree
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN, World
from tests.pipeline.counting import Pipeline


@pytest.fixture
def pipeline(tmp_path, cli):
    return Pipeline(tmp_path, cli)


@pytest.fixture
def done(pipeline):
    """The pipeline after a first run."""
    assert pipeline("run").code == 0
    assert pipeline.ran() == ["prepare", "train", "evaluate", "report"]
    return pipeline


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare origin with a main branch whose pipeline has run."""
    folder = tmp_path_factory.mktemp("start")
    git(folder, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "-q", "origin.git", "clone")
    root = folder / "clone"
    git(root, "checkout", "-q", "-B", "main")
    write_tree(root, {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 90\n"})
    write_tree(root, {".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"})
    assert mlgit(root, "run").code == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    git(root, "push", "-q", "-u", "origin", "main")
    git(root, "remote", "set-head", "origin", "main")
    return folder


@pytest.fixture
def world(started: Path, tmp_path: Path) -> Iterator[World]:
    """A clone of its own on a branch, and the forge."""
    git(tmp_path, "clone", "-q", "--bare", str(started / "origin.git"), "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    root = tmp_path / "clone"
    cache = started / "clone/.dvc/cache"
    (root / ".dvc/cache").symlink_to(cache)
    git(root, "checkout", "-q", "-b", "topic")
    with forge(State()) as state:
        yield World(root, state)


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A clone with its remote, which a module makes once as `original`, in a folder of the test's own."""
    shutil.copytree(original, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "clone"


@pytest.fixture
def state() -> Iterator[State]:
    """A forge where the token may open pull requests."""
    with forge(State()) as found:
        found.may.add("pull")
        yield found
