"""The lock files on disk: read once, changed stage by stage as text, written whole and atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlgit.adapters import dvc, files, locks
from mlgit.pipeline import lock
from mlgit.pipeline.load import LockText
from mlgit.pipeline.model import Entry, Stage

_WAIT_FOR_DVC = 30.0


class LockBook:
    """All dvc.lock files of a project. New stages are appended in the order of `order` (DVC's running order).

    DVC appends a stage when it has run; several at a time finish in any order, so the writer waits for no one but
    places every new stage where DVC's serial run would have put it.
    """

    def __init__(self, root: Path, texts: Mapping[str, LockText], order: Mapping[str, int]) -> None:
        self._root = root
        self._heads = {name: text.head for name, text in texts.items()}
        self._pieces = {name: dict(text.pieces) for name, text in texts.items()}
        self._added: dict[str, list[tuple[int, str]]] = {}
        self._order = order
        self._changed: dict[str, dict[str, str]] = {}
        self._stamps = {name: _stamp(root / name) for name in texts}

    def put(self, stage: Stage, entry: Entry) -> None:
        """Take over a finished stage's entry; `flush` writes it."""
        text = lock.entry_text(stage.name, entry)
        if text is None:
            # Where a long line is folded depends on its column: it has to be dumped where it will stand.
            text = dvc.dumps({"stages": {stage.name: lock.document(entry)}}).removeprefix("stages:\n")
        self.put_text(stage, text)

    def put_text(self, stage: Stage, text: str) -> None:
        """Take over the text of a stage's entry, indented as it stands in the lock."""
        name = stage.lock_file
        pieces = self._pieces.setdefault(name, {})
        if pieces.get(stage.name) == text:
            return
        if stage.name not in pieces:
            self._added.setdefault(name, []).append((self._order[stage.address], stage.name))
        pieces[stage.name] = text
        self._changed.setdefault(name, {})[stage.name] = text

    @property
    def is_changed(self) -> bool:
        return bool(self._changed)

    def flush(self) -> None:
        """Write every changed lock file, under DVC's repository lock; what others wrote meanwhile is kept."""
        if not self._changed:
            return
        with locks.held(self._root / ".dvc/tmp/lock", timeout=_WAIT_FOR_DVC, busy="a DVC command holds the repository's lock"):
            for name, changed in self._changed.items():
                self._write(name, changed)
        self._changed = {}

    def _write(self, name: str, changed: Mapping[str, str]) -> None:
        path = self._root / name
        if _stamp(path) != self._stamps.get(name):
            self._merge(name, changed)
        pieces = self._in_order(name)
        files.write_atomic(path, lock.join(self._heads.get(name, lock.HEADER), pieces))
        self._stamps[name] = _stamp(path)

    def _merge(self, name: str, changed: Mapping[str, str]) -> None:
        path = self._root / name
        if not path.is_file():
            return
        self._heads[name], pieces = lock.split(files.read_text(path, name=name), name=name)
        self._pieces[name] = {**pieces, **changed}

    def _in_order(self, name: str) -> dict[str, str]:
        pieces = self._pieces[name]
        added = [stage for _, stage in sorted(self._added.get(name, [])) if stage in pieces]
        new = set(added)
        return {stage: pieces[stage] for stage in (*(each for each in pieces if each not in new), *added)}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
