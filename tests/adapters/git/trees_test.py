"""Folders of commits by the ids of their trees."""

from __future__ import annotations

import pytest

from mlgit.adapters.git import git as adapter
from mlgit.adapters.git.objects import GitObjects
from mlgit.adapters.git.trees import Trees, described
from tests.kit import git, repository


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project", {"a/b/c.txt": "1", "a/b/d é.txt": "2", "e.txt": "3"})


@pytest.fixture
def trees(root):
    objects = GitObjects(root)
    yield Trees(objects)
    objects.close()


def test_entries_are_those_that_git_lists(root, trees):
    tree = git(root, "rev-parse", "HEAD^{tree}")
    trees.fetch([tree])
    for path, (mode, blob, _) in adapter.list_tree(root, "HEAD").items():
        assert trees.at(tree, path) == (mode, blob)
    assert trees.at(tree, "a/b").is_folder
    assert trees.at(tree, "a/b/d é.txt").is_file
    assert trees.at(tree, "").oid == tree


def test_what_is_not_there_is_nothing(root, trees):
    tree = git(root, "rev-parse", "HEAD^{tree}")
    assert trees.at(tree, "a/x") is None
    assert trees.at(tree, "e.txt/x") is None
    assert trees.folder("0" * 40) == {}
    assert trees.folder(git(root, "rev-parse", "HEAD:e.txt")) == {}


def test_links_and_submodules_are_no_files(root, trees):
    head = git(root, "rev-parse", "HEAD")
    blob = git(root, "rev-parse", "HEAD:e.txt")
    rows = f"120000 blob {blob}\tlink\n160000 commit {head}\tmodule\n"
    tree = adapter.run(root, "mktree", "--missing", stdin=rows.encode()).text.strip()
    found = trees.folder(tree)
    assert found.keys() == {"link", "module"}
    assert not any(each.is_file or each.is_folder for each in found.values())


def test_objects_are_described_by_type_and_size(root):
    blob, head = git(root, "rev-parse", "HEAD:e.txt", "HEAD").split()
    found = described(root, [blob, head, "0" * 40])
    assert found[blob] == ("blob", 1)
    assert found[head][0] == "commit"
    assert found.keys() == {blob, head}
