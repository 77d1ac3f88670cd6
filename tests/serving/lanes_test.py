"""Who answers: the same for the same key, however it is written."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from mlgit.serving.lanes import lanes
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving.rows import Rows
from mlgit.serving_settings import ServingLog
from tests.kit.late import Module
from tests.serving import model_folders
from tests.serving.model_folders import column
from tests.serving.stand_ins import loaded

np = Module("numpy")
prometheus_client = Module("prometheus_client")


def chosen(requests, key="b"):
    """Which version answers each request, by its id and rows."""

    async def choose():
        metrics = ServingMetrics(prometheus_client.CollectorRegistry())
        recorder = Recorder(None, settings=ServingLog(level="off"), metrics=metrics)
        models = {"champion": loaded(), "canary": loaded(version="v2.0.0")}
        found = lanes(models, recorder=recorder, share=0.3, key=key)
        return [found.choose(name, rows).model.release.version for name, rows in requests]

    return asyncio.run(choose())


@pytest.mark.parametrize("start", [0, 1000])
def test_key_is_the_same_in_every_protocol_and_without_names_of_columns(start):
    for value in range(start, start + 20):
        same = [
            Rows(("a", "b"), [[1, value]]),
            Rows(("b", "a"), [[float(value), 1]]),
            Rows(None, [[1, value]]),
            Rows(("a", "b"), np.array([[1.0, value]])),
            Rows(("a", "b"), np.array([[1, value]])),
        ]
        assert len(set(chosen([(str(place), rows) for place, rows in enumerate(same)]))) == 1


@pytest.mark.parametrize("rows", [Rows(("a",), [[1]]), Rows(("a", "b"), [[1, None]]), Rows(None, [[1]])])
def test_requests_without_a_value_of_the_key_are_shared_out_by_their_id(rows):
    found = chosen([(str(name), rows) for name in range(300)])
    assert 60 <= found.count("v2.0.0") <= 120


@pytest.mark.parametrize("value", ["\ud800", float("inf"), True, 2**80, ""])
def test_any_value_is_a_key(value):
    assert len(set(chosen([(str(name), Rows(("b",), [[value]])) for name in range(30)]))) == 1


@pytest.mark.slow
def test_checks_have_imported_what_they_need_when_a_model_is_loaded(tmp_path):
    """RE2 comes with a large library, and everything would wait for it."""
    asked = [column("age", "number"), column("zip", "string", logicalTypeOptions={"pattern": "^[0-9]+$"})]
    rule = "def predict(frame): return [0] * len(frame)"
    folder = model_folders.written(tmp_path / "release", b"none", columns=asked, code={"rule.py": rule})
    code = """
import sys
from pathlib import Path
from mlgit.serving import load
from mlgit.serving.rows import Rows
model = load.load(Path(sys.argv[1]), predictor="rule:predict")
before = set(sys.modules)
assert model.inputs.violations(model.inputs.aligned(Rows(("age", "zip"), [[40, "x"]])))
model.predictor.predict([[40, "x"]], method="predict")
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
