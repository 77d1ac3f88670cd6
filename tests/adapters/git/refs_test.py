"""Branches by one process: the default one by the name that Git takes for it, whatever tags are called."""

from __future__ import annotations

import pytest

from mlgit.adapters.git import refs
from tests.kit import git, repository


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project", {"a": "1\n"})


def test_branch_is_told_by_its_short_name(root):
    found = refs.branches(root)
    assert (found.current, found.default, found.commit_of("main")) == ("main", "main", git(root, "rev-parse", "HEAD"))


@pytest.mark.parametrize(
    ("ref", "name"), [("refs/heads/main", "heads/main"), ("refs/remotes/origin/main", "remotes/origin/main")]
)
def test_tag_of_that_name_is_not_taken_for_it(root, ref, name):
    first = git(root, "rev-parse", "HEAD")
    git(root, "switch", "--quiet", "--create", "other")
    git(root, "branch", "--quiet", "-D", "main")
    git(root, "update-ref", ref, first)
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Later")
    git(root, "tag", ref.removeprefix("refs/heads/").removeprefix("refs/remotes/"))
    found = refs.branches(root)
    assert (found.default, found.commit_of(found.default)) == (name, first)
    assert git(root, "rev-parse", name) == first


def test_configured_branch_beside_a_tag_of_its_name(root):
    git(root, "branch", "--quiet", "--move", "main", "trunk")
    git(root, "config", "init.defaultBranch", "trunk")
    git(root, "tag", "trunk")
    assert refs.branches(root).default == "heads/trunk"


def test_what_the_remote_calls_head_is_the_default(root):
    git(root, "update-ref", "refs/remotes/origin/develop", "HEAD")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    assert refs.branches(root).default == "origin/develop"


def test_detached_head_is_on_no_branch(root):
    git(root, "switch", "--quiet", "--detach")
    assert refs.branches(root).current is None
