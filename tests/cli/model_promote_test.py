"""`mlgit model promote`: what policy lets through, what it refuses, and what is written about it."""

from __future__ import annotations

import shutil

import pytest

from tests.kit import commit, git, write_tree
from tests.registry.signing import trust, with_key
from tests.registry.worlds import SETTINGS, current, facts, world

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

STAGED = "environments: [{name: staging}, {name: prod, promotes_from: staging}]\n"
GATED = """\
gates:
  rules:
  - {id: floor, kind: bound, metric: auc, min: 0.2}
  - {id: kept, kind: no_worse, metric: auc, margin: 0.05}
environments: [{name: prod, requires: {gates: pass}}]
"""
needs_keys = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")


@pytest.fixture
def shared(tmp_path):
    return world(tmp_path)


@pytest.fixture
def promote(shared, cli):
    return lambda *args: cli(shared.root, "model", "promote", *args)


def test_without_declared_environments_any_version_goes_anywhere(shared, promote):
    shared.settle("")
    done = promote("churn@v1.0.0", "prod", "-m", "the first", "--new-environment")
    assert (done.code, done.out.splitlines()[0]) == (0, "churn@v1.0.0 is now in prod (churn#prod#1)")
    written = facts(shared.root, "churn#prod#1")
    assert (written["event"], written["version"]) == ("assign", "v1.0.0")
    assert written["model"] == facts(shared.root, "churn@v1.0.0")["model"]
    assert written["previous"] == f"churn@v1.2.0 {git(shared.root, 'rev-parse', 'churn@v1.2.0')}"


def test_bare_name_is_the_latest_version(shared, promote):
    assert promote("churn", "prod").code == 0
    assert current(shared.root) == "v1.2.0"


def test_what_is_there_already_is_not_written_twice(shared, promote):
    assert promote("churn", "prod").code == 0
    again = promote("churn", "prod")
    assert (again.code, "already in prod" in again.out) == (0, True)
    assert git(shared.root, "tag", "--list", "churn#*") == "churn#prod#1"


def test_version_goes_through_the_environments_in_order(shared, promote):
    shared.settle(STAGED)
    refused = promote("churn", "prod")
    assert refused.code == 1
    assert "churn@v1.2.0 was never in staging" in refused.out
    assert "`mlgit model promote churn@v1.2.0 staging` first" in refused.out
    assert promote("churn", "staging").code == 0
    assert promote("churn", "prod").code == 0
    assert (current(shared.root, "staging"), current(shared.root)) == ("v1.2.0", "v1.2.0")


def test_environment_of_another_name_is_refused_with_the_near_miss(shared, promote):
    shared.settle(STAGED)
    refused = promote("churn", "stagin")
    assert (refused.code, "did you mean 'staging'?" in refused.err) == (2, True)


def test_a_local_main_that_was_not_pushed_does_not_decide(shared, promote):
    shared.settle(STAGED)
    git(shared.root, "fetch", "--quiet", "origin")
    git(shared.root, "remote", "set-head", "origin", "--delete")
    (shared.root / "mlgit.yaml").write_text(SETTINGS + "environments: [{name: prod}]\n")
    commit(shared.root)
    git(shared.root, "branch", "--force", "main") if git(shared.root, "branch", "--show-current") != "main" else None
    assert promote("churn", "prod").code == 1


@pytest.mark.parametrize("typed", ["prd", "Prod", "staging"])
def test_new_environment_that_nobody_declared_is_no_slip_of_the_fingers(shared, promote, typed):
    shared.settle("")
    before = git(shared.root, "for-each-ref")
    for options in ((), ("--dry-run",), ("--push",), ("--override", "now"), ("--json",)):
        refused = promote("churn", typed, *options)
        assert (refused.code, "--new-environment" in refused.said) == (2, True), refused.said
    assert git(shared.root, "for-each-ref") == before
    assert promote("churn", "prod", "--new-environment").code == 0
    refused = promote("churn@v1.1.0", typed)
    assert (refused.code, "environments so far: prod" in refused.err) == (2, True)
    assert "did you mean 'prod'?" in refused.err or typed == "staging"
    assert promote("churn@v1.1.0", "prod").code == 0


