"""Verdicts as commits: the same for the same window, never lost, and never believed."""

from __future__ import annotations

import json

import pytest

from mlgit.adapters.git import git as git_adapter
from mlgit.errors import MlgitError
from mlgit.monitoring import chain_codec, verdict_refs
from mlgit.monitoring.verdict_refs import ChainMovedError
from tests.kit import git, repository
from tests.monitoring import chains
from tests.monitoring.chains import REF, acceptance, entry


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project", {"readme": "x\n"})


def put(root, files, *, parents=(), signature=f"{verdict_refs.AUTHOR} 1777679999 +0000", message="x"):
    """A commit with these files at the end of the ref, as a stranger would push it."""
    tree = git_adapter.write_tree(root, {name: ("100644", content) for name, content in files.items()})
    oid = git_adapter.write_commit(root, tree, message=message, signature=signature, parents=parents)
    git(root, "update-ref", REF, oid)
    return oid


def test_what_was_appended_is_loaded(root):
    chains.run(root, [1, 2])
    found = verdict_refs.load(root, REF)
    verdict_refs.append(root, found, acceptance(2, reason="a new office\nand a new name"))
    found = verdict_refs.load(root, REF)
    assert [each.kind for each in found.entries] == ["verdict", "verdict", "accept"]
    assert found.entries[0].verdict == chains.verdict(1, martingale=1.0)
    assert found.entries[2].acceptance.reason == "a new office\nand a new name"
    assert found.entries[2].acceptance.author == git(root, "log", "-1", "--format=%an <%ae>")
    assert found.tip == git(root, "rev-parse", REF)


def test_chain_that_was_appended_to_is_the_one_that_is_loaded(root):
    made = chains.run(root, [1, 2])
    made = verdict_refs.append(root, made, acceptance(2))
    found = verdict_refs.load(root, REF)
    assert (made.tip, [each.commit for each in made.entries]) == (found.tip, [each.commit for each in found.entries])
    assert [each.acceptance for each in made.entries] == [each.acceptance for each in found.entries]
    assert [each.counts_id for each in made.entries] == [each.counts_id for each in found.entries] != ["", "", ""]


def test_counts_are_read_when_they_are_asked_for(root):
    chains.run(root, [1, 2])
    found = verdict_refs.load(root, REF)
    assert [each.counts for each in found.entries] == [None, None]
    read = verdict_refs.counted(root, found.entries)
    assert [each.counts.columns["amount"].counts.tolist() for each in read] == [[[3, 1, 7]], [[3, 2, 7]]]


def test_two_runners_make_the_same_commits_of_the_same_windows(tmp_path):
    one, two = (repository(tmp_path / name, {"readme": name}) for name in ("one", "two"))
    git(two, "config", "user.name", "Somebody Else")
    git(two, "config", "commit.gpgsign", "true")
    assert chains.run(one, [1, 2, 3]).tip == chains.run(two, [1, 2, 3]).tip


def test_commit_bears_the_time_of_its_window(root):
    chains.run(root, [1, 2])
    assert git(root, "log", "--format=%aI %cI %an", REF).splitlines() == [
        "2026-05-03T23:59:59+00:00 2026-05-03T23:59:59+00:00 mlgit",
        "2026-05-02T23:59:59+00:00 2026-05-02T23:59:59+00:00 mlgit",
    ]


def test_no_commit_is_older_than_the_one_before_it(root):
    chains.run(root, [5, 1])
    assert git(root, "log", "--format=%cI", REF).splitlines() == ["2026-05-06T23:59:59+00:00"] * 2


def test_windows_without_time_are_dated_after_their_version_and_each_other(root):
    found = verdict_refs.load(root, REF)
    for number in (1, 2):
        found = verdict_refs.append(root, found, entry(number, timed=False), not_before=1_700_000_000)
    assert git(root, "log", "--format=%ct", REF).splitlines() == ["1700000001", "1700000000"]


def test_time_that_no_commit_can_have_is_brought_to_the_nearest(root):
    for number, until in enumerate(("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")):
        given = entry(number)
        window = type(given.verdict.window)(f"w{number}", f"sha256:{number}", 1, "", until)
        verdict = type(given.verdict)(
            **{name: getattr(given.verdict, name) for name in given.verdict.__slots__} | {"window": window}
        )
        verdict_refs.append(root, verdict_refs.load(root, REF), type(given)("verdict", verdict))
    assert git(root, "log", "--format=%ct", REF).splitlines() == ["253402300799", "0"]


def test_names_of_windows_are_not_obeyed_in_messages(root):
    given = chains.verdict(1)
    window = type(given.window)("a\nb\x1b[31m\0", "sha256:1", 1)
    verdict = type(given)(**{name: getattr(given, name) for name in given.__slots__} | {"window": window})
    verdict_refs.append(root, verdict_refs.load(root, REF), type(entry(1))("verdict", verdict))
    assert git(root, "log", "-1", "--format=%s", REF) == "churn@v1.0.0 a\\nb\\x1b[31m\\x00: quiet"


