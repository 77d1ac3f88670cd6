"""A pull request from end to end: run, report, comment and check, with real Git, a real pipeline and a forge that says no."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mlgit.report import document
from mlgit.report.document import Report
from tests.kit import git, mlgit, write_tree
from tests.kit.forge import State, forge

pytestmark = pytest.mark.slow  # every test runs a pipeline

ME = "mlgit[bot]"
PIPELINE = """\
stages:
  train:
    cmd: python3 train.py
    deps: [train.py]
    params: [skill]
    outs: [model.txt, predictions.csv]
    metrics: [{metrics.json: {cache: false}}]
artifacts:
  churn: {path: model.txt, type: model}
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  churn: {metrics: metrics.json, predictions: predictions.csv, id: id}
gates:
  rules:
    - {id: kept, kind: no_worse, metric: accuracy, margin: %s}
"""
TRAIN = """\
import json
skill = int(open("params.yaml").read().split(":")[1])
if skill < 0:
    raise SystemExit("::error::no skill at all\\nboom")
rows = [(f"r{i}", i % 2, i % 2 if i % 100 < skill else 1 - i % 2) for i in range(1000)]
open("predictions.csv", "w").write("id,label,prediction\\n" + "".join(f"{a},{b},{c}\\n" for a, b, c in rows))
json.dump({"accuracy": sum(b == c for _, b, c in rows) / 1000}, open("metrics.json", "w"))
open("model.txt", "w").write(str(skill))
"""


class World(NamedTuple):
    """A clone of a bare origin, and the forge that knows both."""

    root: Path
    state: State

    def commit(self, **files: str) -> str:
        write_tree(self.root, {name.replace("__", "."): text for name, text in files.items()})
        git(self.root, "commit", "-qam", "change")
        git(self.root, "push", "-q", "origin", "HEAD")
        return git(self.root, "rev-parse", "HEAD")

    def pull(self, number: int, commit: str, *, repository: str = "team/models") -> None:
        self.state.pulls[:] = [each for each in self.state.pulls if each["number"] != number]
        self.state.pull(number, commit, repository=repository)

    def environment(self, event: str, payload: dict[str, object], run: int, **more: str) -> dict[str, str]:
        path = self.root.parent / "event.json"
        path.write_text(json.dumps(payload))
        (self.root.parent / "summary.md").write_text("")
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.state.base,
            "GITHUB_SERVER_URL": "https://forge.example",
            "GITHUB_REPOSITORY": "team/models",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SHA": "e" * 40,
            "GITHUB_RUN_ID": str(run),
            "GITHUB_STEP_SUMMARY": str(self.root.parent / "summary.md"),
            **more,
        }

    def check(
        self,
        commit: str,
        run: int,
        *,
        repository: str = "team/models",
        labels: tuple[str, ...] = (),
        base: str = "main",
        root: Path | None = None,
    ):
        head = {"sha": commit, "ref": "topic", "repo": {"full_name": repository}}
        rows = [{"name": label} for label in labels]
        payload = {"pull_request": {"number": 7, "head": head, "base": {"ref": base}, "labels": rows}}
        return mlgit(root or self.root, "ci", "run", env=self.environment("pull_request", payload, run))

    def publish(
        self, commit: str, run: int, *options: str, repository: str = "team/models", attempt: int = 1, token: str = "good"
    ):
        found = {"head_sha": commit, "head_branch": "topic", "id": run, "run_attempt": attempt}
        found |= {"head_repository": {"full_name": repository}, "html_url": f"https://forge.example/runs/{run}"}
        env = self.environment("workflow_run", {"workflow_run": found}, run + 1, GITHUB_TOKEN=token)
        return mlgit(self.root, "ci", "publish", "mlgit-report/report.json", *options, env=env)

    @property
    def report(self) -> Report:
        path = self.root / "mlgit-report/report.json"
        return document.from_json(path.read_bytes(), source="report.json")

    @property
    def summary(self) -> str:
        return (self.root.parent / "summary.md").read_text()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare origin with a main branch whose pipeline has run."""
    folder = tmp_path_factory.mktemp("start")
    git(folder, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "-q", "origin.git", "clone")
    root = folder / "clone"
    git(root, "checkout", "-q", "-B", "main")
    write_tree(root, {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 90\n"})
    write_tree(root, {".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"})
    assert mlgit(root, "run").code == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    git(root, "push", "-q", "-u", "origin", "main")
    git(root, "remote", "set-head", "origin", "main")
    return folder


@pytest.fixture
def world(start: Path, tmp_path: Path) -> Iterator[World]:
    """A clone of its own on a branch, and the forge."""
    git(tmp_path, "clone", "-q", "--bare", str(start / "origin.git"), "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    root = tmp_path / "clone"
    cache = start / "clone/.dvc/cache"
    (root / ".dvc/cache").symlink_to(cache)
    git(root, "checkout", "-q", "-b", "topic")
    with forge(State()) as state:
        yield World(root, state)


def body(world: World) -> str:
    found = world.state.by(ME)
    assert len(found) == 1
    return found[0]


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
    assert "1 of 1 gate failed" in body(world)
    assert "https://forge.example/runs/100" in body(world)
    assert [(each["head_sha"], each["conclusion"]) for each in world.state.checks] == [(first, "failure")]

    second = world.commit(params__yaml="skill: 95\n")
    world.pull(7, second)
    assert world.check(second, 101).code == 0
    assert world.publish(second, 101).code == 0
    assert "the gate passed" in body(world)
    assert world.state.checks[-1]["conclusion"] == "success"


def test_an_older_run_and_a_forged_marker_change_nothing(world: World) -> None:
    world.state.comment(7, "mallory", "<!-- mlgit:report v1 key=default head= run=999.1 -->\n### mlgit: all is well")
    commit = world.commit(params__yaml="skill: 80\n")
    world.pull(7, commit)
    world.check(commit, 100)
    assert world.publish(commit, 200).code == 0
    before = body(world)
    late = world.publish(commit, 150)
    assert late.code == 0
    assert "newer" in late.out
    assert body(world) == before
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
    assert "run=101.1" in body(world)


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
    assert "Self-reported by a fork" in body(world)
    assert world.state.checks[-1]["conclusion"] == "neutral"
    assert world.publish(commit, 101, "--verified", repository="stranger/models").code == 0
    assert "Self-reported" not in body(world)
    assert world.state.checks[-1]["conclusion"] == "success"


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
    assert world.report.state == "no baseline"  # it is the first commit


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
    assert "key=verified" in body(world)
    assert "run=100.1" in body(world)
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
    assert "the gate passed" in body(world)
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


def test_the_job_of_one_forge_hands_no_token_to_another(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    done = world.publish(commit, 100, "--forge", "gitlab", "--repository", "team/models")
    assert "no token: set MLGIT_TOKEN or GITLAB_TOKEN" in done.err
    assert world.state.requests == []


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
    assert "<s>" in body(world)
    assert "boom" in body(world)
    assert world.state.checks[-1]["conclusion"] == "failure"


def test_a_job_that_left_no_report_strikes_out_the_verdict_too(world: World) -> None:
    commit = world.commit(params__yaml="skill: 95\n")
    world.pull(7, commit)
    world.check(commit, 100)
    world.publish(commit, 100)
    (world.root / "mlgit-report/report.json").unlink()
    assert world.publish(commit, 101).code == 0
    assert "the job ended before it had a report" in body(world)
    assert "<s>" in body(world)


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
    assert "1 of 1 gate failed" in body(world)
    assert "This change edits the rules it is judged by" in body(world)
    assert "0.5" in body(world)


def test_what_changes_nothing_gets_no_first_comment(world: World) -> None:
    commit = world.commit(README__md="words\n") if (world.root / "README.md").exists() else _with_readme(world)
    world.pull(7, commit)
    assert world.check(commit, 100).code == 0
    assert world.report.state == "nothing changed"
    assert world.publish(commit, 100).code == 0
    assert world.state.by(ME) == []
    assert world.state.checks[-1]["conclusion"] == "success"
    assert world.publish(commit, 101, "--comment", "always").code == 0
    assert "nothing changed" in body(world)


def _with_readme(world: World) -> str:
    (world.root / "README.md").write_text("words\n")
    git(world.root, "add", "README.md")
    return world.commit()


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
    assert told in done.err or "no report" in done.err
    assert world.state.requests == []


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
