"""Texts as dates, times and moments, as contracts mean them: by ISO 8601, or by the form that a column declares."""

from __future__ import annotations

import datetime
from typing import Any


def read(text: str, kind: str, *, form: str = "") -> Any:
    """The value of a text; None for one that is no such moment. Moments without a zone are of UTC."""
    try:
        if kind == "date":
            return datetime.date.fromisoformat(text)
        if kind == "time":
            return datetime.time.fromisoformat(text)
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
