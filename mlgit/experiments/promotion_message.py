"""The message of the commit that a trial becomes when it is promoted: written for people, with the facts in a trailer."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from mlgit.experiments import selection as selections
from mlgit.experiments.search_space import exactly
from mlgit.experiments.selection import Selection
from mlgit.render.text import count, plain

_LONGEST_TITLE = 72
_WIDTH = 72


def write(selection: Selection, *, title: str = "") -> str:
    """Title, what is to be said of the trial, and the trailer; `title` may be a whole message of the user's own."""
    head = title.strip() or _title(selection)
    said = [
        textwrap.fill(plain(each), _WIDTH, break_long_words=False, break_on_hyphens=False)
        for each in selections.told(selection)
    ]
    return "\n\n".join([head, *said, selections.trailer(selection)]) + "\n"


def _title(selection: Selection) -> str:
    settings = [f"{_name(key, selection.changes)} to {_shown(value)}" for key, value in selection.changes.items()]
    for most in range(len(settings), 0, -1):
        rest = len(settings) - most
        shown = [*settings[:most], *([count(rest, "more parameter")] if rest else [])]
        listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
        if len(f"Set {listed}") <= _LONGEST_TITLE:
            return plain(f"Set {listed}")
    return f"Take over the trial {selection.trial}"


def _name(key: str, changes: Mapping[str, Any]) -> str:
    short = key.rpartition(":")[2]
    return short if sum(each.rpartition(":")[2] == short for each in changes) == 1 else key


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else exactly(value)
