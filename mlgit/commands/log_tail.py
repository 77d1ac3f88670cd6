"""The last requests of a prediction log, and those that come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlgit.commands import log_places
from mlgit.serving import log_tail
from mlgit.serving.log_tail import LogTail
from mlgit.serving.logged import LoggedRequest

_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class TailedLog:
    """The last requests, oldest first; `follow` goes on with those that come."""

    requests: tuple[LoggedRequest, ...]
    tail: LogTail

    def document(self) -> dict[str, Any]:
        """The requests as JSON: schema 1."""
        return {"schema": 1, "requests": [each.document() for each in self.requests]}

    def follow(self, *, wait: Callable[[float], None] = time.sleep) -> Iterator[LoggedRequest]:
        """The requests that are logged from now on, without an end; `wait` is called between two looks."""
        while True:
            yield from self.tail.new()
            wait(_PAUSE)


def tail_log(subject: str | None = None, *, count: int = 10, follow: bool = False) -> TailedLog:
    """The last requests of a model's log, by its name, or of a file or folder; without either, of all logs of the project.

    With `follow` the log of a model may not be there yet. Raises MlgitError where there is none.
    """
    paths = log_places.logs() if subject is None else [log_places.log_of(subject, may_come=follow)]
    found = log_tail.LogTail(paths)
    return TailedLog(tuple(found.last(count)), found)
