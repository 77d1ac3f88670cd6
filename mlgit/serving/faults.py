"""What went wrong in the server itself: told once for each place, and without a value of a request."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import PurePath
from typing import Any

from mlgit.serving.rows import RefusedRequestError

_MOST_TOLD = 1000
_told: set[str] = set()


def refused(error: BaseException) -> RefusedRequestError:
    """What the client is answered where something failed that is no fault of the request."""
    tell(error)
    return RefusedRequestError("the server could not answer", status=500, error_code="INTERNAL_ERROR")


def tell(error: BaseException) -> None:
    """Write to the log of the process which error came up where; its message is left out, as it may repeat values."""
    import logging

    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = ", ".join(f"{PurePath(each.filename).name}:{each.lineno} ({each.name})" for each in reversed(frames))
    text = f"{type(error).__name__} in {where or 'code that is not known'}"
    if text not in _told and len(_told) < _MOST_TOLD:
        _told.add(text)
        logging.getLogger("mlgit.serving").error("something failed in the server: %s; told once", text)


def quieten(name: str) -> None:
    """Of a logger of others, leave out what clients do wrong, which they may do without end; and tell errors as `tell` does."""
    import logging

    def is_told(record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1]:
            tell(record.exc_info[1])
            return False
        return record.levelno >= logging.ERROR

    logger = logging.getLogger(name)
    logger.filters[:] = [is_told]


def heed(loop: asyncio.AbstractEventLoop) -> None:
    """Tell as `tell` does what nobody caught on an event loop."""

    def caught(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if error := context.get("exception"):
            tell(error)

    loop.set_exception_handler(caught)
