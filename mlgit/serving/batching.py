"""Asks a model for all requests that wait at once: a call for 32 rows costs little more than one for a single row.

Nothing is held back to make a batch larger. A model that answers within a millisecond or two is asked on the event loop, at the
end of the round in which the requests arrived; a slower one in a thread, one batch after the other, while requests gather.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.exchange import Exchange
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.rows import Method, RefusedRequestError

MOST_ROWS = 64
FAST_SECONDS = 0.002
_FAILED = "the model could not answer these rows"

# Told of a batch that has been answered; gives a future where the answers have to wait for something to be written down.
Record = Callable[[LoadedModel, Sequence[Exchange]], "asyncio.Future[None] | None"]


class Batcher:
    """One model and the requests that wait for it."""

    def __init__(self, model: LoadedModel, *, executor: Executor, record: Record, most_rows: int = MOST_ROWS) -> None:
        self.model = model
        self._executor = executor
        self._record = record
        self._most_rows = most_rows
        self._waiting: deque[Exchange] = deque()
        self._loop = asyncio.get_running_loop()
        self._is_busy = False
        self.is_fast = model.seconds <= FAST_SECONDS

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, and nothing is being asked."""
        return not self._waiting and not self._is_busy

    def ask(self, exchange: Exchange) -> None:
        """Put a request in the row; its `answered` is set, or gets the exception, when the answer may leave."""
        self._waiting.append(exchange)
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        batch = self._taken()
        if not batch:
            self._is_busy = False
        elif self.is_fast:
            predict(self.model, batch)
            self._finish(batch)
            self._loop.call_soon(self._next)
        else:
            asked = self._loop.run_in_executor(self._executor, predict, self.model, batch)
            asked.add_done_callback(lambda _: self._done(batch))

    def _done(self, batch: list[Exchange]) -> None:
        self._finish(batch)
        self._next()

    def _taken(self) -> list[Exchange]:
        """The next requests, as many as fit into one call; what nobody waits for any more is left out."""
        taken: list[Exchange] = []
        rows = 0
        while self._waiting and (not taken or rows + len(self._waiting[0]) <= self._most_rows):
            exchange = self._waiting.popleft()
            if not exchange.answered.done():
                taken.append(exchange)
                rows += len(exchange)
        return taken

    def _finish(self, batch: list[Exchange]) -> None:
        answered = [each for each in batch if each.outputs and not each.answered.done()]
        for each in batch:
            if not each.outputs and not each.answered.done():
                each.answered.set_exception(RefusedRequestError(_FAILED, error_code="BAD_REQUEST"))
        if not answered:
            return
        try:
            written = self._record(self.model, answered)
        except RefusedRequestError as error:
            for each in answered:
                each.answered.set_exception(error)
            return
        if written is None:
            _release(answered)
        else:
            written.add_done_callback(lambda done: _release(answered, done.exception()))


def _release(exchanges: Sequence[Exchange], error: BaseException | None = None) -> None:
    for each in exchanges:
        if each.answered.done():  # whoever asked is gone
            continue
        if error is None:
            each.answered.set_result(None)
        else:
            each.answered.set_exception(error)


def predict(model: LoadedModel, batch: Sequence[Exchange]) -> None:
    """Fill the outputs of these requests; those of a request that the model cannot answer stay empty.

    Rows that a model refuses are refused for the request that brought them, not for its neighbours.
    """
    by_methods: dict[tuple[Method, ...], list[Exchange]] = {}
    for each in batch:
        by_methods.setdefault(each.methods, []).append(each)
    for methods, alike in by_methods.items():
        if not _predict(model, alike, methods) and len(alike) > 1:
            for each in alike:
                _predict(model, [each], methods)
    ended = time.perf_counter()
    for each in batch:
        each.seconds = ended - each.started


def _predict(model: LoadedModel, batch: Sequence[Exchange], methods: tuple[Method, ...]) -> bool:
    try:
        data = _joined([each.data for each in batch])
        found = {method: model.predictor.predict(data, method=method) for method in methods}
    except Exception:  # whatever a model raises is about the rows it was given
        return False
    if any(len(each) != len(data) for each in found.values()):
        return False
    if len(batch) == 1:
        batch[0].outputs = found
        return True
    start = 0
    for each in batch:
        end = start + len(each)
        each.outputs = {method: values[start:end] for method, values in found.items()}
        start = end
    return True


def _joined(parts: Sequence[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(each, np.ndarray) for each in parts):
        return np.concatenate(parts)
    return [row for each in parts for row in (each.tolist() if isinstance(each, np.ndarray) else each)]
