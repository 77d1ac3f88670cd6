"""What went wrong in the server itself: told once for each place, and without a value of a request."""

from __future__ import annotations

import traceback
from pathlib import PurePath

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
        logging.getLogger("mlgit.serving").error("a request failed in the server: %s; told once", text)
