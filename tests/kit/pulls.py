"""A pull request on this machine: a clone of a bare origin, a pipeline whose skill is a parameter, and the jobs of a forge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from mlgit.report import document
from mlgit.report.document import Report
from tests.kit.forge import State
from tests.kit.forked import mlgit
from tests.kit.programs import git
from tests.kit.repositories import write_tree

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

    @property
    def body(self) -> str:
        """The one comment of ours."""
        found = self.state.by(ME)
        assert len(found) == 1
        return found[0]
