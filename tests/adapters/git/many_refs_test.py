"""Many refs at once, and none overwritten unasked."""

from __future__ import annotations

import pytest

from mlgit.adapters.git import many_refs
from mlgit.errors import MlgitError
from tests.kit import commit, git, repository


@pytest.fixture
def root(tmp_path):
    git(tmp_path, "init", "--quiet", "--bare", "there.git")
    found = repository(tmp_path / "here", {"a": "1\n"})
    git(found, "remote", "add", "there", "../there.git")
    return found


def refs(root, space="refs/many"):
    return dict(row.split()[::-1] for row in git(root, "for-each-ref", "--format=%(objectname) %(refname)", space).splitlines())


def make(root, count):
    head = git(root, "rev-parse", "HEAD")
    names = [f"refs/many/{number:05}-{'x' * 180}" for number in range(count)]
    git(root, "update-ref", "--stdin", stdin="".join(f"create {name} {head}\n" for name in names))
    return dict.fromkeys(names, head)


@pytest.mark.slow
@pytest.mark.full
def test_refs_that_fit_no_command_line_at_once_go_in_portions(root):
    made = make(root, 1200)
    assert sum(map(len, made)) > 200_000  # with the ids, more than one portion
    assert many_refs.push(root, "there", [f"{oid}:{ref}" for ref, oid in made.items()]) == {}
    assert refs(root.parent / "there.git") == made
    many_refs.delete(root, made)
    assert refs(root) == {}
    many_refs.fetch(root, "there", [f"{ref}:{ref}" for ref in made])
    assert refs(root) == made
    assert many_refs.push(root, "there", [f":{ref}" for ref in made]) == {}
    assert refs(root.parent / "there.git") == {}


def test_removal_is_all_or_none_where_one_was_moved(root):
    made = make(root, 3)
    name = next(iter(made))
    git(root, "update-ref", name, commit(root, "other"))
    with pytest.raises(MlgitError, match="nothing was removed"):
        many_refs.delete(root, made)
    assert len(refs(root)) == 3


def test_ref_that_is_another_there_is_refused_and_the_others_go(root):
    made = make(root, 3)
    name = next(iter(made))
    many_refs.push(root, "there", [f"{made[name]}:{name}"])
    other = git(root, "commit-tree", "HEAD^{tree}", "-m", "other")
    made[name] = other
    refused = many_refs.push(root, "there", [f"{oid}:{ref}" for ref, oid in made.items()])
    assert refused.keys() == {name}
    assert len(refs(root.parent / "there.git")) == 3
    assert many_refs.push(root, "there", [f"{other}:{name}"], force=True) == {}
    assert refs(root.parent / "there.git")[name] == other


def test_fetch_overwrites_no_ref(root):
    made = make(root, 1)
    name = next(iter(made))
    many_refs.push(root, "there", [f"{made[name]}:{name}"])
    other = git(root, "commit-tree", "HEAD^{tree}", "-m", "other")
    git(root, "update-ref", name, other)
    with pytest.raises(MlgitError, match="fetching from 'there' failed"):
        many_refs.fetch(root, "there", [f"{name}:{name}"])
    assert refs(root) == {name: other}


def test_fetch_leaves_tags_and_fetch_head_alone(root):
    git(root, "push", "--quiet", "there", "HEAD:refs/many/a", "HEAD:refs/tags/v1")
    many_refs.fetch(root, "there", ["refs/many/a:refs/many/a"])
    assert git(root, "tag") == ""
    assert not (root / ".git" / "FETCH_HEAD").exists()


def test_nothing_asks_for_no_process(root):
    git(root, "remote", "set-url", "there", "../gone.git")
    many_refs.delete(root, {})
    many_refs.fetch(root, "there", [])
    assert many_refs.push(root, "there", []) == {}


def test_remote_that_is_not_there_is_told(root):
    git(root, "remote", "set-url", "there", "../gone.git")
    for call in (many_refs.push, many_refs.fetch):
        with pytest.raises(MlgitError, match="'there' failed"):
            call(root, "there", ["HEAD:refs/many/a"])