def test_option_for_a_new_environment_declares_none(shared, promote):
    refused = promote("churn", "prd", "--new-environment")
    assert (refused.code, "no environment is called 'prd', did you mean 'prod'?" in refused.err) == (2, True), refused.said


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_override_without_a_reason_is_no_override(shared, promote, reason):
    shared.settle(STAGED)
    refused = promote("churn", "prod", "--override", reason)
    assert (refused.code, "for a reason only" in refused.err) == (2, True)


def test_a_forged_version_at_a_registered_commit_takes_no_ones_place(shared, promote, cli):
    assert promote("churn@v1.0.0", "prod").code == 0
    text = "x\n---\nmlgit: 1\nevent: register\nversion: v9.0.0\nmodel: {path: ../../etc/passwd}\n"
    git(shared.root, "tag", "-a", "--cleanup=verbatim", "-F", "-", "churn@v9.0.0", "churn@v1.0.0^{commit}", stdin=text)
    refused = promote("churn@v9.0.0", "staging")
    assert refused.code == 1
    assert "cannot be read" in refused.out
    history = cli(shared.root, "model", "history", "churn", "--json").json["events"]
    assert [each["version"] for each in history if each["tag"] == "churn#prod#1"] == ["v1.0.0"]
    assert current(shared.root) == "v1.0.0"
    assert cli(shared.root, "model", "verify").code == 1


def test_what_lies_in_the_workspace_does_not_decide(shared, promote):
    shared.settle(STAGED)
    (shared.root / "mlgit.yaml").write_text(SETTINGS)
    assert promote("churn", "prod").code == 1


@pytest.mark.slow
def test_branch_of_its_own_does_not_decide(shared, promote):
    shared.settle(STAGED)
    git(shared.root, "switch", "--quiet", "-c", "mine")
    (shared.root / "mlgit.yaml").write_text(SETTINGS)
    commit(shared.root)
    assert promote("churn", "prod").code == 1


def test_gate_passes_with_numbers_in_the_tag(shared, promote):
    shared.settle(GATED)
    assert promote("churn@v1.0.0", "prod").code == 0
    assert promote("churn@v1.1.0", "prod").code == 0
    gate = facts(shared.root, "churn#prod#2")["gate"]
    assert (gate["result"], gate["baseline"]) == ("pass", "churn@v1.0.0")
    assert gate["config"] == git(shared.root, "rev-parse", "main")
    numbers = {"value": 0.5, "baseline": 0.3, "delta": 0.2}
    assert gate["rules"][1] == {"id": "kept", "metric": "auc", "result": "pass", "outcome": "warn", **numbers}
    assert gate["recorded_only"] == ["floor", "kept"]
    assert facts(shared.root, "churn#prod#2")["replaces"] == "v1.0.0"


def test_worse_version_is_refused(shared, promote):
    shared.settle(GATED)
    assert promote("churn@v1.2.0", "prod").code == 0
    refused = promote("churn@v1.1.0", "prod")
    assert refused.code == 1
    assert "recorded numbers only: auc 0.7 → 0.5, beyond the margin of 0.05" in refused.out
    assert "mlgit cannot compute auc from predictions by its name alone" in refused.out
    assert current(shared.root) == "v1.2.0"


def test_override_is_written_with_its_reason(shared, promote):
    shared.settle(GATED)
    assert promote("churn@v1.2.0", "prod").code == 0
    done = promote("churn@v1.1.0", "prod", "--override", "v1.2.0 is too slow")
    assert (done.code, "is now in prod, against policy: gate kept (churn#prod#2)" in done.out) == (0, True)
    written = facts(shared.root, "churn#prod#2")
    assert written["override"] == {"reason": "v1.2.0 is too slow"}
    assert (written["gate"]["result"], written["gate"]["not_met"]) == ("fail", ["gate kept"])


