"""The application by itself: what happens when a model, or the server, does what nobody expects."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import Counter

import pytest

from mlgit.serving.app import AnsweringState, PredictionApp
from mlgit.serving.lanes import lanes
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving_settings import Serving, ServingLimits, ServingLog
from tests.kit.late import Module
from tests.serving.stand_ins import loaded

prometheus_client = Module("prometheus_client")

ONE = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}


async def nowhere(scope, receive, send):
    raise AssertionError("not a prediction")


class _Asked:
    """An application with some models, which is asked on one event loop."""

    def __init__(self, *, bounds=None, **models):
        self.metrics = ServingMetrics(prometheus_client.CollectorRegistry())
        recorder = Recorder(None, settings=ServingLog(level="off"), metrics=self.metrics)
        self.state = AnsweringState(lanes(models, recorder=recorder), metrics=self.metrics, **(bounds or {}))
        self.app = PredictionApp(self.state, control=nowhere)

    async def post(self, body=ONE, path="/invocations"):
        """Status and document of an answer."""
        sent, content = [], json.dumps(body).encode()

        async def receive():
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"content-type", b"application/json")]}
        await self.app(scope, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"])


def answered(function, bodies, **more):
    async def ask():
        asked = _Asked(champion=loaded(function, **more))
        return await asyncio.wait_for(asyncio.gather(*map(asked.post, bodies)), 30)

    return asyncio.run(ask())


def raising(error):
    def function(rows):
        if rows[0][0] == 666:
            raise error
        return [sum(row) for row in rows]

    return function


@pytest.mark.parametrize("seconds", [0.0, 1.0])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError(), StopIteration(), GeneratorExit()])
def test_whatever_a_model_raises_is_one_refusal_and_the_next_request_is_answered(error, seconds):
    async def ask():
        asked = _Asked(champion=loaded(raising(error), seconds=seconds))
        bad = {"dataframe_split": {"columns": ["a", "b"], "data": [[666, 2]]}}
        return [await asyncio.wait_for(asked.post(each), 30) for each in (bad, ONE)]

    (status, said), good = asyncio.run(ask())
    assert (status, said["error_code"]) == (400, "BAD_REQUEST")
    assert good == (200, {"predictions": [3]})


def test_answer_that_is_no_json_is_a_fault_of_the_server_in_words_of_the_protocol(caplog):
    """Objects of a predictor's own; what they are is neither answered nor told."""

    class _Secret:
        def __repr__(self):
            return "the secret 4711"

    with caplog.at_level(logging.ERROR):
        (found,) = answered(lambda rows: [_Secret() for _ in rows], [ONE])
    assert found == (500, {"error_code": "INTERNAL_ERROR", "message": "the server could not answer"})
    assert "4711" not in caplog.text
    assert "Traceback" not in caplog.text


def test_what_fails_when_an_answer_is_recorded_does_not_end_the_lane():
    async def ask():
        asked = _Asked(champion=loaded())
        kept, asked.metrics.answered = asked.metrics.answered, None  # is called, and is no function
        first = await asyncio.wait_for(asked.post(), 30)
        asked.metrics.answered = kept
        return first, await asyncio.wait_for(asked.post(), 30)

    (status, _), good = asyncio.run(ask())
    assert (status, good) == (500, (200, {"predictions": [3]}))


@pytest.mark.parametrize("name", ["/v2/models/sums", "/v2/models/sums/versions/v1.0.0+b"])
def test_version_with_a_plus_is_found(name):
    async def ask():
        asked = _Asked(champion=loaded(version="v1.0.0+b"))
        columns = [{"name": each, "shape": [1], "datatype": "FP64", "data": [1]} for each in "ab"]
        return await asked.post({"inputs": columns}, path=f"{name}/infer")

    assert asyncio.run(ask())[0] == 200


