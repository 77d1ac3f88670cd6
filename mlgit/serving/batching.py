"""Asks a model for all requests that wait at once: a call for 32 rows costs little more than one for a single row.

Nothing is held back to make a batch larger. A model that answers within a millisecond or two is asked on the event loop, at the
end of the round in which the requests arrived; a slower one, and one that is asked of many rows, in a thread, one batch after
the other, while requests gather.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving import faults
from mlgit.serving.exchange import Exchange
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.rows import Method, RefusedRequestError

MOST_ROWS = 64
FAST_SECONDS = 0.002
# A model that held up everything else for so long is asked in a thread from then on.
TOO_LONG = 0.1
_LEAST_SWEPT = 1000
_FAILED = "the model could not answer these rows"
_MOST_NAMED = 10

# Told of a batch that has been answered; gives a future where the answers have to wait for something to be written down.
Record = Callable[[LoadedModel, Sequence[Exchange]], "asyncio.Future[None] | None"]


class Batcher:
    """One model and the requests that wait for it."""

    def __init__(
        self, model: LoadedModel, *, executor: Executor, record: Record, most_rows: int = MOST_ROWS, is_apart: bool = False
    ) -> None:
        """`is_apart`: it is asked in the thread, however fast it is."""
        self.model = model
        self._executor = executor
        self._record = record
        self._most_rows = most_rows
        self._waiting: deque[Exchange] = deque()
        self.rows = 0  # that wait
        self._loop = asyncio.get_running_loop()
        self._is_busy = False
        self._is_fast = model.seconds <= FAST_SECONDS and not is_apart
        self._swept_at = _LEAST_SWEPT
        self._asked_since: float | None = None

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def asked_for(self) -> float:
        """How long the call in the thread has lasted, in seconds; 0 where there is none."""
        return 0.0 if self._asked_since is None else time.monotonic() - self._asked_since

    def is_at_once(self, exchange: Exchange) -> bool:
        """Whether a request is answered in the next round of the event loop, if nothing is before it."""
        return self._is_fast and len(exchange) <= self._most_rows

    def ask(self, exchange: Exchange) -> None:
        """Put a request in the row; its `answered` is set, or gets the exception, when the answer may leave."""
        if len(self._waiting) >= self._swept_at:  # of a model that does not come back nobody else would take them away
            self._waiting = deque(each for each in self._waiting if not each.answered.done())
            self.rows = sum(map(len, self._waiting))
            self._swept_at = max(_LEAST_SWEPT, 2 * len(self._waiting))
        self._waiting.append(exchange)
        self.rows += len(exchange)
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        batch = self._taken()
        if not batch:
            self._is_busy = False
        elif all(map(self.is_at_once, batch)):
            began = time.thread_time()  # what other processes took is not the model's fault
            predict(self.model, batch)
            self._is_fast = time.thread_time() - began < TOO_LONG
            self._finish(batch)
            self._loop.call_soon(self._next)
        else:
            self._asked_since = time.monotonic()
            asked = self._loop.run_in_executor(self._executor, predict, self.model, batch)
            asked.add_done_callback(lambda _: self._done(batch))

    def _done(self, batch: list[Exchange]) -> None:
        self._asked_since = None
        self._finish(batch)
        self._next()

    def _taken(self) -> list[Exchange]:
        """The next requests, as many as fit into one call; what nobody waits for any more is left out."""
        taken: list[Exchange] = []
        rows = 0
        while self._waiting and (not taken or rows + len(self._waiting[0]) <= self._most_rows):
            exchange = self._waiting.popleft()
            self.rows -= len(exchange)
            if not exchange.answered.done():
                taken.append(exchange)
                rows += len(exchange)
        return taken

    def _finish(self, batch: list[Exchange]) -> None:
        answered = [each for each in batch if each.outputs and not each.answered.done()]
        for each in batch:
            if not each.outputs and not each.answered.done():
                each.answered.set_exception(RefusedRequestError(_why_not(self.model, each), error_code="BAD_REQUEST"))
        if not answered:
            return
        try:
            written = self._record(self.model, answered)
        except RefusedRequestError as error:
            return _release(answered, error)
        except Exception as error:  # a lane that ended here would never answer again
            return _release(answered, faults.refused(error))
        if written is None:
            _release(answered)
        else:
            written.add_done_callback(lambda done: _release(answered, done.exception()))


def _why_not(model: LoadedModel, exchange: Exchange) -> str:
    """What can be said of rows that a model cannot answer: what it raised repeats values, what is missing has none."""
    missing = [
        name
        for place, name in enumerate(model.inputs.names)
        if any(row[place] is None or row[place] != row[place] for row in exchange.data)
    ]
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return f"{_FAILED}; missing in them: {', '.join(missing[:_MOST_NAMED])}{more}" if missing else _FAILED


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
    except BaseException:  # whatever a model raises is about the rows it was given, SystemExit, too
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
