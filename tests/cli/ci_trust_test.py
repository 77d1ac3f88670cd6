"""What a job believes and what it does not: forks, forged reports, other commits, missing permissions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.kit import git
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit
from tests.kit.pulls import CONFIG, ME, World

pytestmark = pytest.mark.slow  # every test runs a pipeline


def test_a_report_about_another_commit_is_refused(world: World) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.check(commit, 100)
    newer = world.commit(params__yaml="skill: 70\n")
    world.pull(7, newer)
    refused = world.publish(newer, 101)
    assert refused.code == 2
    assert f"the report is about {commit[:10]}" in refused.err
    late = world.publish(commit, 100)
    assert late.code == 2
    assert "no open pull request" in late.err
    assert world.state.by(ME) == []


def test_two_pull_requests_with_one_head_have_to_be_told_apart(world: World) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.check(commit, 100)
    world.pull(7, commit)
    world.pull(8, commit)
    assert "2 pull requests" in world.publish(commit, 100).err
    assert world.publish(commit, 100, "--pr", "8").code == 0


def test_a_fork_is_self_reported_until_somebody_has_read_it(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit, repository="stranger/models")
    world.check(commit, 100, repository="stranger/models")
    assert world.publish(commit, 100, repository="stranger/models").code == 0
    assert "Self-reported by a fork" in world.body
    assert world.state.checks[-1]["conclusion"] == "neutral"
    assert world.publish(commit, 101, "--verified", repository="stranger/models").code == 0
    assert "Self-reported" not in world.body
    assert world.state.checks[-1]["conclusion"] == "success"


def test_a_fork_cannot_say_that_it_is_none(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit, repository="stranger/models")
    world.check(commit, 100)
    assert world.report.is_self_reported is False
    world.publish(commit, 100, repository="stranger/models")
    assert world.state.checks[-1]["conclusion"] == "neutral"


def test_a_change_for_another_branch_is_compared_with_that_one(world: World) -> None:
    git(world.root, "checkout", "-q", "-b", "release")
    world.commit(params__yaml="skill: 70\n")
    assert mlgit(world.root, "run").code == 0
    release = world.commit()
    git(world.root, "checkout", "-q", "-b", "fix")
    commit = world.commit(params__yaml="skill: 75\n")
    ran = world.check(commit, 100, base="release")
    assert ran.code == 0, ran.said
    assert world.report.base is not None
    assert world.report.base.commit == release
    git(world.root, "update-ref", "-d", "refs/remotes/origin/release")
    git(world.root, "branch", "-q", "-D", "release")
    lost = world.check(commit, 101, base="release")
    assert lost.code == 2
    assert "git fetch origin release" in lost.err


def test_a_clone_without_history_says_what_to_fetch(world: World, tmp_path: Path) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=topic", f"file://{tmp_path}/origin.git", "shallow")
    shallow = tmp_path / "shallow"
    (shallow / ".dvc/cache").symlink_to(world.root / ".dvc/cache")
    git(shallow, "checkout", "-q", "--detach")
    ran = world.check(commit, 100, root=shallow)
    assert ran.code == 2, ran.said
    assert "git fetch" in ran.err
    git(shallow, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    ran = world.check(commit, 100, root=shallow)
    assert ran.code == 2, ran.said
    assert "--unshallow" in ran.err


def test_numbers_of_another_commit_are_never_taken_for_those_of_the_job(world: World) -> None:
    commit = world.commit(params__yaml="skill: 10\n")
    git(world.root, "checkout", "-q", "main")
    ran = world.check(commit, 100)
    assert ran.code == 2
    assert "is checked out" in ran.err
    assert (world.report.state, world.report.metrics) == ("invalid", ())
    git(world.root, "merge", "-q", "--no-ff", "-m", "merge", commit)  # as forges do
    assert world.check(commit, 100).code == 1


def test_a_report_cannot_choose_another_comment_or_place_among_runs(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    path = world.root / "mlgit-report/report.json"
    path.write_text(path.read_text().replace('"key":"default"', '"key":"verified"').replace('"number":100', '"number":999'))
    refused = world.publish(commit, 100)
    assert refused.code == 2
    assert "--key" in refused.err
    assert world.state.requests == []
    assert world.publish(commit, 100, "--key", "verified").code == 0
    assert "key=verified" in world.body
    assert "run=100.1" in world.body
    assert mlgit(world.root, "ci", "run", "--key", "my key").code == 2


def test_a_comment_counts_also_where_no_check_may_be_set(world: World) -> None:
    world.state.may = {"user", "comment"}
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    (world.root.parent / "summary.md").write_text("")
    done = world.publish(commit, 100)
    assert done.code == 0, done.said
    assert "the check 'mlgit' is not set" in done.err
    assert "the gate passed" in world.body
    assert world.summary == ""


def test_what_publish_prints_is_no_command_to_the_runner(world: World) -> None:
    broken = world.commit(params__yaml="skill: -1\n")
    world.check(broken, 100)
    for options in (("--dry-run",), ()):
        env = world.environment("push", {}, 100, GITHUB_STEP_SUMMARY="")
        shown = mlgit(world.root, "ci", "publish", *options, env=env)
        muted = re.search(r"(?ms)^::stop-commands::(\w+)$(.*)^::\1::$", shown.out)
        assert muted
        assert "boom" in muted[2]
        assert not re.search(r"(?m)^\s*::", shown.out.replace(muted[0], ""))


def test_where_the_summary_cannot_be_written_the_report_is_printed(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    env = world.environment("push", {}, 100, GITHUB_SHA=commit, GITHUB_STEP_SUMMARY=str(world.root))
    assert mlgit(world.root, "ci", "run", env=env).code == 0
    shown = mlgit(world.root, "ci", "publish", env=env)
    assert shown.code == 0
    assert "cannot be written" in shown.err
    assert "the gate passed" in shown.out


def test_the_job_of_one_forge_hands_no_token_to_another(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    done = world.publish(commit, 100, "--forge", "gitlab", "--repository", "team/models")
    assert "no token: set MLGIT_TOKEN or GITLAB_TOKEN" in done.err
    assert world.state.requests == []


def test_without_a_token_the_report_goes_to_the_summary_and_the_gates_decide(world: World) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    world.check(commit, 100)
    done = world.publish(commit, 100, token="")
    assert done.code == 1
    assert "no token" in done.err
    assert "1 of 1 gate failed" in world.summary
    assert world.state.requests == []


@pytest.mark.parametrize(("may", "token"), [({"user"}, "good"), ({"comment"}, "bad")])
def test_a_token_that_may_not_write_is_told_and_the_summary_takes_its_place(world: World, may: set[str], token: str) -> None:
    world.state.may = may
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    done = world.publish(commit, 100, token=token)
    assert done.code == 0
    assert "not shown in the pull request" in done.err
    assert token not in done.said.replace("good", "") or token == "good"
    assert "the gate passed" in world.summary


def test_loosening_a_gate_is_judged_by_the_old_rule_and_listed(world: World) -> None:
    commit = world.commit(params__yaml="skill: 80\n", mlgit__yaml=CONFIG % "0.5")
    world.pull(7, commit)
    assert world.check(commit, 100).code == 1
    world.publish(commit, 100)
    assert "1 of 1 gate failed" in world.body
    assert "This change edits the rules it is judged by" in world.body
    assert "0.5" in world.body


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{" + b" " * 50_000_000 + b"}", "50"),
        (b'{"extra": 1}', "unknown key"),
        (b"not json", "not JSON"),
    ],
)
def test_what_is_no_report_is_refused(world: World, content: bytes, told: str) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    (world.root / "mlgit-report").mkdir(exist_ok=True)
    (world.root / "mlgit-report/report.json").write_bytes(content)
    done = world.publish(commit, 100)
    assert done.code == 2
    assert "report.json" in done.err
    assert told in done.err or "not a report" in done.err
    assert world.state.requests == []


@pytest.mark.parametrize("kind", ["gitlab", "gitea"])
def test_other_forges_show_the_same(world: World, kind: str) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.check(commit, 100)
    with forge(State(kind=kind)) as state:
        state.pull(7, commit)
        state.comment(7, "mallory", "<!-- mlgit:report v1 key=default head= run=999.1 -->\nall is well")
        for number in range(120):
            state.comment(7, "ada", f"thought {number}")
        for run in (100, 102, 101):
            env = _environment(world, state, commit, run)
            done = mlgit(world.root, "ci", "publish", env=env)
            assert done.code == 0, done.said
            assert "secret" not in done.said
    (found,) = state.by(ME)
    assert "run=102.1" in found
    assert "1 of 1 gate failed" in found
    assert {each["state"] for each in state.statuses} == {"failed" if kind == "gitlab" else "failure"}
    assert len(state.by("mallory")) == 1


def _environment(world: World, state: State, commit: str, run: int) -> dict[str, str]:
    state.tokens["secret"] = ME
    if state.kind == "gitea":
        head = {"sha": commit, "ref": "topic", "repo": {"full_name": "team/models"}}
        event: dict[str, object] = {"pull_request": {"number": 7, "head": head, "base": {"ref": "main"}}}
        more = {"GITHUB_API_URL": state.base, "GITEA_ACTIONS": "true", "GITHUB_TOKEN": "secret"}
        return world.environment("pull_request", event, run, **more)
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": state.base,
        "CI_PROJECT_PATH": "team/models",
        "CI_COMMIT_SHA": commit,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PIPELINE_ID": str(run),
        "GITLAB_TOKEN": "secret",
    }


@pytest.mark.parametrize("forged", [{"verdict": "pass"}, {"verdict": "warn"}, {"verdict": "pass", "rules": []}])
def test_a_verdict_that_its_own_rules_do_not_bear_out_is_refused(world: World, forged: dict[str, object]) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    world.check(commit, 100)
    path = world.root / "mlgit-report/report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | forged))
    done = world.publish(commit, 100)
    assert done.code == 2
    assert "and that of its rules is" in done.err
    assert (world.state.checks, world.state.by(ME)) == ([], [])


def test_a_change_brings_no_notes_of_its_own(world: World) -> None:
    """What a command keeps for the next one is believed, so none of it may come with the change that is judged."""
    kept = world.root / ".dvc/tmp/mlgit/reevaluated/churn"
    kept.parent.mkdir(parents=True)
    kept.write_text("id,label,prediction\n")
    git(world.root, "add", "-f", str(kept))
    commit = world.commit(params__yaml="skill: 80\n")
    ran = world.check(commit, 100)
    assert ran.code == 2
    assert ".dvc/tmp/mlgit/reevaluated/churn: Git has it" in ran.said
    assert world.report.state == "invalid"
