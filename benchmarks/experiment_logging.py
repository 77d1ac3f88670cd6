"""Run in a process of its own: `experiment_logging.py write|metric|search URI [ARGUMENT...]`; a line of JSON with seconds.

MLflow's client is given a store and asked what scripts and pages ask. CPU is that of this process and all below it. What
importing MLflow takes is not counted: every store pays it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

_TICK = os.sysconf("SC_CLK_TCK")
POINTS = 100_000
QUERIES: dict[str, dict[str, Any]] = {
    "newest": {},
    "by metric": {"order_by": ["metrics.auc DESC"]},
    "filter and order": {"filter_string": "metrics.auc > 0.5 and params.model = 'b'", "order_by": ["params.p3 ASC"]},
    "tag": {"filter_string": "tags.team = 'a'", "order_by": ["metrics.m1 ASC"]},
}


def cpu() -> float:
    """Processor seconds of this process, of children that ended, and of descendants that live."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own + sum(_living(os.getpid()))


def _living(parent: int) -> list[float]:
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found += [sum(map(int, fields[11:15])) / _TICK, *_living(int(child))]
    return found


class Clock:
    """Seconds of wall clock and processor within a `with`."""

    wall = cpu = 0.0

    def __enter__(self) -> Clock:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), cpu()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.wall, self.cpu = time.perf_counter() - self._wall, cpu() - self._cpu


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id) if found else str(client.create_experiment(name))


def write(client: MlflowClient, n_runs: str) -> dict[str, float]:
    """Runs with ten parameters, five metrics and two tags, one after the other; per run."""
    experiment = _experiment(client, "written")
    client.set_terminated(client.create_run(experiment).info.run_id)  # connections, schemas
    params = [Param(f"p{each}", str(each / 7)) for each in range(10)]
    with Clock() as clock:
        for number in range(int(n_runs)):
            run_id = client.create_run(experiment, tags={"team": "a"}).info.run_id
            now = int(time.time() * 1000)
            metrics = [Metric(f"m{each}", number + each / 3, now, 0) for each in range(5)]
            client.log_batch(run_id, metrics=metrics, params=params, tags=[RunTag("stage", "train")])
            client.set_terminated(run_id)
    return {"wall": clock.wall / int(n_runs), "cpu": clock.cpu / int(n_runs)}


def metric(client: MlflowClient, n_points: str) -> dict[str, float]:
    """One `log_metric` in a new run, and in one that has so many points."""
    run_id = client.create_run(_experiment(client, "points")).info.run_id
    found: dict[str, float] = {}
    logged = 0
    for name, wanted in (("empty", 0), ("full", int(n_points))):
        while logged < wanted:
            client.log_batch(run_id, metrics=[Metric("loss", 0.1 * each, each, each) for each in range(logged, logged + 1000)])
            logged += 1000
        with Clock() as clock:
            for step in range(300):
                client.log_metric(run_id, "loss", 0.5, timestamp=logged + step, step=logged + step)
        logged += 1000
        found |= {f"{name} wall": clock.wall / 300, f"{name} cpu": clock.cpu / 300}
    client.set_terminated(run_id)
    return found


def search(client: MlflowClient, name: str) -> dict[str, float]:
    """One page of 1,000 runs, asked for twice; `all` turns all pages."""
    experiment = _experiment(client, "many")
    found: dict[str, float] = {}
    counts = []
    for turn in ("first", "repeated"):
        with Clock() as clock:
            counts.append(_all(client, experiment) if name == "all" else len(_page(client, experiment, QUERIES[name])))
        found |= {f"{turn} wall": clock.wall, f"{turn} cpu": clock.cpu}
    if not counts[0] or counts[0] != counts[1]:
        raise SystemExit(f"found {counts} runs: not a measurement")
    return found | {"runs": counts[0]}


def _page(client: MlflowClient, experiment: str, query: dict[str, Any]) -> Any:
    return client.search_runs([experiment], run_view_type=ViewType.ACTIVE_ONLY, max_results=1000, **query)


def _all(client: MlflowClient, experiment: str) -> int:
    token, count = None, 0
    while True:
        page = client.search_runs([experiment], max_results=10_000, page_token=token)
        count, token = count + len(page), page.token
        if not token:
            return count


def _client(uri: str) -> MlflowClient:
    if uri.startswith("mlgit:"):
        from mlflow.tracking._tracking_service import utils

        if "mlgit" not in utils._tracking_store_registry._registry:  # a checkout whose entry points are older
            from mlgit.tracking import plugin

            utils._tracking_store_registry.register("mlgit", plugin.tracking)
    return MlflowClient(tracking_uri=uri)


def main() -> None:
    """Measure one thing of one store."""
    name, uri, *rest = sys.argv[1:]
    call = {"write": write, "metric": metric, "search": search}[name]
    print(json.dumps(call(_client(uri), *rest)))


if __name__ == "__main__":
    main()
