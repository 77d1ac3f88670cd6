"""A pull request from end to end: run, report, comment and check, with real Git, a real pipeline and a forge that says no."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from tests.kit import git, write_tree
from tests.kit.forked import mlgit
from tests.kit.pulls import ME, World

pytestmark = pytest.mark.slow  # every test runs a pipeline


def test_a_pull_request_is_reviewed_and_its_comment_kept_up_to_date(world: World) -> None:
    first = world.commit(params__yaml="skill: 80\n")
    world.pull(7, first)
    ran = world.check(first, 100)
    assert ran.code == 1, ran.said
    assert (world.report.verdict, world.report.head.commit) == ("fail", first)
    assert "1 of 1 gate failed" in world.summary
    assert re.search(r"(?m)^::error title=gate kept%3A fail::", ran.out)

    published = world.publish(first, 100)
    assert published.code == 0, published.said
    assert "1 of 1 gate failed" in world.body
    assert "https://forge.example/runs/100" in world.body
    assert [(each["head_sha"], each["conclusion"]) for each in world.state.checks] == [(first, "failure")]

    second = world.commit(params__yaml="skill: 95\n")
    world.pull(7, second)
    assert world.check(second, 101).code == 0
    assert world.publish(second, 101).code == 0
    assert "the gate passed" in world.body
    assert world.state.checks[-1]["conclusion"] == "success"


def test_an_older_run_and_a_forged_marker_change_nothing(world: World) -> None:
    world.state.comment(7, "mallory", "<!-- mlgit:report v1 key=default head= run=999.1 -->\n### mlgit: all is well")
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    world.check(commit, 100)
    assert world.publish(commit, 200).code == 0
    before = world.body
    late = world.publish(commit, 150)
    assert late.code == 0
    assert "newer" in late.out
    assert world.body == before
    assert len(world.state.by("mallory")) == 1


def test_the_comment_is_found_among_many_and_limits_are_waited_out(world: World) -> None:
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    for number in range(120):
        world.state.comment(7, "ada", f"thought {number}")
    world.check(commit, 100)
    world.state.fail(429, "slow down", Retry_After="0")
    world.state.fail(403, "You have exceeded a secondary rate limit", Retry_After="0")
    assert world.publish(commit, 100).code == 0
    assert world.publish(commit, 101).code == 0
    assert "run=101.1" in world.body


def test_a_commit_that_a_person_has_read_is_run_again_and_counts(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit, repository="stranger/models")
    payload: dict[str, object] = {"inputs": {"commit": commit, "pull_request": "7"}}
    assert mlgit(world.root, "ci", "run", env=world.environment("workflow_dispatch", payload, 300)).code == 0
    assert world.report.head.commit == commit
    env = world.environment("workflow_dispatch", payload, 300, GITHUB_TOKEN="good")
    assert mlgit(world.root, "ci", "publish", "--verified", "--pr", "7", env=env).code == 0
    assert world.state.checks[-1]["conclusion"] == "success"
    world.pull(7, "c" * 40, repository="stranger/models")
    moved = mlgit(world.root, "ci", "publish", "--verified", env=env)
    assert moved.code == 2
    assert "by now" in moved.err


def test_the_default_branch_itself_is_in_order(world: World) -> None:
    git(world.root, "checkout", "-q", "main")
    here = git(world.root, "rev-parse", "HEAD")
    ran = mlgit(world.root, "ci", "run", env=world.environment("push", {}, 400, GITHUB_SHA=here))
    assert ran.code == 0, ran.said
    assert world.report.state == "first"  # it is the first commit


def test_a_run_that_fails_strikes_out_what_was_said_before(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    world.publish(commit, 100)
    broken = world.commit(params__yaml="skill: -1\n")
    world.pull(7, broken)
    ran = world.check(broken, 101)
    assert ran.code == 1
    muted = re.search(r"(?ms)^::stop-commands::(\w+)$(.*)^::\1::$", ran.out)
    assert muted
    assert "no skill at all" in muted[2]
    assert "::error::no skill" not in ran.out.replace(muted[0], "").replace("%3A", ":")
    world.publish(broken, 101)
    assert "<s>" in world.body
    assert "boom" in world.body
    assert world.state.checks[-1]["conclusion"] == "failure"


def test_a_job_that_left_no_report_strikes_out_the_verdict_too(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    world.publish(commit, 100)
    (world.root / "mlgit-report/report.json").unlink()
    assert world.publish(commit, 101).code == 0
    assert "the job ended before it had a report" in world.body
    assert "<s>" in world.body


def test_what_changes_nothing_gets_no_first_comment(world: World) -> None:
    commit = world.commit(README__md="words\n") if (world.root / "README.md").exists() else _with_readme(world)
    world.pull(7, commit)
    assert world.check(commit, 100).code == 0
    assert world.report.state == "nothing changed"
    assert world.publish(commit, 100).code == 0
    assert world.state.by(ME) == []
    assert world.state.checks[-1]["conclusion"] == "success"
    assert world.publish(commit, 101, "--comment", "always").code == 0
    assert "nothing changed" in world.body


def _with_readme(world: World) -> str:
    (world.root / "README.md").write_text("words\n")
    git(world.root, "add", "README.md")
    return world.commit()


def test_it_runs_on_a_laptop_too(world: World) -> None:
    world.commit(params__yaml="skill: 80\n")
    ran = mlgit(world.root, "ci", "run", "-o", "out")
    assert ran.code == 1, ran.said
    assert "::" not in ran.out
    assert (world.root / "out/report.html").read_text().startswith("<!DOCTYPE html>")
    shown = mlgit(world.root, "ci", "publish", "out/report.json", "--dry-run")
    assert shown.code == 0
    assert shown.out == (world.root / "out/report.md").read_text()
    assert mlgit(world.root, "report", "out/report.json").out == shown.out
    assert git(world.root, "status", "--porcelain", "--", "out") == ""


def test_where_nothing_can_be_compared_the_report_says_why(world: World) -> None:
    (world.root / "mlgit.yaml").write_text("mlgit: 1\nmetrcs: {}\n")
    ran = mlgit(world.root, "ci", "run")
    assert ran.code == 2
    assert "did you mean 'metrics'" in ran.err
    assert world.report.state == "invalid"


def test_with_force_a_recorded_result_that_nobody_made_is_not_believed(world):
    write_tree(world.root, {"params.yaml": "skill: 91\n"})
    assert mlgit(world.root, "run").code == 0
    forged = (world.root / "metrics.json").read_text().replace("0.91", "0.99")
    lock = (world.root / "dvc.lock").read_text()
    old, new = (hashlib.md5(text.encode()).hexdigest() for text in ((world.root / "metrics.json").read_text(), forged))
    commit = world.commit(metrics__json=forged, dvc__lock=lock.replace(old, new))
    assert mlgit(world.root, "status").code == 0, "the forgery is not consistent"
    world.check(commit, 1)
    assert [each.state for each in world.report.stages] == ["unchanged"]
    assert mlgit(world.root, "ci", "run", "--force").code == 0
    assert [each.state for each in world.report.stages] == ["ran"]
    assert json.loads((world.root / "metrics.json").read_text()) == {"accuracy": 0.91}
    assert mlgit(world.root, "ci", "run", "--force", "--no-run").code == 2