def test_model_that_hangs_holds_no_memory_for_those_who_gave_up():
    hung = threading.Event()

    def hanging(rows):
        hung.wait(60)
        return [0] * len(rows)

    serving = Serving("sums", limits=ServingLimits(seconds=0.01))

    async def ask():
        asked = _Asked(champion=loaded(hanging, seconds=1.0, serving=serving))
        try:
            for _ in range(30):
                assert {status for status, _ in await asyncio.gather(*(asked.post() for _ in range(100)))} == {504}
            return len(asked.state.current.champion), asked.state.current.champion.rows
        finally:
            hung.set()

    waiting, rows = asyncio.run(ask())
    assert waiting <= 1200
    assert rows == waiting


def test_new_model_answers_while_the_one_it_replaced_still_hangs():
    hung = threading.Event()

    async def ask():
        asked = _Asked(champion=loaded(lambda rows: [hung.wait(60)], seconds=1.0))
        first = asyncio.create_task(asked.post())
        while not asked.state.current.champion.asked_for:
            await asyncio.sleep(0)
        asked.state.current = lanes({"champion": loaded(seconds=1.0)}, recorder=asked.state.current.recorder)
        try:
            return await asyncio.wait_for(asked.post(), 30)
        finally:
            hung.set()
            await first

    assert asyncio.run(ask()) == (200, {"predictions": [3]})


def test_request_of_many_rows_and_the_shadow_are_asked_beside_the_event_loop():
    seen = {}

    def noted(role):
        def function(rows):
            seen[role, len(rows)] = threading.current_thread() is threading.main_thread()
            return [0] * len(rows)

        return function

    async def ask():
        asked = _Asked(champion=loaded(noted("champion")), shadow=loaded(noted("shadow"), version="v2"))
        await asked.post()
        await asked.post({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]] * 100}})
        while len(seen) < 4:
            await asyncio.sleep(0)

    asyncio.run(ask())
    assert seen == {("champion", 1): True, ("champion", 100): False, ("shadow", 1): False, ("shadow", 100): False}


def test_shadow_that_breaks_is_not_noticed():
    async def ask():
        asked = _Asked(champion=loaded(), shadow=loaded(raising(SystemExit()), version="v2", columns=("other",)))
        return [await asked.post() for _ in range(3)]

    assert asyncio.run(ask()) == [(200, {"predictions": [3]})] * 3


def test_bodies_that_never_end_hold_so_much_memory_and_no_more():
    """The clients send all but the last byte, and wait."""
    statuses = []

    async def ask():
        asked = _Asked(
            champion=loaded(serving=Serving("sums", limits=ServingLimits(body=5000))), bounds={"most_arriving": 10_000}
        )

        async def send(message):
            statuses.append(message.get("status"))

        def client():
            parts = iter([{"type": "http.request", "body": b" " * 900, "more_body": True}] * 3)

            async def receive():
                return next(parts, None) or await asyncio.get_running_loop().create_future()

            scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
            return asyncio.create_task(asked.app(scope, receive, send))

        tasks = [client() for _ in range(50)]
        while sum(map(asyncio.Task.done, tasks)) < 47:
            await asyncio.sleep(0)
        held = asked.state.arriving
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return held, asked.state.arriving

    held, after = asyncio.run(ask())
    assert held <= 10_000
    assert after == 0
    assert [each for each in statuses if each] == [503] * 47


def test_rows_wait_for_a_model_up_to_a_bound():
    may_end = threading.Event()

    def slow(rows):
        may_end.wait(30)
        return [0] * len(rows)

    async def ask():
        asked = _Asked(champion=loaded(slow, seconds=1.0), bounds={"most_rows_waiting": 100})
        body = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]] * 50}}
        tasks = [asyncio.create_task(asked.post(body)) for _ in range(20)]
        while sum(map(asyncio.Task.done, tasks)) < 10:
            await asyncio.sleep(0)
        may_end.set()
        return Counter(status for status, _ in await asyncio.gather(*tasks))

    found = asyncio.run(ask())
    assert found[503] >= 10
    assert found.keys() == {200, 503}
