"""Which faults of tags forbid serving: those of the tags that decide, and whatever shows that a published tag was changed."""

from __future__ import annotations

import hashlib

import pytest

from mlgit.errors import MlgitError
from mlgit.registry import grammar, state
from mlgit.registry.event import Event
from mlgit.registry.integrity import TagFault
from mlgit.serving import trusted_tags

COMMITS = {"v1.0.0": "1" * 40, "v1.1.0": "2" * 40}


def event(ref, time, *, version, previous=""):
    """A tag of mlgit about a version, which says that it follows another."""
    link = f"previous: {previous} {oid(previous)}\n" if previous else ""
    text = f"what was done\n\n---\nmlgit: 1\nversion: {version}\n{link}"
    return Event(grammar.parse(ref), ref, oid(ref), COMMITS[version], time, "Ada", "ada@example.com", text, COMMITS[version])


def oid(ref):
    return hashlib.sha1(ref.encode(), usedforsecurity=False).hexdigest()


HISTORY = (
    event("churn@v1.0.0", 1, version="v1.0.0"),
    event("churn@v1.1.0", 2, version="v1.1.0", previous="churn@v1.0.0"),
    event("churn#prod#1", 3, version="v1.0.0", previous="churn@v1.1.0"),
)
LATER = event("churn#prod#2", 5, version="v1.1.0", previous="churn#prod#1")


def require(events, *faults, environment="prod"):
    artifact = state.fold(events).artifact("churn")
    version = artifact.version(artifact.current(environment).version) if environment else artifact.version("v1.0.0")
    trusted_tags.require(artifact, version, environment=environment, faults=faults)


def fault(kind, ref, artifact="churn"):
    return TagFault(kind, ref, "is wrong", "", artifact)


@pytest.mark.parametrize("kind", ["moved", "deleted", "replaced"])
def test_changed_history_forbids_whatever_tag_it_was(kind):
    with pytest.raises(MlgitError, match=r"churn@v1\.1\.0: is wrong"):
        require(HISTORY, fault(kind, "churn@v1.1.0"))


@pytest.mark.parametrize("kind", ["unreadable", "contradiction", "foreign"])
@pytest.mark.parametrize("ref", ["churn#prod#1", "churn@v1.0.0"])
def test_fault_of_a_tag_that_decides_forbids(kind, ref):
    with pytest.raises(MlgitError, match="is wrong"):
        require(HISTORY, fault(kind, ref))


@pytest.mark.parametrize("kind", ["unreadable", "contradiction", "foreign"])
def test_fault_of_a_tag_that_something_came_after_does_not(kind):
    require((*HISTORY, LATER), fault(kind, "churn#prod#1"), fault(kind, "churn@v1.0.0"))


@pytest.mark.parametrize("kind", ["unlogged", "lightweight", "renamed", "backdated", "withdrawn", "shared-commit", "absent"])
def test_fault_that_changes_no_meaning_does_not_forbid(kind):
    require(HISTORY, fault(kind, "churn#prod#1"))


def test_fault_of_another_model_is_none_of_this_one():
    require(HISTORY, fault("moved", "other#prod#1", "other"))


def test_rewritten_log_forbids():
    with pytest.raises(MlgitError, match="refs/mlgit/log: is wrong"):
        require(HISTORY, fault("forked", "refs/mlgit/log", ""))


def test_lost_object_of_a_tag_forbids_where_it_could_decide():
    require(HISTORY, fault("missing", "churn#staging#9"))
    for ref in ("churn#prod#9", "churn@v1.0.0!"):
        with pytest.raises(MlgitError, match="is wrong"):
            require(HISTORY, fault("missing", ref))


def test_several_faults_are_counted():
    with pytest.raises(MlgitError, match=r"is wrong \(and 1 more fault of its tags\)"):
        require(HISTORY, fault("moved", "churn@v1.0.0"), fault("moved", "churn@v1.1.0"))


def test_two_tags_that_follow_the_same_forbid_until_one_came_after():
    twins = (*HISTORY, LATER, event("churn#prod#3", 6, version="v1.0.0", previous="churn#prod#1"))
    with pytest.raises(MlgitError, match="churn#prod#2 and churn#prod#3 were written at once"):
        require(twins)
    require((*twins, event("churn#prod#4", 7, version="v1.0.0", previous="churn#prod#3")))


def test_twins_of_different_environments_are_no_matter():
    require((*HISTORY, LATER, event("churn#staging#3", 6, version="v1.0.0", previous="churn#prod#1")))


def test_version_by_its_name_depends_on_no_environment():
    require(HISTORY, fault("foreign", "churn#prod#1"), environment="")
    with pytest.raises(MlgitError, match="is wrong"):
        require(HISTORY, fault("foreign", "churn@v1.0.0"), environment="")
