"""Dates and times as users type them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from mlgit.errors import MlgitError

_LONGEST_DATE = len("2026-05-03")


def moment(text: str, *, option: str = "--at") -> int:
    """Seconds since 1970 of an ISO 8601 date (its end) or time; without a zone it is in UTC.

    Raises MlgitError for anything else, given by this option.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MlgitError(f"{option}: '{text}' is not a date", "write 2026-05-03 or 2026-05-03T10:00Z") from error
    if len(text) <= _LONGEST_DATE:
        found = datetime.combine(found, time(23, 59, 59))
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def window(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The first moment of --from and the first after --to, each None where nothing was typed; a date means the whole day.

    Raises MlgitError for what is no date, and where nothing lies between both.
    """
    begin, end = _typed(since, "--from"), _typed(until, "--to")
    if end is not None and until is not None and len(until) <= _LONGEST_DATE:
        end += timedelta(seconds=1)
    if begin is not None and since is not None and len(since) <= _LONGEST_DATE:
        begin -= timedelta(days=1) - timedelta(seconds=1)
    if begin is not None and end is not None and begin >= end:
        raise MlgitError(f"--to {until} is not after --from {since}", "nothing lies between both")
    return begin, end


def _typed(text: str | None, option: str) -> datetime | None:
    return None if text is None else datetime.fromtimestamp(moment(text, option=option), UTC)
