"""A remote whose log ends earlier than the one here gets what it lacks; one whose log went another way is refused."""

from __future__ import annotations

import re

import pytest

from mlgit.errors import MlgitError
from mlgit.registry import log, publish
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.worlds import assign, hook, on_origin, published, sends, world

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


def test_rewritten_log_is_noticed_and_both_are_kept(shared):
    sends(shared.root, "v1.0.0")
    other = git(shared.origin, "commit-tree", git(shared.origin, "mktree"), "-p", f"{log.REF}~1", "-m", "a@v1.0.0 " + "1" * 40)
    git(shared.origin, "update-ref", log.REF, other)
    before = git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")
    with pytest.raises(MlgitError, match="was rewritten") as caught:
        sends(shared.root, "v1.1.0")
    assert (git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")) == before
    mine = git(shared.root, "rev-parse", log.REF)
    for command in re.findall(r"`git (update-ref [^`]*)`", caught.value.hint):
        git(shared.root, *command.split())
    assert (git(shared.root, "rev-parse", f"{log.REF}-kept"), git(shared.root, "rev-parse", log.REF)) == (mine, other)
    assert sends(shared.root, "v1.1.0").pushed == ("churn#prod#2",)


# Ends a push after which the log there names a tag that is not there.
COMPLETE = r"""git log --format=%B refs/mlgit/log 2>/dev/null | while read name oid; do
  test -z "$name" || test "$(git rev-parse -q --verify "refs/tags/$name")" = "$oid" || echo "$name" >> "$GIT_DIR/lacking"
done; grep -c refs/tags/ >> "$GIT_DIR/pushes"
"""


@pytest.fixture
def mirror(shared):
    """Another remote, from before anything was put anywhere; since then three tags were published."""
    there = shared.root.parent / "mirror.git"
    git(shared.root.parent, "clone", "--quiet", "--mirror", str(shared.origin), str(there))
    git(shared.root, "remote", "add", "mirror", str(there))
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        sends(shared.root, version)
    hook(there, "post-receive", COMPLETE)
    return there


@pytest.mark.parametrize("lacks", ["some tags", "everything", "the log", "one tag and the log"])
def test_remote_whose_log_is_behind_gets_what_it_lacks(shared, mirror, lacks):
    before = git(shared.root, "rev-parse", log.REF)
    if lacks == "everything":
        for ref in git(mirror, "for-each-ref", "--format=%(refname)").split():
            git(mirror, "update-ref", "-d", ref)
    elif lacks != "some tags":
        git(shared.root, "push", "--quiet", "mirror", "--tags")
        git(mirror, "update-ref", "-d", log.REF)
    if lacks == "one tag and the log":
        git(mirror, "tag", "-d", "churn#prod#2")
    (mirror / "pushes").write_text("")
    done = mlgit(shared.root, "push", "--tags-only", "--remote", "mirror", "--json")
    assert done.code == 0, done.said
    assert on_origin(mirror) == on_origin(shared.origin)
    assert git(mirror, "rev-parse", log.REF) == git(shared.root, "rev-parse", log.REF) == before
    assert {int(each) for each in (mirror / "pushes").read_text().split()} <= {0, 1, 2}
    assert not (mirror / "lacking").exists()
    assert sends(shared.root, "v1.0.0").pushed == ("churn#prod#4",)  # to origin, as before


def test_next_tag_goes_to_a_remote_that_is_behind_with_all_before_it(shared, mirror):
    found = publish.send(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="mirror")
    assert found.pushed == tuple(f"churn#prod#{number}" for number in (1, 2, 3, 4))
    assert "'mirror' was behind: 3 tags" in found.notes[0]
    assert published(mirror)[-1] == "churn#prod#4"
    assert published(shared.origin)[-1] == "churn#prod#3"  # now the one that is behind
    assert sends(shared.root, "v1.1.0").pushed == ("churn#prod#4", "churn#prod#5")
    assert git(shared.origin, "rev-parse", log.REF) == git(shared.root, "rev-parse", log.REF)


def test_newest_tag_taken_away_at_the_remote_with_its_line_in_the_log_comes_back(shared):
    sends(shared.root, "v1.0.0")
    git(shared.origin, "tag", "-d", "churn#prod#1")
    git(shared.origin, "update-ref", log.REF, f"{log.REF}~1")
    assert sends(shared.root, "v1.1.0").pushed == ("churn#prod#1", "churn#prod#2")


def test_tag_that_is_another_one_at_the_remote_is_not_sent_with_the_log(shared, mirror):
    git(mirror, "tag", "-a", "-m", "another", "churn#prod#2", "churn@v1.0.0^{commit}")
    with pytest.raises(MlgitError, match=r"the tag churn#prod#2 is .* here and .* on 'mirror'"):
        publish.send(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="mirror")


def test_remote_that_is_behind_and_takes_no_log_gets_the_tags(shared, mirror):
    git(mirror, "config", "receive.hideRefs", "refs/mlgit")
    found = publish.send(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="mirror")
    assert on_origin(mirror).keys() >= {f"churn#prod#{number}" for number in (1, 2, 3, 4)}
    assert "does not take refs/mlgit/log" in found.notes[0]
