"""Tags between real clones: what a remote has, and every way in which a push ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgit.adapters.git import remote_tags, tags
from mlgit.errors import MlgitError
from mlgit.registry import log
from tests.kit import commit, git, write_tree

pytestmark = pytest.mark.slow  # real processes, many of them


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "origin.git"
    folder.mkdir()
    git(folder, "init", "--quiet", "--bare")
    first = tmp_path / "first"
    git(tmp_path, "clone", "--quiet", str(folder), str(first))
    write_tree(first, {"a.txt": "a"})
    commit(first)
    git(first, "push", "--quiet", "origin", "HEAD:main")
    return folder


@pytest.fixture
def first(remote):
    return remote.parent / "first"


@pytest.fixture
def second(remote):
    git(remote.parent, "clone", "--quiet", str(remote), "second")
    return remote.parent / "second"


def tag(root: Path, name: str, message: str = "A sentence\n") -> str:
    return tags.write(root, name, target="HEAD", message=message, when=1_700_000_000)


def logged(root: Path, *names: str, upon: str = "") -> str:
    here = tags.names(root)
    return tags.append_log(root, log.format((name, here[name]) for name in names), upon=upon)


def hook(remote: Path, name: str, text: str) -> None:
    file = remote / "hooks" / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_tag_and_log_arrive_together(remote, first):
    oid = tag(first, "churn@v1.0.0")
    commit_of_log = logged(first, "churn@v1.0.0")
    assert remote_tags.push(first, "origin", ["churn@v1.0.0"], log=commit_of_log).outcome == "done"
    assert remote_tags.look(first, "origin") == remote_tags.There("origin", {"churn@v1.0.0": oid}, commit_of_log)


def test_writer_who_does_not_know_the_last_tag_is_overtaken_as_a_whole(first, second):
    tag(first, "churn#prod#1")
    remote_tags.push(first, "origin", ["churn#prod#1"], log=logged(first, "churn#prod#1"))
    tag(second, "churn#prod!#2")
    late = remote_tags.push(second, "origin", ["churn#prod!#2"], log=logged(second, "churn#prod!#2", upon=""))
    assert late.outcome == "overtaken"
    assert list(remote_tags.look(second, "origin").tags) == ["churn#prod#1"]


def test_tag_that_exists_there_is_not_overwritten(first, second):
    oid = tag(first, "churn@v1.0.0", "one\n")
    remote_tags.push(first, "origin", ["churn@v1.0.0"])
    tag(second, "churn@v1.0.0", "two\n")
    assert remote_tags.push(second, "origin", ["churn@v1.0.0"]).outcome == "overtaken"
    assert remote_tags.look(second, "origin").tags == {"churn@v1.0.0": oid}


@pytest.mark.parametrize(
    "refusing",
    [
        ("update", 'case "$1" in refs/mlgit/*) echo "no such refs here" >&2; exit 1;; esac'),
        ("pre-receive", 'while read a b c; do case "$c" in refs/mlgit/*) echo "no such refs here" >&2; exit 1;; esac; done'),
    ],
    ids=["update", "pre-receive"],
)
def test_host_that_refuses_the_log_says_so_and_takes_the_tag_alone(remote, first, refusing):
    hook(remote, *refusing)
    tag(first, "churn@v1.0.0")
    refused = remote_tags.push(first, "origin", ["churn@v1.0.0"], log=logged(first, "churn@v1.0.0"))
    assert (refused.outcome, "no such refs here" in refused.said) == ("refused", True)
    assert remote_tags.look(first, "origin").tags == {}
    assert remote_tags.push(first, "origin", ["churn@v1.0.0"]).outcome == "done"


def test_host_that_hides_the_log_has_taken_the_tag(remote, first):
    git(remote, "config", "receive.hideRefs", "refs/mlgit")
    oid = tag(first, "churn@v1.0.0")
    pushed = remote_tags.push(first, "origin", ["churn@v1.0.0"], log=logged(first, "churn@v1.0.0"))
    taken = remote_tags.look(first, "origin").tags == {"churn@v1.0.0": oid}
    assert pushed.outcome == ("without log" if taken else "refused")


def test_host_without_atomic_pushes_is_noticed(remote, first):
    git(remote, "config", "receive.advertiseAtomic", "false")
    tag(first, "churn@v1.0.0")
    refused = remote_tags.push(first, "origin", ["churn@v1.0.0"], log=logged(first, "churn@v1.0.0"))
    assert (refused.outcome, refused.said) == ("refused", "the remote knows no atomic push")


def test_refusal_of_the_tag_itself_is_told_in_the_words_of_the_host(remote, first):
    hook(remote, "update", 'echo "tags are protected" >&2; exit 1')
    tag(first, "churn@v1.0.0")
    refused = remote_tags.push(first, "origin", ["churn@v1.0.0"])
    assert refused.outcome == "refused"
    assert "tags are protected" in refused.said


def test_fetch_brings_what_is_missing_and_leaves_what_differs(first, second):
    mine = tag(second, "churn@v1.0.0", "mine\n")
    theirs = tag(first, "churn@v1.0.0", "theirs\n")
    other = tag(first, "churn@v1.1.0")
    git(first, "push", "--quiet", "origin", "--tags")
    there = remote_tags.look(second, "origin")
    remote_tags.catch_up(second, there, [name for name in there.tags if name not in tags.names(second)])
    assert tags.names(second) == {"churn@v1.0.0": mine, "churn@v1.1.0": other}
    assert there.tags["churn@v1.0.0"] == theirs


def test_settings_that_prune_take_no_unpublished_tag_away(first, second):
    mine = tag(second, "churn@v1.0.0")
    other = tag(first, "churn@v1.1.0")
    git(first, "push", "--quiet", "origin", "--tags")
    for setting in ("fetch.prune", "fetch.pruneTags"):
        git(second, "config", setting, "true")
    remote_tags.catch_up(second, remote_tags.look(second, "origin"), ["churn@v1.1.0"])
    assert tags.names(second) == {"churn@v1.0.0": mine, "churn@v1.1.0": other}


def test_log_is_followed_only_forward(first, second):
    tag(first, "churn@v1.0.0")
    commit_of_log = logged(first, "churn@v1.0.0")
    remote_tags.push(first, "origin", ["churn@v1.0.0"], log=commit_of_log)
    remote_tags.fetch_log(second, remote_tags.look(second, "origin"), mine="")
    assert git(second, "cat-file", "-t", commit_of_log) == "commit"
    tag(first, "churn@v1.1.0")
    other = logged(first, "churn@v1.1.0")
    git(first, "push", "--quiet", "--force", "origin", f"{other}:{tags.LOG}")
    with pytest.raises(MlgitError, match="rewritten"):
        remote_tags.fetch_log(second, remote_tags.look(second, "origin"), mine=commit_of_log)


def test_remote_that_is_not_there_is_told_without_a_traceback(first):
    with pytest.raises(MlgitError, match="'nowhere' does not answer"):
        remote_tags.look(first, "nowhere")
    tag(first, "churn@v1.0.0")
    with pytest.raises(MlgitError, match="pushing to 'nowhere' failed"):
        remote_tags.push(first, "nowhere", ["churn@v1.0.0"])


def test_remote_that_looks_like_an_option_is_none(first):
    with pytest.raises(MlgitError, match="does not answer"):
        remote_tags.look(first, "--upload-pack=touch pwned")
    assert not (first / "pwned").exists()


def test_shallow_clone_is_recognised(remote, first):
    commit(first)
    git(first, "push", "--quiet", "origin", "HEAD:main")
    git(remote.parent, "clone", "--quiet", "--depth=1", f"file://{remote}", "shallow")
    assert remote_tags.is_shallow(remote.parent / "shallow")
    assert not remote_tags.is_shallow(first)
    assert remote_tags.remotes(first) == ["origin"]


def test_push_that_meets_another_in_the_server_is_overtaken(remote, first):
    """Both were told the same log; one moves it while the other's push is being taken: git only says that all failed."""
    tag(first, "churn@v1.0.0")
    before = logged(first, "churn@v1.0.0")
    assert remote_tags.push(first, "origin", ["churn@v1.0.0"], log=before).outcome == "done"
    tag(first, "risk@v1.0.0", "of somebody else\n")
    theirs = logged(first, "risk@v1.0.0", upon=before)
    git(first, "push", "--quiet", "origin", f"{theirs}:refs/heads/theirs")
    hook(remote, "pre-receive", f"env -u GIT_QUARANTINE_PATH git update-ref refs/mlgit/log {theirs}")
    tag(first, "churn@v1.1.0")
    mine = logged(first, "churn@v1.1.0", upon=before)
    assert remote_tags.push(first, "origin", ["churn@v1.1.0"], log=mine).outcome == "overtaken"
    assert "churn@v1.1.0" not in remote_tags.look(first, "origin").tags


def test_push_to_a_server_that_goes_away_is_no_denial(remote, first):
    tag(first, "churn@v1.0.0")
    remote.rename(remote.with_name("moved.git"))
    with pytest.raises(MlgitError, match="pushing to 'origin' failed"):
        remote_tags.push(first, "origin", ["churn@v1.0.0"], log=logged(first, "churn@v1.0.0"))
