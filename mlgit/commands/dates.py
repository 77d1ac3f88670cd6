"""Dates and times as users type them."""

from __future__ import annotations

from datetime import UTC, datetime, time

from mlgit.errors import MlgitError


def moment(text: str) -> int:
    """Seconds since 1970 of an ISO 8601 date (its end) or time; without a zone it is in UTC.

    Raises MlgitError for anything else.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MlgitError(f"--at: '{text}' is not a date", "write 2026-05-03 or 2026-05-03T10:00Z") from error
    if len(text) <= len("2026-05-03"):
        found = datetime.combine(found, time(23, 59, 59))
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
