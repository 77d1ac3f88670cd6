"""`mlgit model verify` holds every promotion against the policy of its time: forged ones are findings, honest ones are none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlgit.registry import fact_writer, tag_message
from mlgit.registry.tag_message import Body
from tests.kit import git
from tests.kit.forked import mlgit
from tests.registry.worlds import World, churn, facts, world

pytestmark = pytest.mark.slow  # many real commands

POLICY = """\
gates: {rules: [{id: floor, kind: bound, metric: auc, min: 0.2}]}
environments:
- {name: staging}
- {name: prod, promotes_from: staging, requires: {gates: pass, approvals: 1}}
"""


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Everything done by mlgit: before there was a policy, under it, overridden, taken back."""
    made = world(tmp_path_factory.mktemp("honest"))
    _do(made.root, "promote", "churn@v1.0.0", "staging", "--push")
    _do(made.root, "promote", "churn@v1.0.0", "prod", "--push")
    made.settle(POLICY)
    git(made.root, "fetch", "--quiet", "origin")
    bob = made.clone("bob", email="bob@example.com")
    _do(bob, "approve", "churn@v1.1.0", "-m", "read the card", "--push")
    _do(made.root, "promote", "churn@v1.1.0", "staging", "--push")
    _do(made.root, "promote", "churn@v1.1.0", "prod", "--push")
    _do(made.root, "promote", "churn@v1.2.0", "prod", "--override", "a holiday", "--push")
    _do(made.root, "rollback", "churn", "prod", "-m", "too slow", "--push")
    return made


@pytest.fixture
def copy(honest, tmp_path):
    shutil.copytree(honest.root.parent, tmp_path / "copy", symlinks=True)
    made = World(tmp_path / "copy" / "ada", tmp_path / "copy" / "origin.git")
    git(made.root, "remote", "set-url", "origin", str(made.origin))
    return made


def _do(root: Path, *args: str) -> None:
    done = mlgit(root, "model", *args)
    assert done.code == 0, done.said


def forge(root: Path, version: str, environment: str = "prod", *, like: str = "", reason: str = "", **told: object) -> str:
    """Write an assignment by hand, upon the last event as mlgit would, with the facts of the tag `like` and what is told."""
    events = churn(root).events
    ref = f"churn#{environment}#{max(each.name.counter or 0 for each in events) + 1}"
    said = dict(facts(root, like)) if like else {}
    said |= fact_writer.facts("assign", version=version, previous=f"{events[-1].ref} {events[-1].oid}") | told
    text = tag_message.render(Body(f"Assigning stage {environment} to artifact churn version {version}", reason, said))
    dated = {"GIT_COMMITTER_DATE": f"{events[-1].time + 5} +0000"}
    args = ("tag", "-a", "--cleanup=verbatim", "-F", "-", ref, f"churn@{version}^{{commit}}")
    git(root, *args, stdin=text, env=dated)
    return ref


def _foreign(root: Path) -> str:
    """As another tool writes it, and named by mlgit's next tag."""
    when = churn(root).events[-1].time + 5
    args = ("tag", "-a", "-m", "By hand", "churn#prod#90", "churn@v1.2.0^{commit}")
    git(root, *args, env={"GIT_COMMITTER_DATE": f"{when} +0000"})
    forge(root, "v1.2.0", "staging")
    return "churn#prod#90"


def _self_approved(root: Path) -> str:
    """Approved by the author of the version."""
    git(root, "tag", "-a", "-m", "I like it", "mlgit/approvals/churn/v1.1.0/ada", "churn@v1.1.0")
    ref = "mlgit/approvals/churn/v1.1.0/ada"
    row = {"by": "carol@example.com", "oid": git(root, "rev-parse", ref), "signed": False, "tag": ref}
    return forge(root, "v1.1.0", like="churn#prod#4", approvals=[row])


def _judged(root: Path, **told: object) -> dict[str, object]:
    return {**facts(root, "churn#prod#4")["gate"], "baseline": "churn@v1.1.0", **told}


def _old(root: Path) -> str:
    """Says that it asked the file of a time before there was a policy."""
    config = facts(root, "churn#prod#2")["gate"]["config"]
    return forge(root, "v1.0.0", gate={"result": "pass", "config": config})


