"""Real projects with predictions on both sides: what is in `source/` is what the stages find out."""

from __future__ import annotations

import html
import json
import re

from tests.kit import commit, git, repository, write_tree

PIPELINE = """\
stages:
  train:
    cmd: mkdir -p models && cp source/model.bin models/model.bin
    deps: [source/model.bin]
    outs: [models/model.bin]
  evaluate:
    cmd: mkdir -p reports && cp source/predictions.csv source/metrics.json reports/
    deps: [source/predictions.csv, source/metrics.json, models/model.bin, data/test.csv]
    outs: [reports/predictions.csv]
    metrics:
    - reports/metrics.json: {cache: false}
artifacts:
  churn: {path: models/model.bin, type: model}
"""
MODELS = """\
mlgit: 1
metrics: {accuracy: {direction: higher}, roc_auc: {direction: higher}, latency: {direction: lower}}
models:
  churn:
    metrics: reports/metrics.json
    predictions: reports/predictions.csv
    id: id
    test: [data/test.csv]
"""
RULES = """\
gates:
  stats: {resamples: 499}
  rules:
  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.05}
"""


def rows(number=400, *, wrong=range(40), order=1, label=lambda key: key % 2):
    """Predictions as CSV: the rows named in `wrong` are wrong, and every score is on the side of its prediction."""
    lines = []
    for key in range(number)[::order]:
        said = 1 - label(key) if key in set(wrong) else label(key)
        score = round(0.1 + 0.8 * said + (key * 37 % 100) / 1001, 4)
        lines.append(f"r{key},{label(key)},{said},{score},{'EU' if key % 4 < 2 else 'US'}")
    return "\n".join(["id,label,prediction,score,region", *lines]) + "\n"


def sources(predictions, *, metrics=None, model=b"x" * 1000):
    """The files that the stages copy."""
    given = {"accuracy": 0.9, "latency": 18.2} if metrics is None else metrics
    return {"source/predictions.csv": predictions, "source/metrics.json": json.dumps(given), "source/model.bin": model}


def started(root, cli, *, config=MODELS + RULES, predictions=None, folder="", pipeline=PIPELINE, **given):
    """A project on its default branch, run and committed, and a branch that begins there; the project's folder."""
    repository(root)
    project = root
    if folder:
        project = root / folder
        (root / folder).mkdir(parents=True)
        (root / ".dvc").rename(project / ".dvc")
        (root / ".dvcignore").rename(project / ".dvcignore")
    files = {"dvc.yaml": pipeline, "mlgit.yaml": config, "data/test.csv": "x\n1\n"}
    write_tree(project, files | sources(rows() if predictions is None else predictions, **given))
    ran(project, cli)
    git(root, "checkout", "--quiet", "-b", "change")
    return project


def ran(project, cli, files=None):
    """Write files, run, and commit; the new commit."""
    write_tree(project, files or {})
    done = cli(project, "run")
    assert done.code == 0, done.said
    return commit(project)


def judged(project, cli, *args):
    """The document of `mlgit gate --json`, with the exit code."""
    done = cli(project, "gate", "--json", *args)
    assert done.code in (0, 1, 2), done.said
    assert done.out, done.said
    return json.loads(done.out) | {"code": done.code}


def comment(project, cli, code, *args):
    """The lines of the comment of `mlgit ci run` as a reader sees them, without the marker; `code` is how it has to end."""
    done = cli(project, "ci", "run", "-o", "out", *args)
    assert done.code == code, done.said
    text = (project / "out/report.md").read_text()
    return re.sub(r"\\(.)", r"\1", html.unescape(text)).splitlines()[1:]


def only(document):
    """The one rule of a document."""
    (rule,) = document["rules"]
    return rule
