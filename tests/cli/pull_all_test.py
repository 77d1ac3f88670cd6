"""`mlgit pull`: commits, tags and data of others, and nothing of one's own lost."""

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
    git(top, "clone", "--quiet", "origin.git", "other")
    return top


@pytest.fixture
def other(template, tmp_path):
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    git(tmp_path / "other", "remote", "set-url", "origin", "../origin.git")
    return tmp_path / "other"


def test_fresh_clone_has_its_data_after_pull(other):
    done = mlgit(other, "pull", "--json")
    assert (done.code, done.json["outputs"]) == (0, ["made"]), done.said
    assert (other / "made/one").read_text() == "1\n"
    assert done.json["notes"] == ["not in a DVC remote of this project: secret; `mlgit run` makes or imports them"]
    assert "are as on origin" in mlgit(other, "pull").out


def test_commits_of_others_come_with_their_data(other):
    assert mlgit(other, "pull").code == 0
    change(other.parent / "project", "2\n")
    assert mlgit(other.parent / "project", "push").code == 0
    planned = mlgit(other, "pull", "--dry-run", "--json").json
    assert ((other / "in").read_text(), planned["outputs"]) == ("1\n", ["made"])
    done = mlgit(other, "pull", "--json")
    assert (done.code, (other / "made/one").read_text()) == (0, "2\n"), done.said
    assert git(other, "rev-parse", "HEAD") == git(other.parent / "project", "rev-parse", "HEAD")


def test_data_changed_here_is_not_replaced(other):
    assert mlgit(other, "pull").code == 0
    (other / "made/one").unlink()
    (other / "made/one").write_text("mine\n")
    refused = mlgit(other, "pull")
    assert (refused.code, "in no cache: made" in refused.said) == (2, True), refused.said
    assert (other / "made/one").read_text() == "mine\n"
    assert mlgit(other, "pull", "--force").code == 0
    assert (other / "made/one").read_text() == "1\n"


def test_branches_that_went_apart_are_not_merged(other):
    assert mlgit(other, "pull").code == 0
    for clone, text in ((other, "3\n"), (other.parent / "project", "2\n")):
        change(clone, text)
    assert mlgit(other.parent / "project", "push").code == 0
    done = mlgit(other, "pull")
    assert (done.code, "went apart: 1 here" in done.said, "`git rebase origin/main`" in done.said) == (2, True, True)


def test_unknown_target_and_object_that_is_gone_are_named(other):
    assert "no output and no stage 'mode', did you mean 'made'?" in mlgit(other, "pull", "mode").said
    shutil.rmtree(other.parent / "there/files")
    done = mlgit(other, "pull", "copy")
    assert (done.code, "the DVC remote does not have made" in done.said) == (2, True), done.said
