"""Real projects with a model: raw data, a split, a model of a few bytes, and its evaluation."""

from __future__ import annotations

from pathlib import Path

from mlgit import project as projects
from mlgit.adapters.git import git as git_adapter
from mlgit.registry import commit_facts
from mlgit.revision.revisions import Revisions
from tests.kit import commit, repository, write_tree

RAW = "id,x,label\n" + "".join(f"{number},{number * 7 % 20},{number % 2}\n" for number in range(20))
PIPELINE = """\
stages:
  prepare:
    cmd: sh src/prepare.sh
    deps: [src/prepare.sh, data/raw.csv]
    outs: [data/train.csv, data/test.csv]
  train:
    cmd: sh src/train.sh
    deps: [src/train.sh, data/train.csv]
    params: [train.depth]
    outs: [models/churn.json]
  evaluate:
    cmd: sh src/evaluate.sh
    deps: [src/evaluate.sh, models/churn.json, data/test.csv]
    outs: [reports/predictions.csv]
    metrics:
    - reports/metrics.json: {cache: false}
artifacts:
  churn:
    path: models/churn.json
    type: model
    desc: Who will leave
    labels: [tabular]
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "params.yaml": "train: {depth: 3}\n",
    "mlgit.yaml": """\
mlgit: 1
metrics: {auc: {direction: higher}}
models:
  churn:
    metrics: reports/metrics.json
    predictions: reports/predictions.csv
    id: id
    train: [data/train.csv]
    test: [data/test.csv]
""",
    "src/prepare.sh": "head -16 data/raw.csv > data/train.csv\n(head -1 data/raw.csv; tail -5 data/raw.csv) > data/test.csv\n",
    "src/train.sh": """\
mkdir -p models
depth=$(sed -n 's/.*depth: \\([0-9]*\\).*/\\1/p' params.yaml)
printf '{"learner": {"depth": %s}, "version": [2, 0, 0]}' $depth > models/churn.json
""",
    "src/evaluate.sh": """\
mkdir -p reports
depth=$(sed -n 's/.*depth": \\([0-9]*\\).*/\\1/p' models/churn.json)
printf '{"auc": 0.%s, "nested": {"loss": %s}, "passed": true}' $depth $depth > reports/metrics.json
(echo id,label,prediction; tail -n +2 data/test.csv | cut -d, -f1,3,3) > reports/predictions.csv
""",
    "requirements.txt": "numpy==2.0.0\n",
    "Dockerfile": "FROM scratch\n",
}


def made(root: Path, cli, files=None, *, remote: bool = False) -> Path:
    """A project that was run and committed, in a repository's root (`root`); with a DVC remote beside it if wanted."""
    repository(root)
    return fill(root, cli, files, remote=remote)


def fill(root: Path, cli, files=None, *, remote: bool = False) -> Path:
    """The same in a folder that is a DVC project already."""
    write_tree(root, {**FILES, "data/raw.csv": RAW, **(files or {})})
    if remote:
        there = root.parent / f"{root.name}-remote"
        (root / ".dvc" / "config").write_text(f"[core]\n    remote = there\n['remote \"there\"']\n    url = {there}\n")
    done = cli(root, "add", "data/raw.csv")
    assert done.code == 0, done.said
    ran(root, cli)
    return root


def ran(root: Path, cli) -> str:
    """Run and commit; the new commit's id."""
    done = cli(root, "run")
    assert done.code == 0, done.said
    return commit(root)


def facts(root: Path, artifact: str = "churn", revision: str = "HEAD"):
    """What a revision proves about an artifact."""
    return commit_facts.collect(at(root, revision), artifact)


def at(root: Path, revision: str = "HEAD"):
    """A revision of a project."""
    project = projects.find(root)
    return Revisions(project).commit(git_adapter.resolve(project.git_root, revision))
