"""What a worker answers, records and counts, asked without a server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from mlgit.serving.app import AnsweringState, PredictionApp
from mlgit.serving.control import control_app
from mlgit.serving.lanes import lanes
from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving_settings import Serving, ServingLog
from tests.kit.late import Module
from tests.serving.asgi import JSON, ask
from tests.serving.loaded_models import inputs
from tests.serving.model_folders import column
from tests.serving.servers import log_lines
from tests.serving.stand_ins import loaded
from tests.validation.contracts import document

prometheus_client = Module("prometheus_client")

ONE = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}


def tensor(name, value):
    """A column of one value."""
    return {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}


def worker(folder, *, models=None, settings=None, share=0.0, key="request_id", token=b""):
    """An application with its state; to be made on an event loop."""
    registry = prometheus_client.CollectorRegistry()
    metrics = ServingMetrics(registry)
    chosen = settings or ServingLog(str(folder / "logs"))
    log = PredictionLog(folder / "logs", durability=chosen.durability) if chosen.level != "off" else None
    recorder = Recorder(log, settings=chosen, metrics=metrics, key=b"k" * 32)
    state = AnsweringState(
        lanes(models or {"champion": loaded()}, recorder=recorder, share=share, key=key), metrics=metrics, token=token
    )
    app = PredictionApp(state, control=control_app(state))
    app.state, app.registry = state, registry
    return app


def playing(play, *args, **more):
    """What a coroutine gives that is handed an application."""

    async def run():
        app = worker(*args, **more)
        try:
            return await asyncio.wait_for(play(app), 30)
        finally:
            app.state.current.recorder.close()

    return asyncio.run(run())


def count(app, name, **labels):
    return app.registry.get_sample_value(name, labels)


def test_answer_bears_its_version_and_id_and_is_counted(tmp_path):
    async def play(app):
        found = await ask(app, "/invocations", ONE, headers={**JSON, "X-Request-ID": "mine"})
        return found, count(app, "mlgit_requests_total", model="sums", version="v1.0.0", code="200")

    found, requests = playing(play, tmp_path)
    assert (found.status, found.json) == (200, {"predictions": [3]})
    assert (found.headers["x-request-id"], found.headers["x-mlgit-version"], requests) == ("mine", "v1.0.0", 1)
    assert [(line["id"], line["inputs"], line["outputs"]) for line in log_lines(tmp_path)] == [
        ("mine", [[1, 2]], {"predict": [3]})
    ]


@pytest.mark.parametrize("durability", ["write", "fsync", "none"])
def test_answers_are_in_the_log_at_the_end_whatever_is_asked_of_it(tmp_path, durability):
    async def play(app):
        return await asyncio.gather(*(ask(app, "/invocations", ONE) for _ in range(20)))

    answers = playing(play, tmp_path, settings=ServingLog(str(tmp_path), durability=durability))
    assert {line["id"] for line in log_lines(tmp_path)} == {each.headers["x-request-id"] for each in answers}


@pytest.mark.parametrize(("level", "status"), [("required", 503), ("best-effort", 200)])
def test_log_that_cannot_be_written_refuses_or_is_counted(tmp_path, level, status):
    (tmp_path / "logs").write_text("no folder")

    async def play(app):
        return await ask(app, "/invocations", ONE), count(app, "mlgit_log_lost_total")

    found, lost = playing(play, tmp_path, settings=ServingLog(level=level))
    assert (found.status, lost) == (status, 1)


def limited(version="v1.0.0", *, invalid="reject"):
    """A model whose first column is at most 10."""
    found = loaded(version=version, serving=Serving("sums", invalid=invalid))
    asked = [
        column("a", "number", logicalTypeOptions={"maximum": 10}),
        column("b", "number", classification="confidential"),
    ]
    return replace(found, inputs=inputs(document(*asked), names=("a", "b")))


WRONG = {"/invocations": {"instances": [[11, 0]]}, "/v2/models/sums/infer": {"inputs": [tensor("a", 11), tensor("b", 0)]}}


@pytest.mark.parametrize(("path", "status"), [("/invocations", 400), ("/v2/models/sums/infer", 422)])
def test_what_breaks_the_contract_is_refused_by_the_protocol_and_recorded_without_values(tmp_path, path, status):
    async def play(app):
        return await ask(app, path, WRONG[path]), count(app, "mlgit_invalid_inputs_total", column="a", rule="a.range")

    found, invalid = playing(play, tmp_path, models={"champion": limited()})
    assert (found.status, found.json["violations"][0]["rule"], invalid) == (status, "a.range", 1)
    (line,) = log_lines(tmp_path)
    assert (line["code"], line["inputs"], line["violations"]) == (status, None, [{"row": 0, "column": "a", "rule": "a.range"}])


def test_flagged_input_is_answered_and_private_values_are_hashed(tmp_path):
    async def play(app):
        return await ask(app, "/invocations", {"instances": [[11, 5]]})

    assert playing(play, tmp_path, models={"champion": limited(invalid="flag")}).json == {"predictions": [16]}
    (line,) = log_lines(tmp_path)
    assert (line["inputs"][0][0], len(line["inputs"][0][1]), line["violations"][0]["rule"]) == (11, 16, "a.range")


def test_canary_answers_what_its_key_falls_on_and_is_refused_under_its_own_name(tmp_path):
    models = {"champion": limited("v1.0.0"), "canary": limited("v2.0.0")}

    async def play(app):
        return [await ask(app, "/invocations", {"dataframe_records": [{"a": 1, "b": each}]}) for each in range(200)] + [
            await ask(app, "/invocations", {"dataframe_records": [{"a": 99, "b": each}]}) for each in range(200)
        ]

    found = playing(play, tmp_path, models=models, share=0.25, key="b")
    versions = [each.headers["x-mlgit-version"] for each in found]
    assert versions[:200] == versions[200:]
    assert 25 <= versions[:200].count("v2.0.0") <= 75
    roles = {(line["version"], line["role"], line["code"]) for line in log_lines(tmp_path)}
    assert roles == {
        ("v1.0.0", "champion", 200),
        ("v1.0.0", "champion", 400),
        ("v2.0.0", "canary", 200),
        ("v2.0.0", "canary", 400),
    }


def test_shadow_is_asked_the_same_and_answers_nobody(tmp_path):
    models = {"champion": loaded(), "shadow": loaded(lambda rows: [0] * len(rows), version="v2.0.0")}

    async def play(app):
        found = [await ask(app, "/invocations", ONE, headers={**JSON, "X-Request-ID": str(each)}) for each in range(5)]
        while len(log_lines(tmp_path)) < 10:
            await asyncio.sleep(0.01)
        return found

    assert [each.json for each in playing(play, tmp_path, models=models)] == [{"predictions": [3]}] * 5
    said = {(line["id"], line["role"]): line["outputs"]["predict"] for line in log_lines(tmp_path)}
    assert said == {**{(str(each), "champion"): [3] for each in range(5)}, **{(str(each), "shadow"): [0] for each in range(5)}}


def test_routes_beside_predictions(tmp_path):
    async def play(app):
        found = {
            path: await ask(app, path)
            for path in ("/ping", "/health", "/version", "/v2", "/v2/health/live", "/v2/health/ready")
        }
        found |= {
            path: await ask(app, f"/v2/models/sums{path}") for path in ("", "/ready", "/versions/v1.0.0", "/versions/v9.0.0")
        }
        found["other"] = await ask(app, "/v2/models/other")
        found["post"] = await ask(app, "/v2/models/other/infer", WRONG["/v2/models/sums/infer"])
        app.state.is_draining = True
        found["draining"] = await ask(app, "/v2/health/ready")
        return found

    found = playing(play, tmp_path)
    statuses = {name: each.status for name, each in found.items()}
    refused = {"/versions/v9.0.0": 404, "other": 404, "post": 404, "draining": 503}
    assert statuses == {**dict.fromkeys(statuses, 200), **refused}
    assert (found["/version"].body, found["/v2/health/live"].json) == (b"v1.0.0", {"live": True})


def test_token_is_asked_for_where_the_model_is_told_and_asked_not_where_health_is(tmp_path):
    async def play(app):
        good = {**JSON, "Authorization": "Bearer right"}
        asked = [
            ("/invocations", ONE, JSON),
            ("/invocations", ONE, good),
            ("/v2/models/sums", None, JSON),
            ("/v2/models/sums", None, good),
        ]
        return [(await ask(app, path, body, headers=headers)).status for path, body, headers in [*asked, ("/ping", None, JSON)]]

    assert playing(play, tmp_path, token=b"right") == [401, 200, 401, 200, 200]


def test_requests_are_told_as_lines(tmp_path):
    from mlgit.serving.access_log import AccessLog

    with (tmp_path / "access").open("wb") as stream:

        async def play(app):
            app.state.access_log = AccessLog(stream.fileno())
            for _ in range(3):
                await ask(app, "/invocations", ONE, client="192.0.2.1")
            app.state.access_log.close()

        playing(play, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
    assert [(line["client"], line["status"], line["method"]) for line in lines] == [("192.0.2.1", 200, "POST")] * 3
