"""Bringing mlgit into a repository, from Python."""

from __future__ import annotations

from pathlib import Path

from mlgit import config
from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.init import init
from tests.kit import repository


def test_dry_run_tells_and_the_call_writes(notebook):
    root = notebook()
    told = init(root, dry_run=True)
    assert "mlgit.yaml" in told.done.written
    assert not (root / "mlgit.yaml").exists()
    assert init(root).done.written == told.done.written
    assert (root / "mlgit.yaml").exists()
    assert told.document()["next"][-1:] == ["mlgit gate"]
    assert "mlgit run" in told.document()["next"]


def test_contracts_are_offered_for_tables_that_come_in(tmp_path, monkeypatch):
    pipeline = "stages: {train: {cmd: python train.py, deps: [train.py, data/raw.csv], outs: [model.csv]}}\n"
    files = {"dvc.yaml": pipeline, "train.py": "", "data/raw.csv": "a\n1\n"}
    monkeypatch.chdir(repository(tmp_path / "p", files))
    found = init()
    text = Path("mlgit.yaml").read_text()
    assert "\n# data: {data/raw.csv: schemas/raw.odcs.yaml}\n" in text
    uncommented = parse_yaml(text.replace("# data:", "data:"), name="y")
    assert config.parse(uncommented).contracts == {"data/raw.csv": "schemas/raw.odcs.yaml"}
    step = "# to say what data/raw.csv must be: mlgit data infer data/raw.csv -o schemas/raw.odcs.yaml"
    assert step in found.following
