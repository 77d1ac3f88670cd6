"""What experiments are measured on: a project of one trivial stage, recorded trials, and stores of MLflow full of runs.

Trials are written by `git fast-import`, in DVC's format. Runs are written as rows of SQLite and as the files of MLflow's file
store: through its own interface they would take longer than all that is measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PERSON = "Ada Example <ada@example.com>"
START = 1_760_000_000
PARAMS = 10
METRICS = 5
POINTS = 3
_STAGE = """\
stages:
  score:
    cmd: cp params.yaml metrics.yaml
    params: [p]
    metrics:
    - metrics.yaml: {cache: false}
"""
_LOCK = """\
schema: '2.0'
stages:
  score:
    cmd: cp params.yaml metrics.yaml
    params:
      params.yaml:
        p: {value}
    outs:
    - path: metrics.yaml
      hash: md5
      md5: {md5}
      size: {size}
"""


def project(folder: Path, *, env: dict[str, str], dvc: str, mlgit: str) -> str:
    """A project of DVC with one stage that has run, committed; the commit."""
    folder.mkdir()
    _run(folder, env, "git", "init", "-q", "--initial-branch", "main")
    for key, value in (("user.name", "Ada Example"), ("user.email", "ada@example.com")):
        _run(folder, env, "git", "config", key, value)
    _run(folder, env, dvc, "init", "-q")
    (folder / "dvc.yaml").write_text(_STAGE, encoding="utf-8")
    (folder / "params.yaml").write_text("p: 0\n", encoding="utf-8")
    (folder / "mlgit.yaml").write_text("mlgit: 1\nmetrics:\n  p: {direction: higher}\n", encoding="utf-8")
    (folder / ".gitignore").write_text("/.site\n/bench.log\n", encoding="utf-8")
    _run(folder, env, mlgit, "run")
    _run(folder, env, "git", "add", "--all")
    _run(folder, env, "git", "commit", "-qm", "Begin")
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


def trials(folder: Path, baseline: str, n_trials: int) -> None:
    """Trials of the project, as DVC would have recorded them, packed as after `git gc`."""
    _fast_import(folder, "".join(_trials(baseline, n_trials)))
    subprocess.run(["git", "pack-refs", "--all"], cwd=folder, check=True)


def _trials(baseline: str, n_trials: int) -> Iterator[str]:
    for number in range(1, n_trials + 1):
        text = f"p: {number}\n"
        lock = _LOCK.format(value=number, md5=hashlib.md5(text.encode()).hexdigest(), size=len(text))
        yield f"commit refs/exps/{baseline[:2]}/{baseline[2:]}/trial-{number}\ncommitter {PERSON} {START + number} +0000\n"
        yield _data(f"dvc: commit experiment {hashlib.sha256(lock.encode()).hexdigest()}\n") + f"from {baseline}\n"
        for path, content in (("params.yaml", text), ("metrics.yaml", text), ("dvc.lock", lock)):
            yield f"M 100644 inline {path}\n{_data(content)}"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def _fast_import(folder: Path, stream: str) -> None:
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=stream.encode(), check=True)


def _run(folder: Path, env: dict[str, str], *argv: str) -> None:
    subprocess.run(argv, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


def run_ids(n_runs: int) -> list[str]:
    """The ids of all runs, the same in every store."""
    return [hashlib.md5(b"run %d" % number).hexdigest() for number in range(n_runs)]


def facts(number: int) -> tuple[dict[str, str], list[tuple[str, float, int, int]], dict[str, str]]:
    """What one run logged: parameters, points of metrics (name, value, milliseconds, step), tags."""
    mixed = number * 2_654_435_761 % 1_000_003 / 1_000_003
    params = {f"p{each}": str(round(mixed * (each + 1), 6)) for each in range(PARAMS - 1)} | {"model": "abcde"[number % 5]}
    names = [f"m{each}" for each in range(METRICS - 1)] + ["auc"]
    begun = (START + number) * 1000
    points = [(name, mixed + step / 10, begun + step, step) for name in names for step in range(POINTS)]
    tags = {"mlflow.runName": f"run-{number}", "mlflow.user": "ada", "mlflow.source.name": "train.py", "team": "ab"[number % 2]}
    return params, points, tags


def sqlite_store(path: Path, n_runs: int, *, env: dict[str, str], python: str = sys.executable) -> str:
    """A database of MLflow with these runs in its experiment 1; its URI."""
    uri = f"sqlite:///{path}"
    make = "import sys, mlflow; mlflow.MlflowClient(tracking_uri=sys.argv[1]).create_experiment('many')"
    subprocess.run([python, "-c", make, uri], cwd=path.parent, env=env, check=True, stderr=subprocess.DEVNULL)
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
            " end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
            " VALUES (?, ?, 'LOCAL', '', '', 'ada', 'FINISHED', ?, ?, '', 'active', ?, 1)",
            (
                (run_id, f"run-{number}", (START + number) * 1000, (START + number) * 1000 + 500, f"{path.parent}/a/{run_id}")
                for number, run_id in enumerate(run_ids(n_runs))
            ),
        )
        for number, run_id in enumerate(run_ids(n_runs)):
            params, points, tags = facts(number)
            rows = [(key, value, run_id) for key, value in params.items()]
            database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", rows)
            rows = [(key, value, run_id) for key, value in tags.items()]
            database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", rows)
            into = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?)"
            database.executemany(f"INSERT INTO metrics {into}", [(*point, run_id) for point in points])
            last = {point[0]: (*point, run_id) for point in points}
            database.executemany(f"INSERT INTO latest_metrics {into}", last.values())
    database.close()
    return uri


def file_store(folder: Path, n_runs: int) -> str:
    """A file store of MLflow with these runs in its experiment 1; its URI."""
    experiment = {"artifact_location": f"file://{folder}/1", "experiment_id": "1", "lifecycle_stage": "active", "name": "many"}
    _write(folder / "1/meta.yaml", json.dumps(experiment | {"creation_time": START, "last_update_time": START}))
    for number, run_id in enumerate(run_ids(n_runs)):
        params, points, tags = facts(number)
        at = folder / "1" / run_id
        begun = (START + number) * 1000
        meta = {"artifact_uri": f"file://{at}/artifacts", "experiment_id": "1", "lifecycle_stage": "active", "run_id": run_id}
        meta |= {"run_name": f"run-{number}", "start_time": begun, "end_time": begun + 500, "status": 3, "user_id": "ada"}
        meta |= {"source_type": 4, "source_name": "", "source_version": "", "entry_point_name": "", "tags": []}
        _write(at / "meta.yaml", json.dumps(meta))
        for kind, items in (("params", params), ("tags", tags)):
            for key, value in items.items():
                _write(at / kind / key, value)
        lines: dict[str, str] = {}
        for key, value, when, step in points:
            lines[key] = f"{lines.get(key, '')}{when} {value!r} {step}\n"
        for key, text in lines.items():
            _write(at / "metrics" / key, text)
    return f"file://{folder}"


def _write(path: Path, text: str) -> None:
    os.makedirs(path.parent, exist_ok=True)
    path.write_text(text, encoding="utf-8")
