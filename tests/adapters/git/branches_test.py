"""The workspace as a commit on a branch of the remote, with index, HEAD and files left as they are."""

from __future__ import annotations

import base64

import pytest

from mlgit.adapters.git import branches
from mlgit.errors import MlgitError
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # many processes of Git


@pytest.fixture
def root(tmp_path):
    """A clone with a commit, and beside it its origin."""
    root = repository(tmp_path / "clone", {"a.txt": "1\n", "sub/b.txt": "1\n", ".gitignore": "ignored\n"})
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(root, "push", "--quiet", "origin", "HEAD:main")
    return root


def pushed(root, *, branch="b", message="Propose\n", expected=""):
    made = branches.commit(root, branches.tree_of_workspace(root, folder=""), message=message)
    branches.push(root, "origin", branch, commit=made, expected=expected)
    return made


def test_workspace_is_committed_and_nothing_here_moves(root):
    write_tree(root, {"a.txt": "2\n", "new.txt": "n\n", "ignored": "x", "report/r.json": "{}"})
    (root / "sub/b.txt").unlink()
    git(root, "add", "new.txt")
    before = (git(root, "status", "--porcelain=v2", "--branch"), (root / ".git/index").read_bytes())
    tree = branches.tree_of_workspace(root, folder="", without=("report",))
    assert sorted(branches.changed(root, tree)) == ["a.txt", "new.txt", "sub/b.txt"]
    made = branches.commit(root, tree, message="Propose\n\nwhy\n")
    assert git(root, "log", "-1", "--format=%P %s", made).split() == [git(root, "rev-parse", "HEAD").strip(), "Propose"]
    assert (git(root, "status", "--porcelain=v2", "--branch"), (root / ".git/index").read_bytes()) == before


def test_only_the_folder_of_the_project_is_taken(root):
    write_tree(root, {"a.txt": "2\n", "sub/b.txt": "2\n"})
    assert branches.changed(root, branches.tree_of_workspace(root, folder="sub/")) == ["sub/b.txt"]


def test_without_an_identity_mlgit_commits(root, monkeypatch, tmp_path):
    (tmp_path / "empty").write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    made = branches.commit(root, branches.tree_of_workspace(root, folder=""), message="x")
    assert git(root, "log", "-1", "--format=%an %ce", made).split() == ["mlgit", "propose@mlgit.invalid"]


def test_tip_tells_what_the_remote_has_now(root):
    assert branches.tip(root, "origin", "b") == branches.Tip()
    made = pushed(root, message="Propose\n\nwhy\n")
    found = branches.tip(root, "origin", "b")
    assert (found.commit, found.parents) == (made, (git(root, "rev-parse", "HEAD").strip(),))
    assert (found.tree, found.message.strip()) == (git(root, "rev-parse", f"{made}^{{tree}}").strip(), "Propose\n\nwhy")
    assert git(root, "for-each-ref", "--format=%(refname)", "refs/heads").split() == ["refs/heads/main"]


def test_branch_that_somebody_moved_meanwhile_is_not_overwritten(root):
    first = pushed(root)
    write_tree(root, {"a.txt": "3\n"})
    commit(root, "Work of somebody")
    git(root, "push", "--quiet", "--force", "origin", "HEAD:b")
    with pytest.raises(MlgitError, match="could not be pushed"):
        pushed(root, expected=first)
    with pytest.raises(MlgitError, match="could not be pushed"):
        pushed(root, expected="")
    assert git(root, "ls-remote", "origin", "refs/heads/b").split()[0] == git(root, "rev-parse", "HEAD").strip()


def test_token_goes_to_the_host_of_the_remote_only_and_beside_other_configuration(root, monkeypatch):
    for key, value in (("COUNT", "1"), ("KEY_0", "core.abbrev"), ("VALUE_0", "12")):
        monkeypatch.setenv(f"GIT_CONFIG_{key}", value)
    git(root, "remote", "set-url", "origin", "https://ada@example.com/team/models.git")
    found = branches._credentials(root, "origin", "secret")
    assert found["GIT_CONFIG_COUNT"] == "2"
    assert found["GIT_CONFIG_KEY_1"] == "http.https://example.com/.extraHeader"
    assert base64.b64decode(found["GIT_CONFIG_VALUE_1"].rpartition(" ")[2]) == b"x-access-token:secret"
    for url in ("http://example.com/x", "git@example.com:x/y", str(root)):
        git(root, "remote", "set-url", "origin", url)
        assert branches._credentials(root, "origin", "secret") == {}
