"""What a run writes beside its outputs: the lock files, changed stage by stage as text, and the .gitignore lines.

Stages that run side by side end in any order; both books place what is new where DVC's serial run would have put it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from mlgit.adapters.dvc import gitignore, internals
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files, fsync, locks, stat_signature
from mlgit.adapters.system.stat_signature import Stamp
from mlgit.pipeline import lock
from mlgit.pipeline.lock import LockText, lock_text
from mlgit.pipeline.model import Entry, Stage

_WAIT_FOR_DVC = 30.0


class _Lock:
    """One lock file: its text, and the texts of the stages that were put into it, by name."""

    def __init__(self, name: str, text: LockText, entries: Mapping[str, Entry]) -> None:
        self._name = name
        self._text = text
        self._entries = entries
        self._put: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._is_prepared = False

    def put(self, stage: Stage, text: str, *, place: int) -> bool:
        """Take over a stage's entry, whose place in running order is given; whether that changes the file."""
        changed = not self._is_prepared and self._prepare()
        if self._put.get(stage.name, self._text.pieces.get(stage.name)) == text:
            return changed
        self._put[stage.name] = text
        self._places[stage.name] = place
        return True

    def renew(self, text: LockText) -> None:
        """Start from another text: another program has written the file. What was put is put again."""
        self._text = text
        self._prepare()

    def _prepare(self) -> bool:
        """Lay out a text that people have edited as DVC does whenever it writes one; whether that changes anything."""
        self._is_prepared = True
        before = self._text
        if not (lock.is_free(before) and lock.is_usual(before)):
            self._text = self._rewritten(before.whole or lock.join(*before[:3]))
        else:
            odd = {stage: text for stage, text in before.pieces.items() if not self._is_laid_out(stage, text)}
            pieces = {stage: internals.rewrite(f"stages:\n{text}").removeprefix("stages:\n") for stage, text in odd.items()}
            self._text = before._replace(pieces={**before.pieces, **pieces})
        return self._text != before

    def _rewritten(self, text: str) -> LockText:
        text = internals.rewrite(text)
        found = lock_text(text, documents.parse_yaml(text, name=self._name), name=self._name)
        return found if lock.is_free(found) else LockText("", {}, whole=text)

    def _is_laid_out(self, stage: str, text: str) -> bool:
        file = self._name.removesuffix(".lock") + ".yaml"
        entry = self._entries.get(stage if file == "dvc.yaml" else f"{file}:{stage}")
        if entry is not None:
            return lock.is_laid_out(stage, lock.document(entry), text)
        return lock.is_laid_out(stage, documents.parse_yaml(text, name=self._name)[stage], text)

    def now(self) -> LockText:
        """The text with all that was put: what is new stands behind, in running order."""
        put = {stage: self._put[stage] for stage in sorted(self._put, key=lambda stage: self._places[stage])}
        if self._text.whole and put:
            return LockText("", {}, whole=internals.rewrite(self._text.whole, put))
        return self._text._replace(pieces={**self._text.pieces, **put})


