"""Pristine renders travel with `mlgit push` and `mlgit pull`, also where two clones updated at the same time."""

import pytest

from mlgit.commands import pull, push
from mlgit.commands.template_update import update_project
from tests.kit import commit, git
from tests.scaffold import update_kit

pytestmark = pytest.mark.slow

REF = "refs/mlgit/template"


@pytest.fixture
def clones(tmp_path):
    """A project at a remote, in two clones; and the next version of its template."""
    one, two = update_kit.write_versions(tmp_path)
    first = update_kit.make_project(tmp_path / "p", one)
    second = update_kit.clone(first)
    git(first, "remote", "add", "origin", git(second, "remote", "get-url", "origin"))
    git(first, "fetch", "--quiet", "origin")
    return first, second, two


def test_push_sends_the_render_of_an_update_and_pull_brings_it(clones, monkeypatch):
    first, second, two = clones
    monkeypatch.chdir(first)
    update_project(source=str(two))
    commit(first, "Update")
    assert REF in push.push().refs
    monkeypatch.chdir(second)
    pull.pull()
    assert git(second, "rev-parse", REF) == git(first, "rev-parse", REF)


def test_renders_of_two_clones_are_joined_by_the_one_that_pushes_last(clones, monkeypatch):
    first, second, two = clones
    for root, answer in ((first, "a"), (second, "b")):
        monkeypatch.chdir(root)
        git(root, "fetch", "--quiet", "origin", f"{REF}:{REF}")
        (two / "files" / f"{answer}.txt").write_text(answer)
        update_project(source=str(two))
        git(root, "add", "--all")
        git(root, "checkout", "--quiet", "-b", answer)
        commit(root, "Update")
        assert REF in push.push().refs
    mine, theirs = (git(root, "rev-parse", f"{REF}^{{tree}}") for root in (second, first))
    at_remote = git(second, "ls-remote", "origin", REF).split()[0]
    assert at_remote == git(second, "rev-parse", REF)
    assert {mine, theirs} <= set(git(second, "log", "--format=%T", REF).split())