def test_override_that_was_not_needed_is_not_written(shared, promote):
    assert promote("churn", "prod", "--override", "just in case").code == 0
    assert "override" not in facts(shared.root, "churn#prod#1")


@pytest.mark.slow
def test_other_test_data_cannot_be_compared(shared, promote, cli):
    shared.settle(GATED)
    assert promote("churn@v1.0.0", "prod").code == 0
    write_tree(shared.root, {"src/prepare.sh": "cp data/raw.csv data/train.csv\nhead -9 data/raw.csv > data/test.csv\n"})
    assert cli(shared.root, "run").code == 0
    commit(shared.root)
    assert cli(shared.root, "model", "register", "churn").code == 0
    refused = promote("churn", "prod", "--json")
    assert refused.code == 2
    assert refused.json["verdict"] == "invalid"
    assert "different test data" in refused.json["checks"][2]["detail"]


def test_first_version_needs_thresholds(shared, promote):
    shared.settle(GATED.replace("  - {id: floor, kind: bound, metric: auc, min: 0.2}\n", ""))
    refused = promote("churn", "prod")
    assert (refused.code, "kind: bound, metric: auc, min: VALUE" in refused.out) == (1, True)


@pytest.mark.slow
def test_undeclared_direction_names_the_line_to_add(shared, promote):
    shared.settle(GATED.replace("auc, margin", "nested.loss, margin"))
    assert promote("churn@v1.0.0", "prod").code == 0
    refused = promote("churn@v1.1.0", "prod")
    assert refused.code == 2
    assert "add to mlgit.yaml: metrics: {nested.loss: {direction: higher}} (or lower)" in refused.out


def test_metric_nobody_measured_passes_nothing(shared, promote):
    shared.settle(GATED.replace("bound, metric: auc", "bound, metric: latency"))
    refused = promote("churn", "prod")
    assert (refused.code, "no model has latency" in refused.out) == (2, True)


@pytest.mark.slow
def test_metrics_of_a_version_whose_files_are_gone_are_taken_from_its_tag(shared, promote):
    shared.settle(GATED)
    shutil.rmtree(shared.root / ".dvc" / "cache")
    assert promote("churn@v1.0.0", "prod").code == 0
    assert promote("churn@v1.1.0", "prod").code == 0


@pytest.mark.slow
def test_approval_of_another_person_is_asked(shared, promote, cli):
    shared.settle("environments: [{name: prod, requires: {approvals: 1}}]\n")
    refused = promote("churn", "prod")
    assert (refused.code, "0 of 1" in refused.out) == (1, True)
    own = cli(shared.root, "model", "approve", "churn@v1.2.0")
    assert (own.code, "made or registered it" in own.out) == (1, True)
    bob = shared.clone("bob", email="bob@example.com")
    done = cli(bob, "model", "approve", "churn@latest", "-m", "looked at the slices", "--push")
    assert (done.code, done.out.splitlines()[0]) == (
        0,
        "bob@example.com approves churn@v1.2.0 (mlgit/approvals/churn/v1.2.0/bob-example-com)",
    )
    assert promote("churn", "prod", "--push").code == 0
    approvals = facts(shared.root, "churn#prod#1")["approvals"]
    assert [(each["by"], each["signed"]) for each in approvals] == [("bob@example.com", False)]


@pytest.mark.slow
def test_approval_points_at_the_tag_and_is_given_once(shared, cli):
    bob = shared.clone("bob", email="bob@example.com")
    assert cli(bob, "model", "approve", "churn@v1.1.0").code == 0
    again = cli(bob, "model", "approve", "churn@v1.1.0")
    assert (again.code, "has approved" in again.out) == (0, True)
    ref = "mlgit/approvals/churn/v1.1.0/bob-example-com"
    assert git(bob, "tag", "--list", "mlgit/*") == ref
    assert git(bob, "cat-file", "tag", ref).splitlines()[0] == f"object {git(bob, 'rev-parse', 'churn@v1.1.0')}"


def test_approval_needs_a_version_named(shared, cli):
    assert cli(shared.root, "model", "approve", "churn").code == 2