FORGED: dict[str, tuple[Callable[[Path], str], str]] = {
    "nothing said": (lambda root: forge(root, "v1.2.0"), "it says nothing of gates and checks; v1.2.0 was never in staging"),
    "all copied": (lambda root: forge(root, "v1.2.0", like="churn#prod#4"), "0 of 1 approvals that count"),
    "another baseline": (lambda root: forge(root, "v1.1.0", like="churn#prod#4"), "churn@v1.0.0, and churn@v1.1.0 was there"),
    "no rules": (
        lambda root: forge(root, "v1.1.0", like="churn#prod#4", gate=_judged(root, rules=[])),
        "no gate was judged",
    ),
    "a gate that failed": (
        lambda root: forge(root, "v1.1.0", like="churn#prod#4", gate=_judged(root, rules=[{"id": "floor", "result": "fail"}])),
        "gates did not pass: floor",
    ),
    "not met and no reason": (
        lambda root: forge(root, "v1.1.0", like="churn#prod#4", gate=_judged(root, result="fail", not_met=["order"])),
        "its checks ended with 'fail' (order)",
    ),
    "approved by its author": (_self_approved, "0 of 1 approvals that count"),
    "approvals that are none": (
        lambda root: forge(root, "v1.1.0", like="churn#prod#4", approvals=[{"oid": "1" * 40}, 7, {"oid": ["x"]}]),
        "0 of 1",
    ),
    "a rollback to what was never there": (
        lambda root: forge(root, "v1.2.0", event="rollback", reason="quick"),
        "is none that prod could go back to",
    ),
    "a rollback without a reason": (lambda root: forge(root, "v1.0.0", event="rollback"), "a rollback gives its reason"),
    "another environment": (lambda root: forge(root, "v1.1.0", "prod-eu"), "it declares no such environment"),
    "an old policy": (_old, "0 of 1 approvals"),
    "a policy that is nowhere": (
        lambda root: forge(root, "v1.2.0", gate={"result": "pass", "config": "1" * 40}),
        "was never in staging",
    ),
    "facts of other shapes": (
        lambda root: forge(root, "v1.1.0", gate=[1], approvals={"a": 1}, card=3),
        "it says nothing of gates and checks",
    ),
    "another tool": (_foreign, "it says nothing of gates and checks"),
}


def findings(cli, root: Path, *args: str) -> list[tuple[str, str]]:
    done = cli(root, "model", "verify", "--json", *args)
    assert done.code in (0, 1), done.said
    return [(each["kind"], each["tag"]) for each in done.json["findings"]]


@pytest.mark.parametrize("forged", FORGED)
def test_promotion_that_does_not_show_what_was_asked_is_a_finding(copy, cli, forged):
    write, said = FORGED[forged]
    ref = write(copy.root)
    done = cli(copy.root, "model", "verify", "--json")
    found = [each for each in done.json["findings"] if each["kind"] == "policy"]
    assert [each["tag"] for each in found] == [ref], done.out
    assert said in found[0]["message"]
    assert done.code == cli(copy.root, "model", "event", ref).code == 1


def test_honest_history_has_no_finding_and_shows_what_was_overridden(honest, cli):
    done = cli(honest.root, "model", "verify")
    assert (done.code, "all as written" in done.out) == (0, True), done.said
    assert "churn#prod#5: POLICY OVERRIDDEN by Ada Example: a holiday" in done.out
    told = cli(honest.root, "model", "verify", "--json").json
    assert [(each["tag"], each["reason"]) for each in told["overrides"]] == [("churn#prod#5", "a holiday")]
    assert cli(honest.root, "model", "event", "churn#prod#5").code == 0


def test_policy_that_became_stricter_is_not_asked_of_the_past(copy, cli):
    copy.settle(POLICY.replace("approvals: 1", "approvals: 3, signed: true, card: complete, scan: clean"))
    git(copy.root, "fetch", "--quiet", "origin")
    assert findings(cli, copy.root) == []


def test_a_checkout_of_another_branch_does_not_decide(copy, cli):
    (copy.root / "mlgit.yaml").write_text("mlgit: 1\nenvironments: [{name: prod, requires: {approvals: 9, signed: true}}]\n")
    assert findings(cli, copy.root) == []
    (copy.root / "mlgit.yaml").write_text("mlgit: 1\n")
    ref = forge(copy.root, "v1.2.0")
    assert findings(cli, copy.root) == [("policy", ref)]


def test_unsigned_promotion_is_found_whatever_the_checkout_says(copy, cli):
    copy.settle("environments: [{name: prod, requires: {signed: true}}]\n")
    git(copy.root, "fetch", "--quiet", "origin")
    (copy.root / "mlgit.yaml").write_text("mlgit: 1\n")
    config = git(copy.root, "rev-parse", "origin/main")
    ref = forge(copy.root, "v1.2.0", gate={"result": "pass", "config": config})
    assert findings(cli, copy.root) == [("unsigned", ref)]


