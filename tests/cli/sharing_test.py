"""`mlgit push` and `mlgit pull` where clones are shallow, full of edits, or have refs of other kinds."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import git
from tests.kit.forked import mlgit
from tests.kit.sharing import change, make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    top = tmp_path_factory.mktemp("template")
    root = make(top)
    assert mlgit(root, "push").code == 0
    change(root, "2\n")
    assert mlgit(root, "push").code == 0
    return top


@pytest.fixture
def top(template, tmp_path):
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def test_shallow_clone_pulls_and_pushes(top):
    git(top, "clone", "--quiet", "--depth=1", f"file://{top}/origin.git", "other")
    done = mlgit(top / "other", "pull")
    assert (done.code, (top / "other/made/one").read_text()) == (0, "2\n"), done.said
    oid = change(top / "other", "3\n")
    done = mlgit(top / "other", "push", "--json")
    assert (done.code, done.json["commits"], done.json["objects"]) == (0, 1, 2), done.said
    assert git(top / "origin.git", "rev-parse", "main") == oid
    done = mlgit(top / "project", "pull")
    assert (done.code, (top / "project/made/one").read_text()) == (0, "3\n"), done.said
    change(top / "project", "4\n")
    assert mlgit(top / "project", "push").code == 0
    done = mlgit(top / "other", "pull")
    assert (done.code, (top / "other/made/one").read_text()) == (0, "4\n"), done.said


def test_refs_of_monitoring_and_runs_travel(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    oid = git(top / "project", "rev-parse", "HEAD")
    for ref in ("monitor/churn/prod", "runs/one"):
        git(top / "project", "update-ref", f"refs/mlgit/{ref}", oid)
    done = mlgit(top / "project", "push", "--json")
    assert (done.code, done.json["refs"]) == (0, ["refs/mlgit/monitor/churn/prod", "refs/mlgit/runs/one"]), done.said
    assert mlgit(top / "other", "pull").code == 0
    assert git(top / "other", "for-each-ref", "--format=%(refname)", "refs/mlgit").split() == done.json["refs"]


def test_edits_that_stand_in_the_way_stay_and_are_named(top):
    git(top, "clone", "--quiet", "origin.git", "other")
    assert mlgit(top / "other", "pull").code == 0
    change(top / "project", "3\n")
    assert mlgit(top / "project", "push").code == 0
    (top / "other/in").write_text("mine\n")
    (top / "other/note").write_text("mine\n")
    before = git(top / "other", "rev-parse", "HEAD")
    done = mlgit(top / "other", "pull")
    assert (done.code, "stand in the way" in done.said, "git stash" in done.said) == (2, True, True), done.said
    assert git(top / "other", "rev-parse", "HEAD") == before
    assert [(top / "other" / name).read_text() for name in ("in", "note", "made/one")] == ["mine\n", "mine\n", "2\n"]
