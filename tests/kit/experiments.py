"""Small projects to try parameters in, and what Git and DVC make of the trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.programs import git
from tests.kit.repositories import repository

# `prepare` does not depend on what is searched; each command writes a line, so that it can be counted how often it ran.
FILES = {
    "raw.csv": "1\n2\n3\n",
    "params.yaml": "train:\n  lr: 0.1\n  depth: 3\n",
    "mlgit.yaml": "mlgit: 1\nmetrics:\n  score: {direction: higher}\n",
    "train.py": (
        "import json\n"
        "text = open('params.yaml').read()\n"
        "lr = float(text.split('lr: ')[1].split()[0]); depth = int(text.split('depth: ')[1].split()[0])\n"
        "open('model.txt', 'w').write(f'{lr} {depth}')\n"
        "json.dump({'score': 1 - (lr - 0.3) ** 2 - (depth - 5) ** 2 / 100}, open('metrics.json', 'w'))\n"
    ),
    "dvc.yaml": (
        "stages:\n"
        "  prepare:\n"
        "    cmd: echo prepare >> $RAN; cp raw.csv rows.csv\n"
        "    deps: [raw.csv]\n"
        "    outs: [rows.csv]\n"
        "  train:\n"
        "    cmd: echo train >> $RAN; python3 train.py\n"
        "    deps: [rows.csv, train.py]\n"
        "    params: [train.lr, train.depth]\n"
        "    outs: [model.txt]\n"
        "    metrics:\n"
        "    - metrics.json:\n"
        "        cache: false\n"
    ),
}


def searched_project(root: Path, monkeypatch: Any, files: dict[str, str] | None = None) -> Path:
    """A project to search in, which is the current folder from now on; `commands_run` says what ran."""
    repository(root, FILES | (files or {}))
    monkeypatch.chdir(root)
    monkeypatch.setenv("RAN", str(root.parent / f"{root.name}.ran"))
    return root


def commands_run(root: Path) -> list[str]:
    """The stages of which a command was started, one for each time."""
    path = root.parent / f"{root.name}.ran"
    return path.read_text().split() if path.exists() else []


def trial_refs(root: Path) -> dict[str, str]:
    """The commit of each trial, by name."""
    rows = git(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps").splitlines()
    return {ref.split("/")[-1]: oid for ref, oid in (row.split() for row in rows)}


def metrics_of(root: Path, commit: str) -> dict[str, float]:
    """The metrics that a trial's commit holds."""
    found: dict[str, float] = json.loads(git(root, "show", f"{commit}:metrics.json"))
    return found


def untouched(root: Path) -> str:
    """Everything that a trial must leave alone: status, index, stash, HEAD and all files of the working tree."""
    files = sorted(
        path for path in root.rglob("*") if path.is_file() and not {".git", ".dvc"} & set(path.parts[len(root.parts) :])
    )
    told = [f"{path.relative_to(root)} {path.read_bytes()!r} {path.stat().st_mtime_ns}" for path in files]
    asked = [
        git(root, *words)
        for words in (["status", "--porcelain"], ["stash", "list"], ["rev-parse", "HEAD"], ["diff", "--cached"])
    ]
    return "\n".join([*told, *asked])
