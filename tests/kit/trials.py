"""Projects with trials: as if each had been run, at a fraction of the time, since what the one stage makes is known here too.

`project` is a repository that was run and committed. `add` writes trials of it, as `mlgit exp run` or as DVC leaves them, with
what they made in the cache; thousands come from one `git fast-import`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mlgit.experiments import trial, trial_message
from mlgit.experiments.trial import TrialFacts
from mlgit.experiments.trial_name import name_of
from tests.kit.programs import git, program
from tests.kit.repositories import DVC_FILES, commit, repository, write_tree

BASELINE = {"train.lr": 0.5, "train.depth": 2}
# Quick to run for real: `python3` without any package.
TRAIN = '''\
"""Train on nothing: what comes out is a function of the parameters."""

import bisect
import hashlib
import json
import math
import os
import re


def noise(*words):
    return int.from_bytes(hashlib.sha256(":".join(map(str, words)).encode()).digest()[:4], "big") / 2**32 - 0.5


def outcome(lr, depth):
    quality = 0.5 - (math.log10(lr) + 1) ** 2 / 8 - (depth - 4) ** 2 / 40
    rows = []
    for number in range(120):
        label = number % 2
        score = 0.5 + (label - 0.5) * quality + 0.6 * noise(number) + 0.2 * noise(number, lr, depth)
        rows.append((number, label, int(score >= 0.5), round(min(max(score, 0), 1), 6)))
    good, bad = (sorted(score for _, label, _, score in rows if label == which) for which in (1, 0))
    pairs = sum(bisect.bisect_left(bad, one) + bisect.bisect_right(bad, one) for one in good) / 2
    right = sum(label == prediction for _, label, prediction, _ in rows)
    metrics = {"accuracy": right / len(rows), "roc_auc": pairs / len(good) / len(bad), "size": {"leaves": 2**depth}}
    lines = "".join(f"{number},{label},{prediction},{score}\\n" for number, label, prediction, score in rows)
    return {
        "metrics.json": json.dumps(metrics) + "\\n",
        "model.json": json.dumps({"lr": lr, "depth": depth}) + "\\n",
        "predictions.csv": f"id,label,prediction,score\\n{lines}",
    }


if __name__ == "__main__":
    with open("params.yaml") as file:
        text = file.read()
    lr, depth = (re.search(rf"^  {name}: (\\S+)", text, re.MULTILINE)[1] for name in ("lr", "depth"))
    for path, content in outcome(float(lr), int(depth)).items():
        with open(path + ".new", "w") as file:
            file.write(content)
        os.replace(path + ".new", path)
'''
PIPELINE = """\
stages:
  train:
    cmd: python3 train.py
    deps: [rows.csv, train.py]
    params: [train]
    outs: [model.json, predictions.csv]
    metrics:
    - metrics.json: {cache: false}
artifacts:
  churn: {path: model.json, type: model}
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "rows.csv": "id\n1\n",
    "train.py": TRAIN,
    ".gitignore": "/model.json\n/predictions.csv\n",
    "mlgit.yaml": """\
mlgit: 1
metrics: {roc_auc: {direction: higher}, accuracy: {direction: higher}}
models:
  churn: {metrics: metrics.json, predictions: predictions.csv, id: id}
""",
}
_LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python3 train.py
    deps:
    - path: rows.csv
      hash: md5
      {rows}
    - path: train.py
      hash: md5
      {code}
    params:
      params.yaml:
        train:
          lr: {lr}
          depth: {depth}
    outs:
    - path: metrics.json
      hash: md5
      {metrics}
    - path: model.json
      hash: md5
      {model}
    - path: predictions.csv
      hash: md5
      {predictions}
