from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlgit.adapters.git import fast_import
from mlgit.adapters.git.fast_import import NewCommit
from mlgit.errors import MlgitError
from tests.kit import git

PERSON = "Ada Example <ada@example.com> 1000 +0000"


@pytest.fixture(params=["sha1", "sha256"])
def root(tmp_path, request):
    git(tmp_path, "init", "--quiet", f"--object-format={request.param}")
    (tmp_path / "a.txt").write_text("a\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def head(root) -> str:
    return git(root, "rev-parse", "HEAD").strip()


def test_commits_stand_on_refs_with_their_files_alone(root):
    commits = [NewCommit(f"refs/x/{each}", head(root), "One\n", PERSON, {"f": b"%d\n\0" % each}) for each in range(3)]
    assert fast_import.write(root, commits) == 3
    assert git(root, "ls-tree", "--name-only", "refs/x/2").split() == ["f"]
    assert git(root, "rev-parse", "refs/x/2^").strip() == head(root)
    assert git(root, "log", "-1", "--format=%an %at %s", "refs/x/2").strip() == "Ada Example 1000 One"
    assert git(root, "fsck", "--strict") == ""


def test_what_a_parent_holds_can_be_kept_and_taken_away(root):
    fast_import.write(root, [NewCommit("refs/x/1", "", "One", PERSON, {"a": b"1", "b": b"1"})])
    first = git(root, "rev-parse", "refs/x/1").strip()
    fast_import.write(root, [NewCommit("refs/x/1", first, "Two", PERSON, {"a": b"2", "b": None, "c": b"2"}, keeps=True)])
    assert git(root, "ls-tree", "--name-only", "refs/x/1").split() == ["a", "c"]
    assert git(root, "show", "refs/x/1:a") == "2"


def test_broken_source_moves_no_ref(root):
    def commits() -> Iterator[NewCommit]:
        yield NewCommit("refs/x/1", "", "One", PERSON, {"a": b"1"})
        raise MlgitError("no more")

    with pytest.raises(MlgitError, match="no more"):
        fast_import.write(root, commits())
    assert git(root, "for-each-ref", "refs/x") == ""


def test_ref_that_moved_meanwhile_is_not_overwritten(root):
    fast_import.write(root, [NewCommit("refs/x/1", "", "One", PERSON, {"a": b"1"})])
    before = git(root, "rev-parse", "refs/x/1")
    with pytest.raises(MlgitError, match="fast-import"):
        fast_import.write(root, [NewCommit("refs/x/1", "", "Two", PERSON, {"a": b"2"})])
    assert git(root, "rev-parse", "refs/x/1") == before


def test_many_refs_are_packed(root):
    fast_import.write(root, (NewCommit(f"refs/x/{each}", "", "One", PERSON, {"a": b"1"}) for each in range(501)))
    assert len((root / ".git/packed-refs").read_text().split("refs/x/")) == 502
