"""Repositories that were there, adopted as a new user would: by `mlgit init` and the lines it prints, typed as they stand."""

from __future__ import annotations

import subprocess

import pytest

from tests.kit import commit, example, git, repository, write_tree

pytestmark = pytest.mark.slow  # whole sessions

WRITES = 'import json, os\nos.makedirs("{folder}", exist_ok=True)\njson.dump({values}, open("{folder}/metrics.json", "w"))\n'


def script(folder, values):
    return WRITES.format(folder=folder, values=values)


SKLEARN = """\
import json
from pathlib import Path

MODEL = Path("model.txt")
METRICS = "metrics.json"
rows = Path("data/rows.csv").read_text()
MODEL.write_text("weights")
with open(METRICS, "w") as stream:
    json.dump({"accuracy": 0.9, "rows": len(rows)}, stream)
"""
PREPARE = 'text = open("data/rows.csv").read()\nopen("prepared.csv", "w").write(text)\n'
FITTED = 'rows = open("prepared.csv").read()\nopen("model.bin", "w").write(rows)\n'
JUDGED = 'import json\nmodel = open("model.bin").read()\njson.dump({"auc": 0.9}, open("scores.json", "w"))\n'

# name: (files, folder of the project, file to ruin the model in)
LAYOUTS = {
    "DVCLive folder": (
        {
            "train.py": script("dvclive", '{"step": 4, "train": {"acc": 0.99}, "eval": {"acc": 0.9}}'),
            "dvc.yaml": (
                "metrics: [dvclive/metrics.json]\nstages: {train: {cmd: python train.py, deps: [train.py], outs: [dvclive]}}\n"
            ),
            "requirements.txt": "dvclive\n",
        },
        ".",
        "train.py",
    ),
    "nested src": (
        {
            "src/train.py": script("results/train", '{"loss": 0.3}'),
            "src/evaluate.py": script("results/eval", '{"roc_auc": 0.9, "n": 7}'),
            "src/requirements.txt": "numpy\n",
            "dvc.yaml": (
                "metrics: [results/train/metrics.json, results/eval/metrics.json]\n"
                "artifacts: {rows: {path: data.csv, type: dataset}, churn: {path: results/train, type: model}}\n"
                "stages:\n  train: {cmd: python src/train.py, deps: [src/train.py], outs: [results/train]}\n"
                "  evaluate: {cmd: python src/evaluate.py, deps: [src/evaluate.py, results/train], outs: [results/eval]}\n"
            ),
        },
        ".",
        "src/evaluate.py",
    ),
    "monorepo": (
        {
            "web/index.html": "hello\n",
            "models/churn/fit.py": script("out", '{"f1": 0.9}'),
            "models/churn/dvc.yaml": "stages: {fit: {cmd: python fit.py, deps: [fit.py], metrics: [out/metrics.json]}}\n",
        },
        "models/churn",
        "fit.py",
    ),
    "no DVC": (
        {
            "src/prepare.py": PREPARE,
            "src/train.py": FITTED,
            "src/evaluate.py": JUDGED,
            "data/rows.csv": "1\n",
            "poetry.lock": "",
        },
        ".",
        "src/evaluate.py",
    ),
    "one script": ({"train.py": SKLEARN, "data/rows.csv": "1\n", "metrics.json": "{}\n"}, ".", "train.py"),
}


@pytest.fixture
def play(cli, monkeypatch):
    """Type the printed lines in a folder, those behind `#` left out; the exit code of the last."""
    monkeypatch.setenv("PATH", example.environment()["PATH"])

    def play(folder, lines):
        code = 0
        for line in (each for each in lines if not each.startswith("#")):
            words = line.split()
            if words[0] == "mlgit":
                code, said = (done := cli(folder, *words[1:])).code, done.said
            elif words[0] == "cd":
                folder = folder / words[1]
            else:
                done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True)
                code, said = done.returncode, done.stderr
            assert code == 0 or line == lines[-1], (line, said)
        return code

    return play


def printed(cli, root, *words):
    done = cli(root, "init", *words)
    assert done.code == 0, done.err
    return [line.strip() for line in done.out.partition("\nNext:\n")[2].splitlines()]


@pytest.mark.parametrize("name", LAYOUTS)
def test_printed_steps_lead_to_a_gate_that_is_green_and_red_for_a_ruined_model(tmp_path, cli, play, name):
    files, folder, judged = LAYOUTS[name]
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", "project")
    root = write_tree(tmp_path / "project", files)
    commit(root, "What was there")
    lines = printed(cli, root, *([folder] if folder != "." else []))
    assert play(root, lines) == 0
    theirs = {path: text for path, text in files.items() if not path.endswith("metrics.json")}
    assert {path: (root / path).read_text() for path in theirs} == theirs
    ruined = (root / folder / judged).read_text().replace("0.9", "0.5")
    (root / folder / judged).write_text(ruined)
    assert play(root / folder, ["mlgit run", "mlgit gate"]) == 1


def test_clone_that_was_not_pulled_is_pulled_first(tmp_path, cli, play):
    files, _, _ = LAYOUTS["DVCLive folder"]
    there = repository(tmp_path / "there", files)
    (there / ".dvc/config").write_text(f"[core]\n remote = store\n['remote \"store\"']\n url = {tmp_path / 'remote'}\n")
    pushed = "cp -r .dvc/cache ../remote"  # what `dvc push` does
    assert play(there, ["mlgit run", pushed, "git add --all && git commit -m Results"]) == 0
    git(tmp_path, "clone", "--quiet", str(there), "clone")
    lines = printed(cli, tmp_path / "clone")
    assert [each for each in lines if not each.startswith("#")][:2] == ["dvc pull", "mlgit init"]
    assert play(tmp_path / "clone", lines) == 0
