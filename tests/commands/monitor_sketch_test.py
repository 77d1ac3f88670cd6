"""`mlgit monitor sketch`: the training data of a model as a small file."""

from __future__ import annotations

import json
import random

import pytest

from mlgit.commands.monitor_sketch import sketch
from mlgit.errors import MlgitError
from mlgit.monitoring import sketch_document
from tests.kit import commit, repository, write_tree

CONFIG = """\
mlgit: 1
models: {churn: {id: id, train: [train.csv]}}
monitoring: {churn: {windows: {path: now, by: day(ts)}, columns: {exclude: [noise]}}}
"""


def table(days=25, rows=20):
    rng = random.Random(0)
    lines = [
        f"{day}-{row},2026-01-{day + 1:02}T00:00:00Z,{rng.gauss(0, 1):.3f},{rng.choice('ab')},{rng.random():.2f},{row % 2}"
        for day in range(days)
        for row in range(rows)
    ]
    return "\n".join(["id,ts,x,plan,noise,label", *lines, ""])


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"train.csv": table(), "mlgit.yaml": CONFIG})
    commit(root)
    monkeypatch.chdir(root)
    return root


def written(root):
    return (root / "monitoring/churn.sketch.json").read_bytes()


def test_inputs_are_counted_by_days(root):
    found = sketch("churn")
    assert (found.path, found.sketch.batches.kind, len(found.sketch.batches.names)) == (
        "monitoring/churn.sketch.json",
        "column",
        25,
    )
    assert [each["name"] for each in found.document()["columns"]] == ["x", "plan"]
    assert sketch_document.parse(written(root), where="s").batches == found.sketch.batches


def test_two_runs_write_the_same_bytes_wherever_the_pipeline_stands(root):
    sketch("churn")
    first = written(root)
    write_tree(root, {"predictions.csv": "id,label,prediction\n0-0,1,1\n", "metrics.json": "{}"})
    commit(root)
    sketch("churn")
    assert written(root) == first


def test_few_batches_are_told(root):
    write_tree(root, {"train.csv": table(days=3)})
    assert any("no verdict with fewer than 20" in each for each in sketch("churn").notes)


def test_data_without_days_are_one_batch(root):
    write_tree(root, {"mlgit.yaml": CONFIG.replace(", by: day(ts)", "")})
    found = sketch("churn")
    assert found.sketch.batches.kind == "rows"
    assert any("exchangeable" in each for each in found.notes)


def test_sketch_goes_where_it_is_told_to(root, tmp_path):
    sketch("churn", output=str(tmp_path / "new" / "s.json"))
    assert json.loads((tmp_path / "new" / "s.json").read_text())["model"] == "churn"


def test_folder_is_no_place_for_a_sketch(root):
    with pytest.raises(MlgitError, match="cannot be written"):
        sketch("churn", output=str(root))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            CONFIG.replace("models: {churn", "models: {tumor").replace("monitoring: {churn", "monitoring: {tumor"),
            r"models\.churn",
        ),
        (CONFIG.replace(", train: [train.csv]", ""), r"models\.churn\.train"),
        (CONFIG.replace("[train.csv]", "[gone.csv]"), r"gone\.csv"),
        (CONFIG.replace("[noise]", "[noise, x, plan]"), "no column of train.csv can be watched"),
    ],
)
def test_what_cannot_be_sketched_is_told(root, config, said):
    write_tree(root, {"mlgit.yaml": config})
    with pytest.raises(MlgitError, match=said):
        sketch("churn")
