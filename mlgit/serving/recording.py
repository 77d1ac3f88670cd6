"""Writes answers down before they leave, as far as the release asks for that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mlgit.serving import log_lines
from mlgit.serving.exchange import Exchange
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.log_header import LogHeader, Role
from mlgit.serving.log_writer import LogFullError, PredictionLog
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.rows import RefusedRequestError, Violation
from mlgit.serving_settings import ServingLog

# What arrives within this time is brought to the disk together, and what need not be is written together.
GROUP_SECONDS = 0.02
FLUSH_SECONDS = 0.5
# Models are held by their headers: a champion, a canary and a shadow, and those that they replace.
_MOST_HEADERS = 6


class Recorder:
    """The prediction log, as the event loop uses it. `key` is what private columns are hashed with."""

    def __init__(self, log: PredictionLog | None, *, settings: ServingLog, metrics: ServingMetrics, key: bytes = b"") -> None:
        self._log = log
        self._key = key
        self._headers: dict[int, tuple[LoadedModel, LogHeader]] = {}
        self.settings = settings
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._group: asyncio.Future[None] | None = None
        self._is_flushing = False

    def record(self, role: Role, model: LoadedModel, exchanges: Sequence[Exchange]) -> asyncio.Future[None] | None:
        """Write down what was answered; a future where that has to reach the disk before the answers leave.

        Raises RefusedRequestError where it cannot be written and has to be (503).
        """
        for each in exchanges:
            self._metrics.answered(model, each)
        if self._log is None:
            return None
        header = self._header(model)
        lines = [
            log_lines.line(
                header,
                request_id=each.id,
                seconds=each.time,
                inputs=each.data,
                outputs=cast("Mapping[str, Any]", each.outputs),
                ms=each.seconds * 1000,
                role=role,
                violations=each.violations,
                key=self._key,
            )
            for each in exchanges
        ]
        return self._write(header, lines, role)

    def refuse(
        self, role: Role, model: LoadedModel, *, request_id: str, seconds: float, code: int, violations: Sequence[Violation]
    ) -> asyncio.Future[None] | None:
        """Write down a request that broke the contract, without its values; else as `record`."""
        if self._log is None:
            return None
        header = self._header(model)
        line = log_lines.line(
            header,
            request_id=request_id,
            seconds=seconds,
            inputs=None,
            outputs=None,
            ms=0,
            code=code,
            role=role,
            violations=violations,
        )
        return self._write(header, [line], role)

    def _header(self, model: LoadedModel) -> LogHeader:
        known = self._headers.get(id(model))
        if known is None or known[0] is not model:
            while len(self._headers) >= _MOST_HEADERS:  # of models that were replaced long ago
                del self._headers[next(iter(self._headers))]
            known = self._headers[id(model)] = model, log_lines.header(model)
        return known[1]

    def _write(self, header: LogHeader, lines: list[bytes], role: Role) -> asyncio.Future[None] | None:
        assert self._log is not None
        try:
            self._log.append(header, lines)
        except LogFullError as error:
            self._lose(error, max(error.lost, len(lines)), role)
            return None
        if self.settings.durability == "fsync":
            return self._synced(len(lines), role)
        if self.settings.durability == "none" and not self._is_flushing:
            self._is_flushing = True
            self._loop.call_later(FLUSH_SECONDS, self._flush)
        return None

    def _lose(self, error: BaseException, count: int, role: Role) -> None:
        """Answer all the same, and count, or refuse. What a shadow says is never waited for."""
        self._metrics.log_lost(count)
        if self.settings.level == "required" and role != "shadow":
            raise RefusedRequestError(
                "the answer could not be written down", status=503, error_code="TEMPORARILY_UNAVAILABLE"
            ) from error

    def _synced(self, count: int, role: Role) -> asyncio.Future[None]:
        if self._group is None:
            self._group = self._loop.create_future()
            self._loop.call_later(GROUP_SECONDS, self._sync)
        released: asyncio.Future[None] = self._loop.create_future()

        def done(group: asyncio.Future[None]) -> None:
            error = group.exception()
            try:
                if error is not None:
                    self._lose(error, count, role)
            except RefusedRequestError as refused:
                released.set_exception(refused)
            else:
                released.set_result(None)

        self._group.add_done_callback(done)
        return released

    def _sync(self) -> None:
        group, self._group = self._group, None
        assert group is not None
        assert self._log is not None
        asked = self._loop.run_in_executor(None, self._log.sync)

        def done(synced: asyncio.Future[None]) -> None:
            error = synced.exception()
            if error is None:
                group.set_result(None)
            else:
                group.set_exception(error)

        asked.add_done_callback(done)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._log is not None:
            try:
                self._log.flush()
            except LogFullError as error:
                self._metrics.log_lost(error.lost)

    def close(self) -> None:
        """Write what is left; what cannot be is counted. Raises MlgitError where that fails."""
        if self._log is not None:
            try:
                self._log.close()
            except LogFullError as error:
                self._metrics.log_lost(error.lost)
                raise