class LockBook:
    """All dvc.lock files of a project. New stages are appended in the order of `order` (DVC's running order).

    What a lock names lies in `cache_folder`, and is on the disk before the lock is. `entries` are what the texts record.
    """

    def __init__(
        self,
        root: Path,
        texts: Mapping[str, LockText],
        order: Mapping[str, int],
        *,
        entries: Mapping[str, Entry],
        cache_folder: str,
    ) -> None:
        self._root = root
        self._settling = fsync.Settling(cache_folder)
        self._entries = entries
        self._locks = {name: _Lock(name, text, entries) for name, text in texts.items()}
        self._order = order
        self._changed: set[str] = set()
        self._stamps = {name: stat_signature.of(f"{root}/{name}") for name in texts}
        self.written: dict[str, Stamp | None] = {}  # the stamps of the files that `flush` wrote

    def put(self, stage: Stage, entry: Entry) -> None:
        """Take over a finished stage's entry; `flush` writes it."""
        text = lock.entry_text(stage.name, entry)
        if text is None:
            # Where a long line is folded depends on its column: it has to be dumped where it will stand.
            text = internals.dumps({"stages": {stage.name: lock.document(entry)}}).removeprefix("stages:\n")
        self.put_text(stage, text)

    def put_text(self, stage: Stage, text: str) -> None:
        """Take over the text of a stage's entry, indented as it stands in the lock."""
        name = stage.lock_file
        if name not in self._locks:
            self._locks[name] = _Lock(name, LockText(lock.HEADER, {}), self._entries)
        if self._locks[name].put(stage, text, place=self._order[stage.address]):
            self._changed.add(name)

    def texts(self) -> dict[str, LockText]:
        """The lock files as they are now."""
        return {name: each.now() for name, each in self._locks.items()}

    def flush(self, *, last: bool = False) -> None:
        """Write every changed lock file, under DVC's repository lock; what others wrote meanwhile is kept.

        After the `last` time everything is on the disk.
        """
        if self._changed:
            self._settling.settle(surely=last)
            self._write_all()
        if last and self.written:
            fsync.settle(str(self._root))

    def _write_all(self) -> None:
        with locks.held(self._root / ".dvc/tmp/lock", timeout=_WAIT_FOR_DVC, busy="a DVC command holds the repository's lock"):
            for name in sorted(self._changed):
                self._write(name)
        self._changed.clear()

    def _write(self, name: str) -> None:
        path = self._root / name
        if stat_signature.of(str(path)) != self._stamps.get(name):
            self._merge(name)
        now = self._locks[name].now()
        files.write_atomic(path, now.whole or lock.join(now.head, now.pieces, now.tail), durable=True)
        self._stamps[name] = self.written[name] = stat_signature.of(str(path))

    def _merge(self, name: str) -> None:
        # What was written earlier in this run is put again: another program may have replaced the file meanwhile.
        path = self._root / name
        if not path.is_file():
            return
        text = files.read_text(path, name=name)
        if text.strip():
            self._locks[name].renew(lock_text(text, documents.parse_yaml(text, name=name), name=name))


class IgnoreBook:
    """The .gitignore lines of outputs: those that are missing when a run begins, added as their stages finish.

    There are none where Git is to be left out of it (`core.no_scm`). `written` are the files that `flush` wrote.
    """

    def __init__(self, root: Path, *, without_git: bool = False) -> None:
        self.written: set[str] = set()
        self._root = root
        self._without_git = without_git
        self._unsure: set[str] = set()
        self._ignored = gitignore.AsDvc(root)
        self._places: dict[str, int] = {}
        self._texts: dict[str, tuple[str, str]] = {}
        self._lines: dict[str, list[tuple[int, str]]] = {}
        self._changed: set[str] = set()

    def expect(self, outputs: list[str]) -> None:
        """Look once, for all cached outputs of a run in running order, which ones Git does not ignore yet."""
        missing = set() if self._without_git else set(gitignore.without_line(self._root, outputs))
        if missing:
            with gitignore.Rules(self._root) as rules:
                hidden, self._unsure = rules.settled(sorted(missing))
            missing -= hidden
        for file in {posixpath.join(posixpath.dirname(path), ".gitignore") for path in missing}:
            text = gitignore.read(self._root / file)
            self._texts[file] = (text, text)
        self._places = {path: place for place, path in enumerate(outputs) if path in missing}

    def add(self, output: str) -> None:
        """Take over a finished output; `flush` writes its line."""
        place = self._places.pop(output, None)
        if place is None or (output in self._unsure and self._ignored(output)):
            return
        file = posixpath.join(posixpath.dirname(output), ".gitignore")
        self._lines.setdefault(file, []).append((place, gitignore.line_for(output)))
        self._changed.add(file)

    def flush(self) -> None:
        """Write every changed .gitignore: what stood there, then the new lines in running order."""
        for file in sorted(self._changed):
            path = self._root / file
            now = gitignore.read(path)
            before, written = self._texts[file]
            if now != written:  # somebody else wrote to it: what is there stays, and our lines that are missing follow
                before = now
                known = gitignore.lines(now)
                self._lines[file] = [row for row in self._lines[file] if row[1] not in known]
            joint = "" if not before or before.endswith("\n") else "\n"
            text = before + joint + "".join(f"{line}\n" for _, line in sorted(self._lines[file]))
            if text != now:
                gitignore.write(path, text)
                self.written.add(file)
            self._texts[file] = (before, text)
        self._changed.clear()
