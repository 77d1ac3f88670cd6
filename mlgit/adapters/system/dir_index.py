"""What is known of a tracked folder between commands: names, stamps and md5s of its files, and the content they make.

The part that an unchanged folder needs (a digest for each folder inside) is kept apart from the rest, which is large.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.system import digests, dir_scan, state_files
from mlgit.adapters.system.digests import Content, Member
from mlgit.adapters.system.dir_scan import Branch, Seen

_VERSION = 3


class Leaves(NamedTuple):
    """What lies directly in one folder, with the stamps and md5s (16 bytes each) of its files, joined."""

    inside: Branch
    stamps: bytes
    md5s: bytes


class FolderTree:
    """A folder as it was when it was last hashed, at the time `recorded`. `filtered`: with .dvcignore patterns.

    The leaves are read from `file` when they are asked for.
    """

    def __init__(
        self,
        content: Content,
        seen: Mapping[str, Seen],
        *,
        recorded: int,
        filtered: bool,
        leaves: Mapping[str, Leaves] | None = None,
        file: Path | None = None,
    ) -> None:
        self.content = content
        self.seen = dict(seen)
        self.recorded = recorded
        self.filtered = filtered
        self._leaves = dict(leaves) if leaves is not None else None
        self._file = file
        self._members: list[Member] | None = None
        self._listing: bytes | None = None

    @property
    def leaves(self) -> dict[str, Leaves]:
        """By the folders inside; empty when the file is gone."""
        if self._leaves is None:
            self._leaves = _load_leaves(self._file) if self._file else {}
        return self._leaves

    @property
    def is_whole(self) -> bool:
        """Whether the leaves are at hand."""
        return self.leaves.keys() == self.seen.keys()

    def members(self) -> list[Member]:
        """Every file, sorted by path."""
        if self._members is None:
            self._members = _members(self.leaves)
        return self._members

    def listing(self) -> bytes:
        """The bytes of DVC's object for the folder."""
        if self._listing is None:
            self._listing = digests.listing(self.members())
        return self._listing


def _members(leaves: Mapping[str, Leaves]) -> list[Member]:
    found: list[Member] = []
    for below, each in leaves.items():
        md5s = each.md5s.hex()
        found += [Member(below + name, md5s[32 * at : 32 * at + 32]) for at, name in enumerate(each.inside[0])]
    return sorted(found)


def make(leaves: Mapping[str, Leaves], *, recorded: int, filtered: bool) -> FolderTree:
    """A folder from its leaves, which were looked at after `recorded`."""
    seen = {below: dir_scan.seen(each.inside, each.stamps) for below, each in leaves.items()}
    size = sum(sum(dir_scan.numbers_of(each.stamps)[2::4]) for each in leaves.values())
    made = FolderTree(Content("", size), seen, recorded=recorded, filtered=filtered, leaves=leaves)
    md5 = hashlib.md5(made.listing(), usedforsecurity=False).hexdigest()
    made.content = Content(f"{md5}.dir", size, len(made.members()))
    return made


def load(file: Path) -> FolderTree | None:
    """What was kept of a folder; None where there is nothing, or nothing of use."""
    note = state_files.read(str(file))
    if note is None:
        return None
    version, content, seen, recorded, filtered = marshal.loads(note)  # noqa: S302 - sealed
    return FolderTree(Content(*content), seen, recorded=recorded, filtered=filtered, file=file) if version == _VERSION else None


def _load_leaves(file: Path) -> dict[str, Leaves]:
    note = state_files.read_whole(str(file))
    rows = marshal.loads(note[1]) if note else {}  # noqa: S302 - sealed
    return {
        below: Leaves((_split(names), _split(folders)), stamps, md5s) for below, (names, folders, stamps, md5s) in rows.items()
    }


def _split(text: str) -> list[str]:
    return text.split("\0") if text else []


def save(file: Path, tree: FolderTree) -> None:
    """Keep a folder for the next command."""
    leaves = {
        below: ("\0".join(leaves.inside[0]), "\0".join(leaves.inside[1]), leaves.stamps, leaves.md5s)
        for below, leaves in tree.leaves.items()
    }
    head = (_VERSION, tuple(tree.content), tree.seen, tree.recorded, tree.filtered)
    state_files.write(str(file), marshal.dumps(head), rest=marshal.dumps(leaves))
