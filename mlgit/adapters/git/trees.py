"""Folders of many commits by the ids of their trees: a folder that commits share is read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.git.objects import GitObjects

FOLDER = "40000"
LINK = "120000"
_SUBMODULE = "160000"
# A folder of 100,000 files fits. What is larger is passed over.
_LARGEST = 16 << 20


class FolderEntry(NamedTuple):
    """What a folder has under a name: mode as Git writes it, and the object's id."""

    mode: str
    oid: str

    @property
    def is_folder(self) -> bool:
        return self.mode == FOLDER

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and no symbolic link to one."""
        return self.mode not in (FOLDER, LINK, _SUBMODULE)


Folder = Mapping[str, FolderEntry]
_EMPTY: Folder = {}


class Trees:
    """The folders of a repository by the ids of their trees."""

    def __init__(self, objects: GitObjects) -> None:
        self._objects = objects
        self._read: dict[str, Folder] = {}

    def fetch(self, oids: Iterable[str], *, deepest: int = 64) -> None:
        """Read these folders and all below them, level by level."""
        level = set(oids)
        for _ in range(deepest):
            self._read_level(level)
            entries = (entry for oid in level for entry in self.folder(oid).values())
            level = {entry.oid for entry in entries if entry.is_folder and entry.oid not in self._read}
            if not level:
                return

    def _read_level(self, oids: Iterable[str]) -> None:
        wanted = [oid for oid in oids if oid not in self._read]
        self._read.update(dict.fromkeys(wanted, _EMPTY))
        small = [
            oid for oid, (kind, size) in described(self._objects.root, wanted).items() if kind == "tree" and size <= _LARGEST
        ]
        for oid, (kind, content) in self._objects.read(small).items():
            if kind == "tree":
                self._read[oid] = _parsed(content, len(oid) // 2)

    def folder(self, oid: str) -> Folder:
        """What a folder has, by name; nothing for what is none, is not in this clone or is too large."""
        if oid not in self._read:
            self._read_level([oid])
        return self._read[oid]

    def at(self, oid: str, path: str) -> FolderEntry | None:
        """What lies at a path below a folder; '' is the folder itself."""
        found = FolderEntry(FOLDER, oid)
        for name in path.split("/") if path else ():
            entry = self.folder(found.oid).get(name) if found.is_folder else None
            if entry is None:
                return None
            found = entry
        return found


def described(root: Path, oids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """The type and size of objects by id, by one process; one that this clone lacks is left out."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    asked = "".join(f"{oid}\n" for oid in wanted).encode()
    done = git.run(root, "cat-file", "--batch-check", "--buffer", stdin=asked, env={"GIT_NO_LAZY_FETCH": "1"})
    rows = (row.split(" ") for row in done.text.splitlines())
    return {row[0]: (row[1], int(row[2])) for row in rows if len(row) == 3}


def _parsed(content: bytes, width: int) -> Folder:
    """A tree as Git stores it: mode, name and id (`width` bytes) of each entry. What is cut off ends it."""
    found: dict[str, FolderEntry] = {}
    position, end = 0, len(content)
    while position < end:
        blank, nul = content.find(b" ", position), content.find(b"\0", position)
        if not position < blank < nul or nul + width >= end:
            break
        name = content[blank + 1 : nul].decode("utf-8", "surrogateescape")
        mode = content[position:blank].decode("ascii", "replace")
        found[name] = FolderEntry(mode, content[nul + 1 : nul + 1 + width].hex())
        position = nul + 1 + width
    return found
