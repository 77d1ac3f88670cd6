"""Shows what the prediction log says of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit.commands import log_places
from mlgit.serving import log_reader
from mlgit.serving.logged import LoggedRequest


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """What the log says of an id: the answer that was given, and what canary or shadow said to the same request."""

    id: str
    requests: tuple[LoggedRequest, ...]

    @property
    def exit_code(self) -> int:
        """1 where the log has no such request."""
        return errors.EXIT_YES if self.requests else errors.EXIT_NO

    @property
    def row(self) -> int | None:
        """The row that the id names of a request with several; None where it names the whole request."""
        whole, slash, number = self.id.rpartition("/")
        return int(number) if slash and any(each.id == whole for each in self.requests) else None

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {"schema": 1, "id": self.id, "requests": [each.document() for each in self.requests]}


def show_request(request_id: str, *, logs: Sequence[str] = ()) -> ShownRequest:
    """The logged requests with an id, or with the row of one that it names; `logs` are files and folders to look in.

    Without any, those of the project are looked through. Raises MlgitError where there is no log.
    """
    paths = [path for each in logs or (None,) for path in log_places.logs(each)]
    return ShownRequest(request_id, tuple(log_reader.find(paths, request_id)))
