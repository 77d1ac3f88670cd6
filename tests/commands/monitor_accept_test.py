"""Windows that alarmed and are accepted, in one clone and in two."""

from __future__ import annotations

import pytest

from mlgit.commands.monitor_accept import accept
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, verdict_refs, verdict_sync
from tests.kit import git, repository
from tests.monitoring import chains
from tests.monitoring.chains import DIGEST, REF, entry

DAY = chains.day(1)


def judge(root, *entries, ref=REF):
    for each in entries:
        verdict_refs.append(root, verdict_refs.load(root, ref), each)


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"readme": "x\n"})
    judge(root, entry(0), entry(1, word="page"))
    monkeypatch.chdir(root)
    return root


def test_window_that_alarmed_becomes_part_of_what_later_ones_are_held_against(root):
    before = [each.verdict.window.name for each in verdict_refs.load(root, REF).admitted(DIGEST)]
    found = accept(DAY, reason=" a new office\n")
    after = verdict_refs.load(root, REF)
    assert (before, [each.verdict.window.name for each in after.admitted(DIGEST)]) == ([chains.day(0)], [chains.day(0), DAY])
    assert (found.is_new, found.acceptance.reason, found.verdict) == (True, "a new office", "page")
    assert found.acceptance == after.timeline[-1].acceptance


def test_commit_is_by_the_person_that_git_knows(root):
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.com")
    found = accept(DAY, reason="a new office")
    assert found.document()["by"] == "Ada <ada@example.com>"
    assert git(root, "log", "-1", "--format=%an <%ae>: %s", REF) == f"Ada <ada@example.com>: Accept {DAY}"


def test_accepting_twice_says_who_was_first_and_writes_nothing(root):
    accept(DAY, reason="first")
    tip = verdict_refs.tip(root, REF)
    found = accept(DAY, reason="second")
    assert (found.is_new, found.acceptance.reason, verdict_refs.tip(root, REF)) == (False, "first", tip)


def test_quiet_window_needs_no_acceptance(root):
    with pytest.raises(MlgitError, match="was quiet"):
        accept(chains.day(0), reason="x")


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 2001])
def test_reason_is_needed_and_bounded(root, reason):
    with pytest.raises(MlgitError, match="--reason"):
        accept(DAY, reason=reason)


def test_window_of_several_models_needs_a_name(root):
    judge(root, entry(1, word="watch"), ref=chain.ref_of("tumor", "prod"))
    with pytest.raises(MlgitError, match="was judged for churn#prod, tumor#prod") as told:
        accept(DAY, reason="x")
    assert "churn#prod" in told.value.hint
    assert accept(DAY, reason="x", name="tumor").model == "tumor"


def test_unknown_window_is_refused(root):
    with pytest.raises(MlgitError, match="no window 'yesterday' was judged"):
        accept("yesterday", reason="x")


def test_window_whose_rows_changed_since_is_accepted_as_it_is_now(root):
    judge(root, entry(1, word="watch", digest="sha256:later"))
    assert accept(DAY, reason="x").acceptance.window == "sha256:later"


def test_without_an_identity_nothing_is_written(root, monkeypatch):
    for name in ("user.name", "user.email"):
        git(root, "config", name, "")
    tip = verdict_refs.tip(root, REF)
    with pytest.raises(MlgitError, match="who commits"):
        accept(DAY, reason="x")
    assert verdict_refs.tip(root, REF) == tip


@pytest.fixture
def sides(tmp_path, monkeypatch):
    one, two = chains.clones(tmp_path)
    judge(one, entry(0), entry(1, word="page"))
    verdict_sync.share(one, REF, "origin")
    verdict_sync.share(two, REF, "origin")
    monkeypatch.chdir(one)
    return one, two


def test_pushed_acceptance_is_known_to_others(sides):
    found = accept(DAY, reason="x", push=True)
    verdict_sync.share(sides[1], REF, "origin")
    assert (found.is_sent, verdict_refs.load(sides[1], REF).timeline[-1].acceptance.reason) == (True, "x")


def test_acceptance_of_another_clone_is_found_before_one_is_written(sides, monkeypatch):
    accept(DAY, reason="first", push=True)
    monkeypatch.chdir(sides[1])
    found = accept(DAY, reason="second", push=True)
    assert (found.is_new, found.acceptance.reason) == (False, "first")


def test_two_acceptances_in_two_clones_end_as_the_first(sides, monkeypatch):
    monkeypatch.chdir(sides[1])
    accept(DAY, reason="second")
    monkeypatch.chdir(sides[0])
    accept(DAY, reason="first", push=True)
    found = verdict_sync.share(sides[1], REF, "origin").chain
    assert [each.acceptance.reason for each in found.entries if each.acceptance] == ["first"]


def test_remote_that_does_not_answer_leaves_nothing_behind(sides):
    git(sides[0], "remote", "set-url", "origin", str(sides[0] / "gone"))
    tip = verdict_refs.tip(sides[0], REF)
    with pytest.raises(MlgitError, match="does not answer"):
        accept(DAY, reason="x", push=True)
    assert verdict_refs.tip(sides[0], REF) == tip