def test_entry_behind_what_another_command_wrote_is_refused(root):
    before = chains.run(root, [1])
    chains.run(root, [2])
    with pytest.raises(ChainMovedError, match="another command in this clone"):
        verdict_refs.append(root, before, entry(3))
    assert chains.days(verdict_refs.load(root, REF)) == [1, 2]


def test_same_entry_by_another_command_of_this_clone_is_no_fault(root):
    before = chains.run(root, [1])
    after = chains.run(root, [2])
    (given,) = chains.judged(before, [2])
    assert verdict_refs.append(root, before, given).tip == after.tip


def test_lock_that_a_killed_git_left_is_told(root):
    chains.run(root, [1])
    (root / ".git" / f"{REF}.lock").touch()
    with pytest.raises(MlgitError, match=r"prod\.lock is there") as told:
        chains.run(root, [2])
    assert f"rm '{root}/.git/{REF}.lock'" in told.value.hint
    (root / ".git" / f"{REF}.lock").unlink()
    assert chains.days(chains.run(root, [2])) == [1, 2]


def test_neither_index_nor_files_are_touched(root):
    (root / "readme").write_text("changed\n")
    chains.run(root, [1])
    assert git(root, "status", "--porcelain") == " M readme"
    assert not (root / "verdict.json").exists()


def test_verdicts_can_be_written_in_a_bare_repository(tmp_path):
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    chains.run(tmp_path / "bare.git", [1])
    assert chains.days(verdict_refs.load(tmp_path / "bare.git", REF)) == [1]


def test_no_ref_is_an_empty_chain(root):
    assert (verdict_refs.load(root, REF).tip, verdict_refs.load(root, REF).entries) == ("", ())


def test_only_refs_of_chains_are_listed(root):
    chains.run(root, [1])
    git(root, "update-ref", "refs/mlgit/monitor/other/thing", "HEAD")
    assert verdict_refs.names(root) == [REF]


GOOD = chain_codec.encode_verdict(chains.verdict(1))
HOSTILE = {
    "neither verdict nor acceptance": {"readme": b"x"},
    "a verdict of another schema": {"verdict.json": json.dumps({"schema": 7}).encode()},
    "a verdict that is no JSON": {"verdict.json": b"\0\1"},
    "a verdict that is too large": {"verdict.json": b" " * (5 << 20) + GOOD},
    "an acceptance that is none": {"accept.json": b"{}"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_stranger_put_there_is_refused_with_its_commit(root, name):
    chains.run(root, [0])
    oid = put(root, HOSTILE[name], parents=[git(root, "rev-parse", REF)])
    with pytest.raises(MlgitError) as told:
        verdict_refs.load(root, REF)
    assert f"{REF} at {oid[:10]}" in told.value.message
    assert "git " in told.value.hint


def test_merge_in_a_chain_is_refused(root):
    one, two = (put(root, {"verdict.json": GOOD}, message=each) for each in "ab")
    put(root, {"verdict.json": GOOD}, parents=[one, two])
    with pytest.raises(MlgitError, match="a merge"):
        verdict_refs.load(root, REF)


def test_ref_that_leads_to_a_blob_is_refused(root):
    git(root, "update-ref", REF, git(root, "rev-parse", "HEAD:readme"))
    with pytest.raises(MlgitError, match="leads to no commit"):
        verdict_refs.load(root, REF)


def test_verdict_that_is_a_folder_is_none(root):
    put(root, {"verdict.json/x": b"x"})
    with pytest.raises(MlgitError, match="holds neither"):
        verdict_refs.load(root, REF)


def test_message_that_is_too_large_is_refused_unread(root):
    put(root, {"verdict.json": GOOD}, message="x" * (2 << 20))
    with pytest.raises(MlgitError, match="its message is larger than"):
        verdict_refs.load(root, REF)


def test_names_that_are_no_text_are_shown_all_the_same(root):
    tree = git_adapter.write_tree(root, {"verdict.json": ("100644", GOOD)})
    oid = git_adapter._store(
        git_adapter._objects(root),
        "commit",
        f"tree {tree}\n".encode() + b"author \xff\xfe <x> 5 +0000\ncommitter \xff <x> 5 +0000\n\nx\n",
    )
    git(root, "update-ref", REF, oid)
    assert verdict_refs.load(root, REF).entries[0].when == 5


def test_counts_that_are_none_are_told_when_they_are_read(root):
    put(root, {"verdict.json": GOOD, "counts.json": b"[]"})
    found = verdict_refs.load(root, REF)
    with pytest.raises(MlgitError, match=r"counts\.json at"):
        verdict_refs.counted(root, found.entries)
