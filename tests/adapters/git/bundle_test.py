"""States of a working tree on their way to another machine, and the trees that stages run in there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgit.adapters.git import bundle
from mlgit.adapters.git.bundle import Clone
from mlgit.adapters.git.checkout import WorkingTree
from mlgit.errors import MlgitError
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # real processes, many of them


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "project", {"a.txt": "a\n", "sub/b.txt": "b\n", "sub/deep/c.txt": "c\n"})


def files(folder: Path) -> dict[str, str]:
    """The files of a tree, without what Git and DVC keep for themselves."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_text() for path in found}
    return {path: text for path, text in texts.items() if not path.startswith((".git", ".dvc"))}


def test_clean_tree_is_head(root):
    assert bundle.snapshot(root) == bundle.WorkingTreeSnapshot(git(root, "rev-parse", "HEAD"))


def test_changes_become_a_commit_that_nothing_points_to(root):
    head = git(root, "rev-parse", "HEAD")
    write_tree(root, {"a.txt": "changed\n", "new.txt": "new\n", "ignored.txt": "no\n", ".gitignore": "/ignored.txt\n"})
    (root / "sub/b.txt").unlink()
    git(root, "add", "new.txt")
    status, index = git(root, "status", "--porcelain"), (root / ".git/index").read_bytes()
    found = bundle.snapshot(root)
    assert found == bundle.snapshot(root)
    assert (root / ".git/index").read_bytes() == index  # asking for the status may refresh it
    assert git(root, "status", "--porcelain") == status
    assert found.changed == (".gitignore", "a.txt", "new.txt", "sub/b.txt")
    assert git(root, "ls-tree", "-r", "--name-only", found.commit, "a.txt", "new.txt", "sub").split() == [
        "a.txt",
        "new.txt",
        "sub/deep/c.txt",
    ]
    assert git(root, "rev-parse", f"{found.commit}^") == head
    assert git(root, "for-each-ref", f"--contains={found.commit}") == ""


def test_outputs_stay_out_of_it_whether_ignored_or_not(root):
    write_tree(root, {"out/x": "1\n", "out.txt": "2\n", "other.txt": "3\n", ".gitignore": "/out.txt\n"})
    found = bundle.snapshot(root, leave_out=["out", "out.txt", "nothing"])
    assert found.changed == (".gitignore", "other.txt")


def test_repository_without_a_commit(tmp_path):
    write_tree(tmp_path, {"a.txt": "a\n"})
    git(tmp_path, "init", "-q")
    assert bundle.snapshot(tmp_path).changed == ("a.txt",)


def test_forgotten_large_file_is_told(root, monkeypatch):
    monkeypatch.setattr(bundle, "LARGEST_UNTRACKED", 10)
    write_tree(root, {"raw.csv": "x" * 11})
    with pytest.raises(MlgitError, match=r"raw\.csv: neither tracked nor ignored") as caught:
        bundle.snapshot(root)
    assert "`dvc add raw.csv`" in caught.value.hint
    assert bundle.snapshot(root, leave_out=["raw.csv"]).changed == ()


def test_commit_travels_without_history_and_then_only_what_is_new(root, tmp_path):
    write_tree(root, {"a.txt": "second\n"})
    second = commit(root)
    clone = Clone(tmp_path / "there/clone.git")
    assert clone.commits() == []
    first_pack = bundle.pack(root, second)
    clone.receive(second, first_pack)
    assert clone.commits() == [second]
    assert git(clone.folder, "rev-list", "--all") == second
    write_tree(root, {"sub/b.txt": "third\n"})
    third = bundle.snapshot(root).commit
    pack = bundle.pack(root, third, have=[second, "0" * 40])
    assert len(pack) < len(first_pack)
    clone.receive(third, pack)
    assert "missing" not in git(clone.folder, "fsck")
    for oid in (second, third, second):
        clone.check_out(oid, tmp_path / "tree")
        assert git(tmp_path / "tree", "rev-parse", "HEAD") == oid
        assert files(tmp_path / "tree")["sub/b.txt"] == ("third\n" if oid == third else "b\n")


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> WorkingTree:
    clone = Clone(tmp_path / "clone.git")
    oid = git(root, "rev-parse", "HEAD")
    clone.receive(oid, bundle.pack(root, oid))
    return WorkingTree(tmp_path / "tree", clone, oid)


def test_tree_is_made_what_it_was(tree, tmp_path):
    folder = tmp_path / "tree"
    before = files(folder)
    write_tree(folder, {"a.txt": "A\n", "stray.txt": "", "sub/stray/x": "", "dir/x": ""})
    (folder / "sub/b.txt").unlink()
    (folder / "link").symlink_to("a.txt")
    (folder / "sub/deep/c.txt").unlink()
    (folder / "sub/deep").rmdir()
    os.symlink("/", folder / "sub/deep")
    tree.tidy()
    assert files(folder) == before
    assert not (folder / "link").is_symlink()
    assert not (folder / "sub/deep").is_symlink()
    assert git(folder, "status", "--porcelain") == ""


def test_what_is_kept_stays_until_it_is_not_wanted(tree, tmp_path):
    folder = tmp_path / "tree"
    write_tree(folder, {"data/x": "1\n", "in/deep/y": "2\n", "a.txt": "replaced\n", "sub/__pycache__/m.pyc": "x"})
    tree.keep("data", "in/deep/y", "a.txt")
    tree.tidy(keep=["data", "in/deep/y", "a.txt", "elsewhere"])
    assert files(folder) == {
        "a.txt": "replaced\n",
        "data/x": "1\n",
        "in/deep/y": "2\n",
        "sub/__pycache__/m.pyc": "x",
        "sub/b.txt": "b\n",
        "sub/deep/c.txt": "c\n",
    }
    tree.tidy(keep=["in/deep/y"])
    assert sorted(files(folder)) == ["a.txt", "in/deep/y", "sub/__pycache__/m.pyc", "sub/b.txt", "sub/deep/c.txt"]
    assert files(folder)["a.txt"] == "a\n"
