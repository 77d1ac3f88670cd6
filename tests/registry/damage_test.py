"""What was done to tags behind mlgit's back is found, named, and harms no other artifact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlgit.registry import integrity, log, read, state
from mlgit.registry.grammar import Reference
from tests.kit import git
from tests.registry.histories import START, chained, commits, tag

pytestmark = pytest.mark.slow  # real repositories, many times

Change = Callable[[Path, list[str]], object]


def _world(root: Path) -> list[str]:
    """`churn` with two versions, each put into prod, and `other` with one."""
    places = commits(root, 4)
    tag(root, "other@v1.0.0", places[0], when=START + 5, text=chained(root))
    tag(root, "churn@v1.0.0", places[0], when=START, text=chained(root))
    tag(root, "churn#prod#1", places[0], when=START + 10, text=chained(root, after="churn@v1.0.0"))
    tag(root, "churn@v1.1.0", places[1], when=START + 20, text=chained(root, after="churn#prod#1"))
    tag(root, "churn#prod#2", places[1], when=START + 30, text=chained(root, after="churn@v1.1.0"))
    return places


def _found(root: Path) -> list[tuple[str, str]]:
    tags = read.tags(root)
    registry = state.fold(tags.events, faults=tags.faults)
    assert registry.resolve(Reference("other")).name == "v1.0.0"
    assert not registry.artifact("other").faults
    found = [each for it in registry.artifacts.values() for each in state.problems(it)]
    found += integrity.against_log(read.published(root), tags.oids)
    return [(each.kind, each.ref) for each in found]


def _again(ref: str, place: int, after: str, when: int) -> Change:
    return lambda root, at: tag(root, ref, at[place], when=START + when, text=chained(root, after=after) + "x: 1\n", force=True)


def _more(ref: str, place: int, after: str, when: int) -> Change:
    return lambda root, at: tag(root, ref, at[place], when=START + when, text=chained(root, after=after))


_DAMAGE: dict[str, tuple[Change, list[tuple[str, str]]]] = {
    "nothing": (lambda root, at: None, []),
    "deleted": (lambda root, at: git(root, "tag", "-d", "churn#prod#1"), [("deleted", "churn#prod#1")]),
    "moved": (_again("churn#prod#1", 2, "churn@v1.0.0", 10), [("moved", "churn#prod#1")]),
    "edited": (_again("churn@v1.1.0", 1, "churn#prod#1", 20), [("moved", "churn@v1.1.0")]),
    "forked": (_more("churn#prod!#2", 1, "churn@v1.1.0", 31), [("forked", "churn#prod!#2")]),
    "backdated": (_more("churn#prod#3", 0, "churn#prod#2", 1), [("backdated", "churn#prod#3")]),
    "foreign": (lambda root, at: tag(root, "churn#prod#3", at[0], when=START + 40), [("foreign", "churn#prod#3")]),
    "lightweight": (lambda root, at: git(root, "tag", "churn@v9.0.0", at[2]), [("lightweight", "churn@v9.0.0")]),
    "foreign before the first": (
        lambda root, at: tag(root, "churn#prod#3", at[0], when=START - 9),
        [("foreign", "churn#prod#3")],
    ),
    "renamed": (
        lambda root, at: git(root, "update-ref", "refs/tags/churn#prod#7", git(root, "rev-parse", "refs/tags/churn#prod#1")),
        [("renamed", "churn#prod#7")],
    ),
    "of a tree": (
        lambda root, at: tag(root, "churn#prod#3", f"{at[0]}^{{tree}}", when=START + 40),
        [("astray", "churn#prod#3")],
    ),
    "another model's chain": (_more("churn#prod#3", 0, "other@v1.0.0", 40), [("unreadable", "churn#prod#3")]),
    "withdrawn in use": (_more("churn@v1.1.0!", 1, "churn#prod#2", 40), [("withdrawn", "churn#prod#2")]),
    "withdrawn elsewhere": (_more("churn@v1.0.0!", 2, "churn#prod#2", 40), [("contradiction", "churn@v1.0.0!")]),
    "unreadable": (
        lambda root, at: tag(root, "churn#prod#3", at[0], when=START + 40, text="x\n---\nmlgit: 7\nevent: assign\n"),
        [("unreadable", "churn#prod#3")],
    ),
    "about another version": (
        lambda root, at: tag(
            root, "churn#prod#3", at[0], when=START + 40, text=f"{chained(root, after='churn#prod#2')}version: v1.1.0\n"
        ),
        [("contradiction", "churn#prod#3")],
    ),
    "another kind of event": (
        lambda root, at: tag(
            root, "churn#prod#3", at[0], when=START + 40, text=chained(root, after="churn#prod#2", event="unassign")
        ),
        [("contradiction", "churn#prod#3")],
    ),
    "shared commit": (_more("churn@v1.2.0", 1, "churn#prod#2", 40), [("shared-commit", "churn@v1.2.0")]),
}


@pytest.mark.parametrize("damage", _DAMAGE)
def test_damage_is_found_and_named_and_leaves_other_artifacts_alone(tmp_path: Path, damage: str) -> None:
    change, expected = _DAMAGE[damage]
    change(tmp_path, _world(tmp_path))
    assert _found(tmp_path) == expected


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda root, at: git(root, "tag", "-d", "churn#prod#2"), "deleted"),
        (_again("churn#prod#2", 1, "churn@v1.1.0", 30), "moved"),
    ],
    ids=["deleted", "edited"],
)
def test_the_log_shows_what_became_of_the_newest_tag(tmp_path: Path, change: Change, kind: str) -> None:
    places = _world(tmp_path)
    rows = [(ref, git(tmp_path, "rev-parse", f"refs/tags/{ref}")) for ref in git(tmp_path, "tag").split()]
    commit = git(tmp_path, "commit-tree", git(tmp_path, "mktree"), "-F", "-", stdin=log.format(rows))
    git(tmp_path, "update-ref", log.REF, commit)
    assert _found(tmp_path) == []
    change(tmp_path, places)
    assert _found(tmp_path) == [(kind, "churn#prod#2")]


def test_a_tag_of_a_tag_is_about_the_commit_in_the_end(tmp_path: Path) -> None:
    _world(tmp_path)
    tag(tmp_path, "churn#prod#3", "churn@v1.0.0", when=START + 40, text=chained(tmp_path, after="churn#prod#2"))
    current = state.fold(read.load(tmp_path)).artifact("churn").current("prod")
    assert current
    assert current.version == "v1.0.0"


def test_a_tag_whose_object_is_lost_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    _world(tmp_path)
    oid = git(tmp_path, "rev-parse", "refs/tags/churn#prod#2")
    (tmp_path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    assert _found(tmp_path) == [("missing", "churn#prod#2")]