def test_foreign_tag_beside_an_honest_rollback_blames_itself_alone(copy, cli):
    when = churn(copy.root).events[-1].time - 1
    args = ("tag", "-a", "-m", "By hand", "churn#prod!#6", "churn@v1.1.0^{commit}")
    git(copy.root, *args, env={"GIT_COMMITTER_DATE": f"@{when} +0000"})
    assert findings(cli, copy.root) == [("foreign", "churn#prod!#6")]


def test_what_is_done_after_another_tool_registered_and_promoted_is_honest(copy, cli):
    names = ("churn@v1.3.0", "churn#prod#90", "churn#staging#91")
    for place, name in enumerate(names, start=1):
        dated = {"GIT_COMMITTER_DATE": f"@{churn(copy.root).events[-1].time + place} +0000"}
        git(copy.root, "tag", "-a", "-m", "By another tool", name, "HEAD", env=dated)
    _do(copy.root, "promote", "churn@v1.1.0", "prod")
    _do(copy.root, "rollback", "churn", "prod", "-m", "too slow")
    _do(copy.root, "promote", "churn@v1.2.0", "staging")
    _do(copy.root, "promote", "churn@v1.3.0", "staging")
    found = findings(cli, copy.root)
    assert facts(copy.root, "churn#prod#93")["version"] == "v1.3.0"
    assert {ref for _, ref in found} == {"churn@v1.3.0", "churn#prod#90"}  # and nothing that mlgit wrote after them


def test_clone_that_has_not_fetched_promotes_by_the_policy_of_today(copy, cli):
    late = copy.clone("late", email="late@example.com")
    copy.settle(POLICY.replace("{name: staging}", "{name: staging, requires: {approvals: 2}}"))
    done = mlgit(late, "model", "promote", "churn@v1.2.0", "staging", "--push")
    assert (done.code, "approvals" in done.said) == (1, True), done.said
    assert cli(copy.root, "model", "verify").code == 0


def test_withdrawn_version_is_not_promoted_by_hand(copy, cli):
    _do(copy.root, "retire", "churn@v1.2.0", "--push")
    ref = forge(copy.root, "v1.2.0", override={"reason": "I want it"})
    assert ("policy", ref) in findings(cli, copy.root)


def test_shallow_clone_says_that_it_could_not_look(honest, cli):
    shallow = honest.clone("shallow", "--depth=1")
    git(shallow, "fetch", "--quiet", "--tags", "origin")
    done = cli(shallow, "model", "verify")
    assert (done.code, "this clone is shallow" in done.out) == (2, True), done.said
    assert "all as written" not in done.out


def _deleted(made: World, *refs: str) -> None:
    for root in (made.root, made.origin):
        there = git(root, "tag").split()
        git(root, "tag", "-d", *(ref for ref in refs if ref in there))


@pytest.mark.parametrize("ref", ["churn@v1.1.0", "churn#staging#3", "churn#prod#4", "churn#prod#5"])
def test_what_was_taken_away_is_the_only_finding(copy, cli, ref):
    _deleted(copy, ref)
    assert findings(cli, copy.root) == [("deleted", ref)]
    assert findings(cli, copy.root, "churn") == [("deleted", ref)]
    assert cli(copy.root, "model", "event", "churn#prod#6").code == 1


def test_what_was_moved_does_not_blame_what_came_after_it(copy, cli):
    git(copy.root, "tag", "-f", "-a", "-m", "By hand", "churn#prod#4", "churn@v1.2.0^{commit}")
    assert {ref for _, ref in findings(cli, copy.root)} == {"churn#prod#4"}


def test_deleting_a_tag_hides_no_forged_one(copy, cli):
    ref = forge(copy.root, "v1.2.0", event="rollback", reason="quick")
    _deleted(copy, "churn#prod#4")
    assert findings(cli, copy.root) == [("deleted", "churn#prod#4"), ("policy", ref)]


def test_deleting_a_forged_tag_hides_neither_it_nor_what_rests_on_it(copy, cli):
    there = forge(copy.root, "v1.2.0", "staging")
    first, last = forge(copy.root, "v1.2.0"), forge(copy.root, "v1.1.0", event="rollback", reason="")
    _deleted(copy, first)
    assert there not in {ref for kind, ref in findings(cli, copy.root) if kind == "policy"}
    assert {*findings(cli, copy.root)} == {("deleted", first), ("policy", first), ("policy", last)}


def test_without_the_object_of_a_deleted_tag_the_finding_stands_and_says_what_to_bring_back(copy, cli):
    _deleted(copy, "churn#prod#4")
    late = copy.clone("late")
    found = {each["tag"]: each for each in cli(late, "model", "verify", "--json").json["findings"]}
    assert found.keys() == {"churn#prod#4", "churn#prod#6"}
    assert "bring back churn#prod#4 first" in cli(late, "model", "verify").out