"""
_WHO = "Ada <ada@example.com>"
_START = 1_700_000_000


@dataclass(frozen=True, slots=True)
class AddedTrial:
    """A trial that was written: `files` are those that differ from the baseline, by their path in the project."""

    name: str
    ref: str
    commit: str
    changes: Mapping[str, Any]
    files: Mapping[str, str]


def project(
    root: Path,
    files: Mapping[str, str] | None = None,
    *,
    below: str = "",
    settings: str = "",
    object_format: str = "",
) -> Path:
    """A project that was run and committed, with the outputs in workspace and cache; in a folder of a repository at `root`
    if `below` names one. `settings` goes into its DVC configuration, `object_format` says how long ids are.
    """
    if object_format:
        root.mkdir()
        git(root, "init", "--quiet", f"--object-format={object_format}")
        write_tree(root, DVC_FILES)
    elif below:
        repository(root)
        git(root, "rm", "-r", "--quiet", ".dvc", ".dvcignore")
        write_tree(root / below, {".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", ".dvc/config": "", ".dvcignore": ""})
    else:
        repository(root)
    here = root / below
    (here / ".dvc" / "config").write_text(settings)
    made = _outcome(0.5, 2)
    write_tree(here, {**FILES, **_records(BASELINE), **made, **(files or {})})
    _cache(here, made)
    commit(root, "Train a first model")
    return here


def add(
    root: Path,
    changes: Sequence[Mapping[str, Any]],
    *,
    baseline: str = "HEAD",
    facts: TrialFacts | None = None,
    names: Sequence[str] = (),
    by_dvc: bool = False,
    with_data: bool = True,
    files: Mapping[str, str] | None = None,
    since: float = _START,
) -> list[AddedTrial]:
    """Write one trial of the project at `root` for each of the `changes` (of `train.lr` and `train.depth`).

    `facts` are those that all share (the search that they are of), `names` of other names than their content gives, `files`
    more files of each. With `by_dvc` they have no trailer, as DVC writes them. `with_data` puts what they made into the cache.
    """
    base, tree = git(root, "rev-parse", f"{baseline}^{{commit}}", f"{baseline}^{{tree}}").split()
    prefix = git(root, "rev-parse", "--show-prefix")
    stream, found = [], []
    for number, change in enumerate(changes, 1):
        made = _outcome(change.get("train.lr", BASELINE["train.lr"]), change.get("train.depth", BASELINE["train.depth"]))
        texts = {**_records({**BASELINE, **change}), "metrics.json": made["metrics.json"], **(files or {})}
        name = names[number - 1] if names else name_of(change, tree=tree)
        when = since + number
        known = replace(facts or TrialFacts(), changes=change, number=number, started=when, seconds=1.5, stages={"ran": 1})
        digest = hashlib.sha256(texts["dvc.lock"].encode()).hexdigest()
        message = f"dvc: commit experiment {digest}\n" if by_dvc else trial_message.write(digest, known)
        ref = trial.ref_of(base, name)
        stream.append(_commit(ref, base, message, {f"{prefix}{path}": text for path, text in texts.items()}, int(when)))
        found.append((name, ref, change, texts))
        if with_data:
            _cache(root, made)
    done = program(root, ["git", "fast-import", "--quiet", "--done"], stdin="".join([*stream, "done\n"]))
    assert done.code == 0, done.said
    commits = dict(
        row.split(" ")[::-1] for row in git(root, "for-each-ref", "--format=%(objectname) %(refname)", trial.SPACE).splitlines()
    )
    return [AddedTrial(name, ref, commits[ref], change, texts) for name, ref, change, texts in found]


def _commit(ref: str, base: str, message: str, texts: Mapping[str, str], when: int) -> str:
    rows = [f"commit {ref}", f"committer {_WHO} {when} +0000", f"data {len(message.encode())}", message, f"from {base}"]
    for path, text in texts.items():
        rows += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    return "\n".join(rows) + "\n"


@cache
def _module() -> dict[str, Any]:
    spoken: dict[str, Any] = {"__name__": "train"}
    exec(compile(TRAIN, "train.py", "exec"), spoken)
    return spoken


@cache
def _outcome(lr: float, depth: int) -> dict[str, str]:
    found: dict[str, str] = _module()["outcome"](float(lr), depth)
    return found


def _records(params: Mapping[str, Any]) -> dict[str, str]:
    """The files that tell what was set and what came out."""
    lr, depth = params["train.lr"], params["train.depth"]
    made = _outcome(lr, depth)
    lines = {name.partition(".")[0]: _digest(text) for name, text in {**made, "rows.csv": FILES["rows.csv"]}.items()}
    lock = _LOCK.format(lr=lr, depth=depth, code=_digest(TRAIN), **lines)
    return {"params.yaml": f"# what may be set\ntrain:\n  lr: {lr}\n  depth: {depth}\n", "dvc.lock": lock}


def _digest(text: str) -> str:
    return f"md5: {_md5(text)}\n      size: {len(text.encode())}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _cache(root: Path, made: Mapping[str, str]) -> None:
    for path, text in made.items():
        place = root / ".dvc" / "cache" / "files" / "md5" / _md5(text)[:2] / _md5(text)[2:]
        if path != "metrics.json" and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            place.chmod(0o444)