@needs_keys
def test_signed_promotion_by_a_trusted_key(shared, promote, tmp_path):
    shared.settle("environments: [{name: prod, requires: {signed: true}}]\n")
    key = with_key(shared.root, tmp_path / "keys", "ada@example.com")
    refused = promote("churn", "prod")
    assert (refused.code, "not trusted" in refused.out) == (1, True)
    assert git(shared.root, "tag", "--list", "churn#*") == ""
    trust(shared.root, tmp_path / "signers", {"ada@example.com": key})
    assert promote("churn", "prod", "--push").code == 0
    assert git(shared.root, "verify-tag", "churn#prod#1") == ""


@pytest.mark.slow
@needs_keys
def test_where_signatures_are_asked_unsigned_approvals_do_not_count(shared, promote, cli, tmp_path):
    shared.settle("environments: [{name: prod, requires: {signed: true, approvals: 1}}]\n")
    bob = shared.clone("bob", email="bob@example.com")
    keys = {"ada@example.com": with_key(shared.root, tmp_path / "keys", "ada@example.com")}
    keys["bob@example.com"] = with_key(bob, tmp_path / "keys", "bob@example.com")
    trust(shared.root, tmp_path / "signers", keys)
    assert cli(bob, "model", "approve", "churn@v1.2.0", "--push").code == 0
    assert promote("churn", "prod", "--push").code == 1
    assert cli(bob, "model", "approve", "churn@v1.2.0", "--sign", "--push").code == 0
    assert promote("churn", "prod", "--push").code == 0
    assert facts(shared.root, "churn#prod#1")["approvals"][0]["signed"] is True


@pytest.mark.slow
def test_missing_key_is_told(shared, promote):
    shared.settle("environments: [{name: prod, requires: {signed: true}}]\n")
    git(shared.root, "config", "gpg.format", "ssh")
    refused = promote("churn", "prod")
    assert (refused.code, "user.signingkey" in refused.err) == (2, True)


@pytest.mark.slow
def test_bytes_have_to_be_in_the_remote_where_that_is_asked(shared, promote, tmp_path):
    shared.settle("environments: [{name: prod, requires: {retrievable: true}}]\n")
    assert promote("churn", "prod").code == 2
    there = tmp_path / "there"
    there.mkdir()  # a remote that can be asked, and has nothing
    (shared.root / ".dvc" / "config").write_text(f"[core]\n    remote = there\n['remote \"there\"']\n    url = {there}\n")
    refused = promote("churn", "prod")
    assert (refused.code, "`mlgit push`" in refused.out) == (1, True)
    shutil.copytree(shared.root / ".dvc" / "cache" / "files", there / "files")
    assert promote("churn", "prod").code == 0


@pytest.mark.slow
def test_model_that_runs_code_is_refused_where_that_is_asked(shared, promote, cli):
    shared.settle("environments: [{name: prod, requires: {scan: clean}}]\n")
    assert promote("churn", "prod").code == 0
    write_tree(shared.root, {"src/train.sh": "mkdir -p models; printf 'cos\\nsystem\\n(S\"true\"\\ntR.' > models/churn.json\n"})
    assert cli(shared.root, "run").code == 0
    commit(shared.root)
    git(shared.root, "push", "--quiet", "origin", "HEAD:main")
    assert cli(shared.root, "model", "register", "churn").code == 0
    refused = promote("churn", "prod")
    assert (refused.code, "scan" in refused.out) == (1, True)


def test_withdrawn_version_is_not_promoted_even_with_override(shared, promote, cli):
    assert cli(shared.root, "model", "retire", "churn@v1.1.0").code == 0
    assert promote("churn@v1.1.0", "prod", "--override", "I want it").code == 1


def test_dry_run_shows_the_tag_and_writes_nothing(shared, promote):
    before = git(shared.root, "for-each-ref")
    done = promote("churn", "prod", "--dry-run", "--push")
    assert done.code == 0
    assert "would write churn#prod#1" in done.out
    assert "Assigning stage prod to artifact churn version v1.2.0" in done.out
    assert git(shared.root, "for-each-ref") == before
