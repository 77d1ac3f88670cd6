"""Events that were read before, kept so that thousands of tags need not be taken apart each time.

A tag's object never changes under its id, so an event is as good as its id is. What is kept is below `.git/mlgit`; losing
it costs time only. What looks for forgery does not use it: an object may be gone, or no longer be what its id says.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mlgit.adapters.system import state_files
from mlgit.errors import MlgitError
from mlgit.registry.event import Event, TagName

FEWEST = 200  # fewer are read as fast from Git
_VERSION = 1
_PARTS = len(TagName._fields)
_ROW = _PARTS + len(Event._fields) - 1


def load(root: Path) -> dict[str, Event]:
    """The events that were kept, by their tags; none where nothing was kept, and where it cannot be read."""
    note = state_files.read(_file(root))
    version, rows = marshal.loads(note) if note else (_VERSION, [])  # noqa: S302 - sealed
    if version != _VERSION:
        return {}
    return {row[_PARTS]: Event(TagName(*row[:_PARTS]), *row[_PARTS:]) for row in rows if len(row) == _ROW}


def save(root: Path, events: Iterable[Event], known: Mapping[str, Event]) -> None:
    """Keep events, if that is worth it: if many of them are not `known` yet."""
    events = list(events)
    if sum(known.get(event.ref) != event for event in events) < FEWEST or not (root / ".git").is_dir():
        return
    content = marshal.dumps((_VERSION, [(*event.name, *event[1:]) for event in events]))
    with suppress(MlgitError):  # only time is lost
        state_files.write(_file(root), content)


def _file(root: Path) -> str:
    return f"{root}/.git/mlgit/tags"
