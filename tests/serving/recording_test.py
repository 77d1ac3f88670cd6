"""What is counted as lost, and what the record holds on to."""

from __future__ import annotations

import asyncio
import math
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

from mlgit.serving.exchange import Exchange
from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.metrics import FOLDER, OTHER, ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving_settings import ServingLog
from tests.kit.late import Module
from tests.serving.servers import log_lines
from tests.serving.stand_ins import loaded

np = Module("numpy")
prometheus_client = Module("prometheus_client")


def exchange(values=(0,), **more):
    found = Exchange("id", 0.0, 0.0, [[1, 2]] * len(values), ("predict",), asyncio.get_running_loop().create_future(), **more)
    found.outputs = {"predict": np.array(values)}
    return found


def recorder(folder, registry, **settings):
    metrics = ServingMetrics(registry)
    log = ServingLog(str(folder), **settings)
    return Recorder(PredictionLog(folder, durability=log.durability), settings=log, metrics=metrics)


@contextmanager
def small_disk(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, kept)


def test_every_answer_that_was_held_back_and_lost_is_counted(tmp_path):
    registry = prometheus_client.CollectorRegistry()

    async def record():
        found = recorder(tmp_path, registry, durability="none")
        model = loaded()
        with small_disk(10):
            for _ in range(7):
                found.record("champion", model, [exchange()])
            found._flush()

    asyncio.run(record())
    assert registry.get_sample_value("mlgit_log_lost_total") == 7


def test_models_that_were_replaced_are_let_go(tmp_path):
    registry = prometheus_client.CollectorRegistry()

    async def record():
        found = recorder(tmp_path, registry)
        for number in range(50):
            found.record("champion", loaded(version=f"v{number}"), [exchange()])
        return len(found._headers)

    assert asyncio.run(record()) < 10
    assert len(log_lines(tmp_path)) == 50


def test_label_of_a_metric_is_a_class_of_the_model_whatever_is_answered(tmp_path):
    registry = prometheus_client.CollectorRegistry()
    metrics = ServingMetrics(registry)

    async def count():
        model = loaded(classes=("a", "b"))
        for each in ("a", "x1", "x2", "b"):
            metrics.answered(model, exchange([each]))

    asyncio.run(count())
    names = {"model": "sums", "version": "v1.0.0"}
    found = [registry.get_sample_value("mlgit_predictions_total", {**names, "class": each}) for each in ("a", "b", OTHER)]
    assert found == [1, 1, 2]


def test_sum_of_predictions_outlives_one_that_is_no_number(tmp_path):
    registry = prometheus_client.CollectorRegistry()

    async def count():
        ServingMetrics(registry).answered(loaded(), exchange([1.5, math.nan, math.inf]))

    asyncio.run(count())
    assert registry.get_sample_value("mlgit_prediction_value_sum", {"model": "sums", "version": "v1.0.0"}) == 1.5


def test_metrics_are_the_same_however_often_they_are_asked_for(tmp_path):
    """The supervisor counts nothing in the files of the workers, even where the environment names a folder for that."""
    code = """
import sys
from pathlib import Path
from mlgit.serving import metrics
from mlgit.serving.deployment import Deployment
from mlgit.serving.status import ServingStatus
said = {"model": "m", "version": "v1", "commit": "c", "digest": "d"}
status = ServingStatus(Deployment(Path()), models={"champion": said}, restarts=3)
for _ in range(3):
    text = metrics.added_up(Path(sys.argv[1])) + metrics.of_supervisor(status)
print(text.decode())
"""
    argv = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(argv, env={**os.environ, FOLDER: str(tmp_path)}, capture_output=True, text=True, check=True)
    helped = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("# HELP")]
    assert len(helped) == len(set(helped))
    assert "mlgit_worker_restarts_total 3.0" in done.stdout.splitlines()
    assert list(tmp_path.iterdir()) == []
