from __future__ import annotations

import pytest

from mlgit.monitoring import last_run
from tests.kit import git, repository


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project")


def test_moment_is_read_back(root):
    last_run.record(root, model="churn", environment="prod", clock=lambda: 1_777_852_740.5)
    assert last_run.read(root, model="churn", environment="prod") == 1_777_852_740.5


def test_models_and_environments_are_kept_apart(root):
    for place, (model, environment) in enumerate([("a", "prod"), ("a", "dev"), ("dir:a", "prod"), ("dir/a", "prod")]):
        last_run.record(root, model=model, environment=environment, clock=lambda place=place: place)
    assert last_run.read(root, model="dir:a", environment="prod") == 2
    assert last_run.read(root, model="a", environment="prod") == 0


def test_clone_that_never_looked_knows_nothing(root):
    assert last_run.read(root, model="churn", environment="prod") is None


def test_moment_that_a_commit_brings_is_not_believed(root):
    last_run.record(root, model="churn", environment="prod", clock=lambda: 5.0)
    note = root / ".git/mlgit/monitor/churn@prod"
    note.write_bytes(note.read_bytes().replace(b"5.0", b"9.0"))
    assert last_run.read(root, model="churn", environment="prod") is None


def test_working_trees_of_a_clone_share_it(root, tmp_path):
    git(root, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    last_run.record(root, model="churn", environment="prod", clock=lambda: 5.0)
    assert last_run.read(tmp_path / "other", model="churn", environment="prod") == 5.0


def test_mirror_repository_has_a_place_for_it(root, tmp_path):
    git(tmp_path, "clone", "--quiet", "--mirror", str(root), "mirror.git")
    last_run.record(tmp_path / "mirror.git", model="churn", environment="prod", clock=lambda: 5.0)
    assert last_run.read(tmp_path / "mirror.git", model="churn", environment="prod") == 5.0
