"""Dask in small verbs: a cluster to send function calls to, and their results as they come in."""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any

from mlgit.adapters.system import files, process
from mlgit.errors import MlgitError

_START_SECONDS = 60.0
_CONNECT_SECONDS = 15.0
_END_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.comm", "distributed.scheduler", "asyncio")


class LostError(MlgitError):
    """The scheduler is gone, and with it all that was on its way."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"the Dask scheduler at {address} is gone", "start it again, and run again: what was finished is recorded"
        )


class SilentError(MlgitError):
    """A worker did not answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it has not answered within {seconds:g} s", "see whether it hangs, or its machine; start it again")


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A worker: how many tasks at once it takes, the resources it says it has, and its name ('': only an address)."""

    threads: int
    resources: Mapping[str, float]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that ended: its result, or the error it raised."""

    token: str
    result: Any = None
    error: BaseException | None = None


class _Call:
    """A call that is made where it is unpickled.

    So the scheduler needs none of the packages that the call is made of, and a worker without them fails at the call: one
    that cannot read a message from the scheduler ends.
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._made_of = (function, args)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._made_of


def _load() -> None:
    import distributed  # noqa: F401


class Cluster:
    """A cluster that runs at `address`, or the one that the program `holder` starts, which is ended with this object."""

    def __init__(self, address: str, *, holder: Sequence[str] = (), folder: Path | None = None) -> None:
        self._child: Popen[bytes] | None = None
        self._folder = folder
        if not address:
            assert folder is not None
            address = self._start(holder, folder)
        self.address = address
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._given_up: set[str] = set()
        try:
            self._client = self._connect()
        except BaseException:
            self._end_child()
            raise

    def _start(self, holder: Sequence[str], folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        self._child = process.start(holder, cwd=folder, stdin=process.PIPE, stdout=process.PIPE)
        _load()  # takes as long as the cluster does, so both go on at once
        assert self._child.stdout
        ready, _, _ = select.select([self._child.stdout], [], [], _START_SECONDS)
        address = self._child.stdout.readline().decode().strip() if ready else ""
        if not address:
            self._end_child()
            raise MlgitError("the local Dask cluster did not start", "what it printed above says why")
        return address

    def _connect(self) -> Any:
        import logging

        import dask
        from dask.utils import parse_timedelta
        from distributed import Client

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            wanted = parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
            return Client(self.address, timeout=min(wanted, _CONNECT_SECONDS), set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise MlgitError(
                f"no Dask scheduler answers at {self.address}: {str(error).splitlines()[0] if str(error) else 'no reply'}",
                "start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
            ) from error

    def nodes(self) -> dict[str, ClusterNode]:
        """The workers by address."""
        with self._lost_if_closed():
            found = self._client.scheduler_info(n_workers=-1)["workers"]
        return {
            address: ClusterNode(int(row["nthreads"]), dict(row.get("resources") or {}), str(row.get("name", "")))
            for address, row in found.items()
        }

    def everywhere(
        self,
        function: Callable[..., Any],
        *args: Any,
        workers: Sequence[str] | None = None,
        seconds: float = _ANSWER_SECONDS,
    ) -> dict[str, Any]:
        """Call a function on these workers (default: all), beside their tasks; results, or errors, by address.

        Of one that does not answer within `seconds` that is SilentError.
        """
        answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

        def call(address: str) -> None:
            try:
                found = self._client.run(function, *args, workers=[address], on_error="return")
                answers.put((address, found.get(address, OSError("lost"))))
            except BaseException as error:
                answers.put((address, error))

        with self._lost_if_closed():
            asked = list(self.nodes() if workers is None else workers)
            for address in asked:  # one that hangs would keep a call to all; such a thread ends with the process
                threading.Thread(target=call, args=(address,), daemon=True).start()
            deadline = time.monotonic() + seconds
            done: dict[str, Any] = {}
            with suppress(queue.Empty):
                while len(done) < len(asked):
                    address, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
                    done[address] = answer
            self._refuse_lost()
            return {address: done.get(address, SilentError(seconds)) for address in asked}

    def submit(
        self,
        function: Callable[..., Any],
        *args: Any,
        token: str,
        only: Sequence[str] = (),
        resources: Mapping[str, float] | None = None,
    ) -> None:
        """Send a call to a worker that has the resources, which is done again when that worker is lost.

        With `only` it is for one of these workers, and waits for them when all are lost.
        """
        future = self._client.submit(
            pickle.loads,
            pickle.dumps(_Call(function, args)),
            key=token,
            pure=False,
            workers=list(only) or None,
            resources=dict(resources or {}) or None,
        )
        self._futures[token] = future
        asyncio.run_coroutine_threadsafe(self._watch(token, future), self._client.loop.asyncio_loop)

    async def _watch(self, token: str, future: Any) -> None:
        try:
            self._ended.put(Ended(token, await self._client.gather(future, asynchronous=True)))
        except BaseException as error:
            self._ended.put(Ended(token, error=error))

    def listen(self, topic: str) -> None:
        """Let `ended` also return, without a token, the events under this topic."""
        self._client.subscribe_topic(topic, lambda event: self._ended.put(Ended("", event[1])))

    def give_up(self, token: str) -> None:
        """Take back a call that was for a worker that is lost."""
        future = self._futures.pop(token, None)
        if future is not None:
            self._given_up.add(token)
            self._client.cancel([future], force=True)

    def ended(self, timeout: float) -> list[Ended]:
        """The calls that ended; blocks until there is one, or until the time is over.

        Raises LostError when the scheduler is gone.
        """
        found: list[Ended] = []
        with suppress(queue.Empty):
            found.append(self._ended.get(timeout=timeout) if timeout > 0 else self._ended.get_nowait())
            while True:
                found.append(self._ended.get_nowait())
        found = [each for each in found if each.token not in self._given_up]
        for each in found:
            self._futures.pop(each.token, None)
            if each.error is not None and _is_cancelled(each.error):
                raise LostError(self.address)
        self._refuse_lost()
        return found

    def _refuse_lost(self) -> None:
        if self._client.status not in ("running", "newly-created"):
            raise LostError(self.address)

    def cancel(self) -> None:
        """Take back all calls that have not ended."""
        with self._lost_if_closed():
            self._client.cancel(list(self._futures.values()), force=True)
        self._futures.clear()

    def close(self) -> None:
        """Let go of the cluster; end it, if it was started here."""
        self._futures.clear()
        with suppress(Exception):
            self._client.close(timeout=_END_SECONDS)
        self._end_child()

    def _end_child(self) -> None:
        if self._child is None:
            return
        assert self._child.stdin
        self._child.stdin.close()
        try:
            self._child.wait(_END_SECONDS)
        except TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)  # it leads a session of its own
            self._child.wait()
        assert self._child.stdout
        self._child.stdout.close()
        self._child = None
        if self._folder is not None:
            files.remove(self._folder)

    @contextmanager
    def _lost_if_closed(self) -> Iterator[None]:
        """What goes wrong in a call to the scheduler means that it is gone; one that is gone already is not asked."""
        self._refuse_lost()
        try:
            yield
        except BaseException as error:
            if isinstance(error, OSError | TimeoutError) or _is_cancelled(error):
                raise LostError(self.address) from error
            raise


def _is_cancelled(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError) or type(error).__name__ in ("FutureCancelledError", "ClosedClientError")


def is_lost_worker(error: BaseException) -> bool:
    """Whether a call failed because every worker that tried it was lost."""
    return type(error).__name__ == "KilledWorker"
