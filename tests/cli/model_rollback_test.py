"""`mlgit model rollback`, `retire` and `unassign`: the way back, and what other readers of the tags make of it."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest

from tests.kit import commit, dvc, git
from tests.kit.late import Late
from tests.registry.worlds import VERSIONS, churn, current, facts, world

pytestmark = pytest.mark.slow  # real repositories, many times

gto = Late("gto.api")


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


@pytest.fixture
def model(shared, cli):
    return lambda *args: cli(shared.root, "model", *args)


def promoted(model, *versions):
    for version in versions:
        assert model("promote", f"churn@{version}", "prod").code == 0


def back(model, *args):
    return model("rollback", "churn", "prod", "-m", "scores drift", *args)


def test_rollback_goes_down_the_history_and_never_flips(shared, model):
    promoted(model, *VERSIONS)
    assert back(model).code == 0
    assert current(shared.root) == "v1.1.0"
    assert back(model).code == 0
    assert current(shared.root) == "v1.0.0"
    last = back(model)
    assert (last.code, "before v1.0.0, no version was in prod" in last.out) == (1, True)
    assert current(shared.root) == "v1.0.0"
    assert facts(shared.root, "churn#prod#5")["event"] == "rollback"


@pytest.mark.slow
def test_version_that_was_left_is_gone_back_to_once_it_is_promoted_again(shared, model):
    promoted(model, "v1.0.0", "v1.1.0")
    assert back(model).code == 0
    promoted(model, "v1.1.0", "v1.2.0")
    assert back(model).code == 0
    assert current(shared.root) == "v1.1.0"
    assert back(model).code == 0
    assert current(shared.root) == "v1.0.0"


def test_withdrawn_version_is_passed_over(shared, model):
    promoted(model, *VERSIONS)
    assert model("retire", "churn@v1.1.0", "-m", "wrong labels").code == 0
    done = back(model)
    assert (done.code, done.out.splitlines()[0]) == (0, "churn: prod went back from v1.2.0 to v1.0.0 (churn#prod#4)")
    written = facts(shared.root, "churn#prod#4")
    assert (written["event"], written["version"], written["replaces"]) == ("rollback", "v1.0.0", "v1.2.0")
    assert churn(shared.root).events[-1].body.reason == "scores drift"


@pytest.mark.slow
def test_version_that_was_taken_out_is_no_target(shared, model):
    promoted(model, "v1.0.0", "v1.1.0")
    assert model("unassign", "churn", "prod").code == 0
    promoted(model, "v1.2.0")
    assert back(model).code == 0
    assert current(shared.root) == "v1.0.0"


def test_rollback_needs_a_reason_and_something_to_leave(model):
    assert model("rollback", "churn", "prod").code == 2
    assert model("rollback", "churn", "prod", "-m", " ").code == 2
    nothing = back(model)
    assert (nothing.code, "nothing is in 'prod'" in nothing.err) == (2, True)


@pytest.mark.slow
def test_gates_are_not_asked_on_the_way_back(shared, model):
    promoted(model, "v1.0.0", "v1.1.0")
    rules = "gates: {rules: [{id: high, kind: bound, metric: auc, min: 0.99}]}\n"
    shared.settle(rules + "environments: [{name: prod, requires: {gates: pass}}]\n")
    assert model("promote", "churn@v1.2.0", "prod").code == 1
    assert back(model).code == 0


@pytest.mark.slow
def test_rollback_is_refused_where_the_bytes_are_gone(shared, model):
    promoted(model, "v1.0.0", "v1.1.0")
    kept = shared.root.parent / "kept"
    shutil.move(shared.root / ".dvc" / "cache" / "files", kept)
    gone = back(model)
    assert (gone.code, "neither in Git, nor in the cache" in gone.out) == (1, True)
    assert current(shared.root) == "v1.1.0"
    (shared.root / ".dvc" / "config").write_text(
        f"[core]\n    remote = there\n['remote \"there\"']\n    url = {kept.parent / 'there'}\n"
    )
    shutil.move(kept, shared.root.parent / "there" / "files")
    assert back(model).code == 0


@pytest.mark.slow
def test_gto_and_dvc_read_the_way_back_as_it_is_meant(shared, model):
    promoted(model, *VERSIONS)
    assert model("retire", "churn@v1.1.0").code == 0
    assert back(model, "--push").code == 0
    assert gto.show(str(shared.root))["churn"]["stage"]["prod"] == "v1.0.0"
    git(shared.root, "restore", ".")
    out = shared.root.parent / "delivered.json"
    done = dvc(shared.root, "artifacts", "get", str(shared.root), "churn", "--stage", "prod", "-o", str(out))
    assert done.code == 0, done.said
    assert out.read_bytes() == b'{"learner": {"depth": 3}, "version": [2, 0, 0]}'


@pytest.mark.slow
def test_gto_reads_every_kind_of_event(shared, model, cli):
    promoted(model, "v1.0.0", "v1.1.0")
    assert model("promote", "churn@v1.2.0", "staging").code == 0
    assert model("unassign", "churn", "prod").code == 0
    shown = gto.show(str(shared.root))["churn"]
    assert (shown["version"], shown["stage"]) == ("v1.2.0", {"prod": "v1.0.0", "staging": "v1.2.0"})
    assert model("unassign", "churn", "staging").code == 0
    assert model("retire", "churn@v1.2.0").code == 0
    assert gto.show(str(shared.root))["churn"]["version"] == "v1.1.0"
    assert model("unassign", "churn", "prod").code == 0
    assert model("retire", "churn").code == 0
    assert gto.show(str(shared.root)) == {}
    commit(shared.root)
    assert model("register", "churn").code == 0
    assert gto.show(str(shared.root))["churn"]["version"] == "v1.2.1"


@pytest.mark.slow
def test_what_two_people_wrote_is_verified_and_told(shared, model, cli):
    bob = shared.clone("bob", email="bob@example.com")
    rules = "gates: {rules: [{id: high, kind: bound, metric: auc, min: 0.6}]}\n"
    shared.settle(rules + "environments: [{name: prod, requires: {gates: pass}}]\n")
    git(bob, "fetch", "--quiet", "origin")
    assert model("promote", "churn@v1.2.0", "prod", "--push").code == 0
    assert cli(bob, "model", "approve", "churn@v1.1.0", "--push").code == 0
    assert cli(bob, "model", "promote", "churn@v1.1.0", "prod", "--push").code == 1
    assert model("promote", "churn@v1.1.0", "prod", "--override", "in a hurry", "--push").code == 0
    assert cli(bob, "model", "rollback", "churn", "prod", "-m", "slow", "--push").code == 0
    assert cli(bob, "model", "retire", "churn@v1.1.0", "--push").code == 0
    told = cli(bob, "model", "history", "churn").out
    assert "in a hurry" in told
    for clone in (bob, shared.root):
        git(clone, "fetch", "--quiet", "--tags", "origin", "+refs/mlgit/log:refs/mlgit/log")
        done = cli(clone, "model", "verify")
        assert done.code == 0, done.said
    git(shared.root, "tag", "--delete", "churn@v1.1.0!")
    assert model("verify").code == 1


@pytest.mark.slow
def test_times_of_tags_grow_along_the_chain(shared, model):
    promoted(model, *VERSIONS)
    for _ in range(2):
        assert back(model).code == 0
    events = churn(shared.root).events
    assert [each.time for each in events] == sorted({each.time for each in events})
    assert [each.name.counter for each in events if each.name.action == "assign"] == [1, 2, 3, 4, 5]
    assert all(later.previous == (before.ref, before.oid) for before, later in pairwise(events))


@pytest.mark.slow
def test_version_in_use_is_not_retired(shared, model):
    promoted(model, "v1.0.0")
    refused = model("retire", "churn@v1.0.0")
    assert (refused.code, "is in prod" in refused.out) == (1, True)
    assert model("retire", "churn").code == 1
    assert model("unassign", "churn", "prod", "-m", "the end").code == 0
    assert model("retire", "churn@v1.0.0").code == 0
    again = model("retire", "churn@v1.0.0")
    assert (again.code, "retired already" in again.out) == (0, True)


def test_nothing_can_be_taken_out_of_an_empty_environment(model):
    empty = model("unassign", "churn", "prod")
    assert (empty.code, "nothing is in 'prod'" in empty.err) == (2, True)
