"""A tag of a time to come is a finding, and drags no later tag along unless somebody says so."""

from __future__ import annotations

import time

import pytest

from tests.kit import git
from tests.registry.worlds import churn, world

pytestmark = pytest.mark.slow  # real repositories

DAY = 86_400
COMMANDS = {
    "register": ("register", "churn", "HEAD"),
    "promote": ("promote", "churn@v1.2.0", "staging"),
    "rollback": ("rollback", "churn", "prod", "-m", "why"),
    "unassign": ("unassign", "churn", "prod"),
    "retire": ("retire", "churn@v1.2.0"),
    "dry run": ("unassign", "churn", "prod", "--dry-run"),
    "push": ("unassign", "churn", "prod", "--push"),
}


def dated(root, ref: str, version: str, *, ahead: int) -> None:
    """A tag as another tool writes it, so many seconds from now."""
    when = int(time.time()) + ahead
    git(root, "tag", "-a", "-m", "x", ref, f"churn@{version}^{{commit}}", env={"GIT_COMMITTER_DATE": f"@{when} +0000"})


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two versions were in prod, the last one from four years ahead; a commit is there to register."""
    made = world(tmp_path_factory.mktemp("future"))
    dated(made.root, "churn#prod#1", "v1.0.0", ahead=1000)
    dated(made.root, "churn#prod#2", "v1.1.0", ahead=4 * 365 * DAY)
    git(made.root, "commit", "--quiet", "--allow-empty", "--message", "more")
    git(made.root, "push", "--quiet", "origin", "main", "churn#prod#1", "churn#prod#2")
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_upon_it(shared, cli, command):
    refs = git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")
    done = cli(shared.root, "model", *COMMANDS[command])
    assert (done.code, "churn#prod#2 is dated 4 years ahead" in done.err) == (2, True), done.said
    assert "--after-future-date" in done.err
    assert "git tag -d 'churn#prod#2'" in done.err
    assert (git(shared.root, "for-each-ref"), git(shared.origin, "for-each-ref")) == refs


def test_verify_event_and_doctor_name_it(shared, cli):
    found = cli(shared.root, "model", "verify", "--json").json["findings"]
    assert [each["tag"] for each in found if each["kind"] == "future"] == ["churn#prod#2"]
    assert "future" in cli(shared.root, "model", "event", "churn#prod#2").out
    assert "churn#prod#2: is dated 4 years ahead" in cli(shared.root, "doctor").out


def test_option_writes_a_second_after_it_and_says_so(shared, cli, tmp_path):
    there = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(shared.root), str(there))
    done = cli(there, "model", "unassign", "churn", "prod", "--after-future-date")
    assert done.code == 0, done.said
    assert "note: churn#prod!#3 is dated a second after churn#prod#2, 4 years ahead" in done.out
    *_, before, after = churn(there).events
    assert (before.ref, after.ref, after.time - before.time) == ("churn#prod#2", "churn#prod!#3", 1)


def test_approval_of_such_a_version_waits_as_well(shared, cli, tmp_path):
    there = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(shared.root), str(there))
    dated(there, "churn@v9.0.0", "v1.2.0", ahead=3 * DAY)
    git(there, "config", "user.email", "bob@example.com")
    done = cli(there, "model", "approve", "churn@v9.0.0")
    assert (done.code, "churn@v9.0.0 is dated 3 days ahead" in done.err) == (2, True), done.said


@pytest.mark.parametrize("ahead", [60, DAY - 600])
def test_clock_that_is_a_little_wrong_is_no_finding(cli, tmp_path, ahead):
    made = world(tmp_path)
    dated(made.root, "churn#prod#1", "v1.0.0", ahead=ahead)
    assert "future" not in cli(made.root, "model", "verify").out
    assert cli(made.root, "model", "unassign", "churn", "prod").code == 0


def test_date_that_nothing_can_follow_is_told(cli, tmp_path):
    made = world(tmp_path)
    at = git(made.root, "rev-parse", "churn@v1.0.0^{commit}")
    text = f"object {at}\ntype commit\ntag churn#prod#1\ntagger Eve <eve@example.com> {10**17} +0000\n\nx\n"
    oid = git(made.root, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=text)
    git(made.root, "update-ref", "refs/tags/churn#prod#1", oid)
    done = cli(made.root, "model", "unassign", "churn", "prod", "--after-future-date")
    assert (done.code, "no date comes after it" in done.err) == (2, True), done.said
