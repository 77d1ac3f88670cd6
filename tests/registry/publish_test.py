"""Several people write to one registry: nobody's tag is lost, and nobody decides on a state that is gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mlgit.adapters.git import remote_tags, tags
from mlgit.errors import MlgitError
from mlgit.registry import integrity, log, publish, read
from mlgit.registry.plan import TagPlan
from tests.kit import FULL, Completed, commit, git, mlgit
from tests.registry.worlds import assign, churn, current, facts, hook, on_origin, published, sends, world

pytestmark = pytest.mark.slow  # real repositories, many times

ROUNDS = 50 if FULL else 3


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


def test_tag_and_log_are_published_together(shared):
    found = sends(shared.root, "v1.0.0")
    assert (found.pushed, found.attempts, found.notes) == (("churn#prod#1",), 1, ())
    assert on_origin(shared.origin)["churn#prod#1"] == found.oid
    assert published(shared.origin) == ["churn@v1.0.0", "churn@v1.1.0", "churn@v1.2.0", "churn#prod#1"]
    assert git(shared.root, "rev-parse", log.REF) == git(shared.origin, "rev-parse", log.REF)


def test_overtaken_writer_decides_anew_on_what_there_is_now(shared):
    bob = shared.clone("bob", email="bob@example.com")
    seen = []

    def rebuild() -> TagPlan:
        seen.append(current(shared.root))
        made = assign(shared.root, "v1.1.0")
        if len(seen) == 1:
            sends(bob, "v1.0.0")
        return made

    found = publish.send(shared.root, rebuild, remote="origin")
    assert (seen, found.attempts, found.plan.ref) == (["", "v1.0.0"], 2, "churn#prod#2")
    assert published(shared.origin)[-2:] == ["churn#prod#1", "churn#prod#2"]
    assert facts(shared.root, "churn#prod#2")["previous"] == f"churn#prod#1 {on_origin(shared.origin)['churn#prod#1']}"
    assert [each.email for each in churn(shared.root).events[-2:]] == ["bob@example.com", "ada@example.com"]


@pytest.mark.slow
def test_overtaken_writer_who_refuses_then_leaves_nothing(shared):
    bob = shared.clone("bob")

    def rebuild() -> TagPlan:
        if current(shared.root):
            raise MlgitError("not any more")
        made = assign(shared.root, "v1.1.0")
        sends(bob, "v1.0.0")
        return made

    with pytest.raises(MlgitError, match="not any more"):
        publish.send(shared.root, rebuild, remote="origin")
    assert dict(read.tags(shared.root).oids) == on_origin(shared.origin)
    assert current(shared.root) == "v1.0.0"


@pytest.mark.slow
def test_tags_of_other_names_race_as_well(shared):
    """An assignment and an unassignment have different names; only the log makes one of them come second."""
    bob = shared.clone("bob")
    done = []

    def rebuild() -> TagPlan:
        made = assign(shared.root, "v1.1.0", "staging")
        if not done:
            done.append(sends(bob, "v1.0.0"))
        return made

    assert publish.send(shared.root, rebuild, remote="origin").attempts == 2
    assert [each.name.counter for each in churn(shared.root).events[-2:]] == [1, 2]


@pytest.mark.slow
def test_where_only_the_log_moved_nothing_is_decided_anew(shared):
    bob, planned = shared.clone("bob"), []

    def rebuild() -> TagPlan:
        planned.append(assign(shared.root, "v1.0.0"))
        if len(planned) == 1:  # another model's tag
            tagged = tags.write(bob, "risk@v1.0.0", target="HEAD", message="Registering\n", when=1_700_000_000)
            there = remote_tags.look(bob, "origin")
            remote_tags.fetch_log(bob, there, mine=tags.object_of(bob, log.REF))
            moved = tags.append_log(bob, log.format([("risk@v1.0.0", tagged)]), upon=there.log)
            assert remote_tags.push(bob, "origin", ["risk@v1.0.0"], log=moved).outcome == "done"
        return planned[-1]

    found = publish.send(shared.root, rebuild, remote="origin")
    assert (len(planned), found.attempts) == (1, 2)
    assert published(shared.origin)[-2:] == ["risk@v1.0.0", "churn#prod#1"]


def test_writer_who_always_comes_late_gives_up_in_words(shared):
    bob = shared.clone("bob")
    versions = ["v1.0.0", "v1.1.0"] * 50

    def rebuild() -> TagPlan:
        made = assign(shared.root, "v1.2.0")
        sends(bob, versions.pop())
        return made

    with pytest.raises(MlgitError, match=r"others were faster at 'origin' \d+ times in 0.5 s"):
        publish.send(shared.root, rebuild, remote="origin", patience=0.5)
    assert dict(read.tags(shared.root).oids).keys() <= on_origin(shared.origin).keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    "refusing",
    [
        ("update", 'case "$1" in refs/mlgit/*) echo "no such refs here" >&2; exit 1;; esac'),
        ("pre-receive", 'while read a b c; do case "$c" in refs/mlgit/*) echo "no such refs here" >&2; exit 1;; esac; done'),
        ("hidden", ""),
        ("not atomic", ""),
    ],
    ids=lambda each: each[0],
)
def test_host_that_does_not_take_the_log_gets_the_tag_alone(shared, refusing):
    name, text = refusing
    if name == "hidden":
        git(shared.origin, "config", "receive.hideRefs", "refs/mlgit")
    elif name == "not atomic":
        git(shared.origin, "config", "receive.advertiseAtomic", "false")
    else:
        hook(shared.origin, name, text)
    found = sends(shared.root, "v1.0.0")
    assert on_origin(shared.origin)["churn#prod#1"] == found.oid
    assert len(found.notes) == 1
    assert "does not take refs/mlgit/log" in found.notes[0]
    assert sends(shared.root, "v1.1.0").plan.ref == "churn#prod#2"


def test_host_that_takes_no_such_tag_leaves_nothing_behind(shared):
    hook(shared.origin, "update", 'case "$1" in refs/tags/*prod*) echo "only Bob may release" >&2; exit 1;; esac')
    with pytest.raises(MlgitError, match="only Bob may release"):
        sends(shared.root, "v1.0.0")
    assert "churn#prod#1" not in read.tags(shared.root).oids
    assert dict(read.tags(shared.root).oids) == on_origin(shared.origin)


@pytest.mark.slow
def test_tags_kept_back_are_published_with_the_next_at_most_two_at_a_time(shared):
    hook(shared.origin, "pre-receive", 'grep -c refs/tags/ >> "$GIT_DIR/pushes"')
    for version in ("v1.0.0", "v1.1.0", "v1.2.0", "v1.0.0"):
        publish.keep(shared.root, lambda version=version: assign(shared.root, version), remote="origin")
    found = sends(shared.root, "v1.1.0")
    assert found.pushed == tuple(f"churn#prod#{number}" for number in range(1, 6))
    assert (shared.origin / "pushes").read_text().split() == ["2", "2", "1"]
    assert published(shared.origin)[-5:] == list(found.pushed)


@pytest.mark.slow
def test_tag_kept_back_that_lost_does_not_go_out_and_is_not_clobbered(shared):
    bob = shared.clone("bob")
    mine = publish.keep(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="origin").oid
    theirs = sends(bob, "v1.1.0").oid
    with pytest.raises(MlgitError, match=r"the tag churn#prod#1 is .* here and .* on 'origin'") as caught:
        sends(shared.root, "v1.2.0")
    assert "git tag -d 'churn#prod#1'" in caught.value.hint
    assert read.tags(shared.root).oids["churn#prod#1"] == mine
    git(shared.root, "tag", "-d", "churn#prod#1")
    assert sends(shared.root, "v1.2.0").plan.ref == "churn#prod#2"
    assert read.tags(shared.root).oids["churn#prod#1"] == theirs


@pytest.mark.slow
def test_tags_pushed_by_other_means_enter_the_log(shared):
    publish.keep(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="origin")
    git(shared.root, "push", "--quiet", "origin", "churn#prod#1")
    sends(shared.root, "v1.1.0")
    assert published(shared.origin)[-2:] == ["churn#prod#1", "churn#prod#2"]


@pytest.mark.slow
def test_clone_without_tags_asks_before_it_numbers_anything(shared):
    bare = shared.clone("bob", "--no-tags")
    with pytest.raises(MlgitError, match="lacks 3 tags of models") as caught:
        publish.keep(bare, lambda: pytest.fail("numbered without tags"), remote="origin")
    assert caught.value.hint == "`git fetch --tags origin`, then again"
    assert sends(bare, "v1.0.0").plan.ref == "churn#prod#1"
    assert len(churn(bare).versions) == 3


def test_shallow_clone_refuses_with_what_to_type(shared):
    shallow = shared.clone("bob", "--depth=1", "--no-tags")
    for write in (publish.keep, publish.send):
        with pytest.raises(MlgitError) as caught:
            write(shallow, lambda: pytest.fail("numbered without tags"), remote="origin")
        assert "`git fetch --tags --unshallow origin`" in caught.value.hint


@pytest.mark.slow
def test_clone_without_tags_and_without_its_remote_numbers_nothing(shared):
    bare = shared.clone("bob", "--no-tags")
    git(bare, "remote", "set-url", "origin", str(shared.origin / "gone"))
    with pytest.raises(MlgitError, match=r"does not answer: .*; this clone has no models"):
        publish.keep(bare, lambda: pytest.fail("numbered without tags"), remote="origin")


@pytest.mark.slow
def test_remote_of_another_name(shared):
    with pytest.raises(MlgitError, match="remote 'upstream' not found"):
        publish.send(shared.root, lambda: pytest.fail("not reached"), remote="upstream")
    git(shared.root, "remote", "add", "upstream", str(shared.origin))
    found = publish.send(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="upstream")
    assert (found.remote, found.pushed) == ("upstream", ("churn#prod#1",))


def test_repository_without_remotes_keeps_the_log_itself(shared):
    git(shared.root, "remote", "remove", "origin")
    publish.keep(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="origin")
    assert read.published(shared.root)[-1][0] == "churn#prod#1"


@pytest.mark.slow
def test_two_clones_promote_at_once_round_after_round(shared):
    """Each round one writer is first; the other sees that, and is either refused or comes next. Nothing is lost."""
    shared.settle(
        "gates: {rules: [{id: floor, kind: bound, metric: auc, min: 0}, {id: kept, kind: no_worse, metric: auc, margin: 0}]}\n"
        "environments: [{name: prod, requires: {gates: pass}}, {name: canary}]\n"
    )
    clones = [shared.root, shared.clone("bob", email="bob@example.com")]
    for each in clones:
        git(each, "remote", "set-head", "origin", "main")
        git(each, "fetch", "--quiet", "origin")
    for number in range(ROUNDS):
        before = churn(clones[0]).events if number else ()
        environment = "prod" if number % 2 == 0 else "canary"
        versions = ("v1.1.0", "v1.2.0") if number % 4 < 2 else ("v1.2.0", "v1.0.0")
        said = _at_once(clones, versions, environment)
        _catch_up(clones)
        made = [each for each in churn(clones[0]).events if each.ref not in {event.ref for event in before}]
        made = [each for each in made if each.name.action == "assign"]
        codes = [each.code for each in said]
        assert set(codes) <= {0, 1}, [each.said for each in said]
        assert 0 in codes
        wrote = [each for each in said if each.code == 0 and each.json["tag"]]
        assert [each.ref for each in made] == sorted((each.json["tag"] for each in wrote), key=_counter)
        for each in said:
            assert each.code == 0 or each.json["verdict"] == "fail"
    events = churn(clones[0]).events
    assert integrity.findings("churn", events) == []
    assert [each.name.counter for each in events if each.name.action == "assign"] == list(
        range(1, sum(each.name.action == "assign" for each in events) + 1)
    )
    assert published(shared.origin) == [each.ref for each in events]
    assert dict(read.tags(clones[0]).oids) == dict(read.tags(clones[1]).oids) == on_origin(shared.origin)


def _counter(ref: str) -> int:
    return int(ref.rpartition("#")[2])


def _catch_up(clones: list[Path]) -> None:
    for each in clones:
        git(each, "fetch", "--quiet", "--tags", "origin")


def _at_once(clones: list[Path], versions: tuple[str, str], environment: str) -> list[Completed]:
    """Both promote in the same moment; what they said."""
    said: dict[int, Completed] = {}
    barrier = threading.Barrier(len(clones))

    def promote(number: int) -> None:
        barrier.wait()
        args = ("promote", f"churn@{versions[number]}", environment, "--push", "--json")
        said[number] = mlgit(clones[number], "model", *args)

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(len(clones))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [said[number] for number in range(len(clones))]


@pytest.mark.parametrize("write", [publish.keep, publish.send])
def test_another_command_in_the_same_clone_is_no_one_to_lose_to(shared, write):
    done = []

    def rebuild() -> TagPlan:
        made = assign(shared.root, "v1.1.0")
        if not done:
            done.append(publish.keep(shared.root, lambda: assign(shared.root, "v1.0.0"), remote="origin"))
        return made

    found = write(shared.root, rebuild, remote="origin")
    assert (found.plan.ref, found.attempts) == ("churn#prod#2", 2)
    assert integrity.findings("churn", churn(shared.root).events) == []


@pytest.mark.slow
def test_commit_that_was_not_pushed_goes_with_its_tag(shared, cli):
    made = commit(shared.root)
    assert cli(shared.root, "model", "register", "churn", "--push").code == 0
    assert git(shared.origin, "rev-parse", "churn@v1.2.1^{commit}") == made


@pytest.mark.slow
def test_same_command_with_push_publishes_what_was_kept_back(shared, cli):
    commit(shared.root)
    kept = cli(shared.root, "model", "register", "churn")
    assert "only in this clone so far: `mlgit push --tags-only` publishes it" in kept.out
    done = cli(shared.root, "model", "register", "churn", "--push")
    assert (done.code, "pushed to origin: churn@v1.2.1" in done.out) == (0, True)
    again = cli(shared.root, "model", "register", "churn", "--push")
    assert (again.code, "pushed" in again.out) == (0, False)


def test_push_publishes_what_was_kept_back_together_with_the_log(shared, cli):
    commit(shared.root)
    assert cli(shared.root, "model", "register", "churn").code == 0
    assert cli(shared.root, "model", "promote", "churn", "prod").code == 0
    done = cli(shared.root, "push", "--tags-only", "--json")
    assert (done.code, done.json["tags"]) == (0, ["churn@v1.2.1", "churn#prod#1"])
    assert {ref for ref, _ in read.published(shared.origin)} >= {"churn@v1.2.1", "churn#prod#1"}
    assert "origin has all tags of models" in cli(shared.root, "push", "--tags-only").out
    git(shared.origin, "tag", "-d", "churn#prod#1")
    git(shared.root, "tag", "-d", "churn#prod#1")
    assert "churn#prod#1: deleted" in cli(shared.root, "model", "verify").out


@pytest.mark.slow
def test_approval_kept_back_is_published_with_the_promotion_that_stands_on_it(shared, cli):
    shared.settle("environments: [{name: prod, requires: {approvals: 1}}]\n")
    bob = shared.clone("bob", email="bob@example.com")
    assert cli(bob, "model", "approve", "churn@v1.2.0").code == 0
    done = cli(bob, "model", "promote", "churn@v1.2.0", "prod", "--push", "--json")
    assert done.code == 0, done.said
    assert done.json["pushed"] == ["mlgit/approvals/churn/v1.2.0/bob-example-com", "churn#prod#1"]


# Kills the mlgit behind the `git push` that runs this hook (proc(5): the parent is the fourth field of stat).
KILL = 'set -- $(sed "s/.*) //" /proc/$PPID/stat); kill -9 "$2"; '


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to find the process to kill")
@pytest.mark.parametrize("arrives", [True, False])
def test_command_killed_while_it_pushes_is_taken_up_by_the_next(shared, arrives):
    own = shared.root / ".git" / "hooks" / "pre-push"
    own.parent.mkdir(exist_ok=True)
    own.write_text(f"#!/bin/sh\n{KILL}exit {0 if arrives else 1}\n")
    own.chmod(0o755)
    killed = mlgit(shared.root, "model", "promote", "churn", "prod", "--push")
    assert killed.code == -9
    own.unlink()
    done = mlgit(shared.root, "model", "promote", "churn", "prod", "--push")
    assert (done.code, "churn@v1.2.0 is already in prod" in done.out) == (0, True)
    assert dict(read.tags(shared.root).oids) == on_origin(shared.origin)
    assert published(shared.origin)[-1] == "churn#prod#1"
    assert integrity.findings("churn", churn(shared.root).events) == []
