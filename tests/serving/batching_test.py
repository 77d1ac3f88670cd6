"""One call for all requests that wait, each answered by its own rows."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlgit.serving.batching import MOST_ROWS, Batcher
from mlgit.serving.exchange import Exchange
from mlgit.serving.rows import RefusedRequestError
from tests.serving.stand_ins import loaded

SLOW = 1.0


def exchange(rows, methods=("predict",)):
    return Exchange("id", 0.0, 0.0, rows, methods, asyncio.get_running_loop().create_future())


def asked(model, requests, *, record=lambda model, exchanges: None, cancel=()):
    """What each request is answered, all of them asked at once: its outputs, or the error."""

    async def ask():
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(model, executor=executor, record=record)
            exchanges = [exchange(*each) if isinstance(each, tuple) else exchange(each) for each in requests]
            for each in exchanges:
                batcher.ask(each)
            for place in cancel:
                exchanges[place].answered.cancel()
            await asyncio.gather(*(each.answered for each in exchanges), return_exceptions=True)
            return [
                error if not each.answered.cancelled() and (error := each.answered.exception()) else each.outputs
                for each in exchanges
            ]

    return asyncio.run(ask())


def values(outputs):
    return [each["predict"].tolist() for each in outputs]


@pytest.mark.parametrize("seconds", [0.0, SLOW])
def test_requests_that_wait_are_one_call(seconds):
    model = loaded(seconds=seconds)
    found = asked(model, [[[1, 2]], [[3, 4], [5, 6]], [[7, 8]]])
    assert values(found) == [[3], [7, 11], [15]]
    if seconds == 0.0:
        assert model.predictor.calls == [4]


def test_requests_gather_while_a_slow_model_is_asked():
    begun, may_end = threading.Event(), threading.Event()

    def slow(rows):
        begun.set()
        assert may_end.wait(10)
        return [row[0] for row in rows]

    async def ask():
        with ThreadPoolExecutor(1) as executor:
            batcher = Batcher(loaded(slow, seconds=SLOW), executor=executor, record=lambda model, exchanges: None)
            first = exchange([[1, 0]])
            batcher.ask(first)
            await asyncio.to_thread(begun.wait, 10)
            others = [exchange([[value, 0]]) for value in range(2, 6)]
            for each in others:
                batcher.ask(each)
            may_end.set()
            await asyncio.gather(first.answered, *(each.answered for each in others))
            return batcher.model.predictor.calls, [each.outputs["predict"].tolist() for each in others]

    assert asyncio.run(ask()) == ([1, 4], [[2], [3], [4], [5]])


def test_call_has_no_more_rows_than_the_bound_unless_one_request_has():
    model = loaded()
    found = asked(model, [[[1, 1]] * 40, [[2, 2]] * 40, [[3, 3]] * 100])
    assert model.predictor.calls == [40, 40, 100]
    assert [len(each["predict"]) for each in found] == [40, 40, 100]
    assert MOST_ROWS == 64


def test_rows_that_the_model_refuses_are_refused_to_their_own_request():
    def picky(rows):
        if any(row[0] < 0 for row in rows):
            raise ValueError("negative: -17")
        return [row[0] for row in rows]

    good, bad, other = asked(loaded(picky), [[[1, 0]], [[-17, 0]], [[2, 0]]])
    assert values([good, other]) == [[1], [2]]
    assert isinstance(bad, RefusedRequestError)
    assert "17" not in bad.message


@pytest.mark.parametrize("rows", [[[1, 2], [-17, None]], [[1, 2], [-17, float("nan")]], [["-17", None]]])
def test_refusal_by_the_model_names_the_columns_that_lack_values(rows):
    (found,) = asked(loaded(lambda rows: [sum(row) / 0 for row in rows]), [rows])
    assert found.message == "the model could not answer these rows; missing in them: b"
    (whole,) = asked(loaded(lambda rows: [sum(row) / 0 for row in rows]), [[[1, 2]]])
    assert whole.message == "the model could not answer these rows"


def test_answer_with_another_number_of_rows_is_none():
    (found,) = asked(loaded(lambda rows: [1, 2, 3]), [[[1, 2]]])
    assert isinstance(found, RefusedRequestError)


def test_requests_for_different_methods_are_different_calls():
    model = loaded(methods=("predict", "predict_proba"))
    first, second = asked(model, [([[1, 2]], ("predict",)), ([[3, 4]], ("predict_proba", "predict"))])
    assert (list(first), list(second)) == (["predict"], ["predict_proba", "predict"])
    assert model.predictor.calls == [1, 1, 1]


def test_request_that_nobody_waits_for_is_not_computed():
    model = loaded()
    asked(model, [[[1, 2]], [[3, 4]]], cancel=[0])
    assert model.predictor.calls == [1]


def test_answers_wait_until_they_are_written_down():
    order = []

    def record(model, exchanges):
        written = asyncio.get_running_loop().create_future()

        def write():
            order.append("written")
            written.set_result(None)

        asyncio.get_running_loop().call_later(0.01, write)
        for each in exchanges:
            each.answered.add_done_callback(lambda _: order.append("answered"))
        return written

    asked(loaded(), [[[1, 2]], [[3, 4]]], record=record)
    assert order == ["written", "answered", "answered"]


def test_answers_that_cannot_be_written_down_are_refused():
    def record(model, exchanges):
        raise RefusedRequestError("full", status=503)

    found = asked(loaded(), [[[1, 2]], [[3, 4]]], record=record)
    assert [each.status for each in found] == [503, 503]
