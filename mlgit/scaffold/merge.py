"""The rules of an update: what becomes of each file that a template, its user, or both have changed.

Git merges contents; what it leaves in conflict is settled here. A file that the user deleted stays deleted. Where a file,
a folder or a link of one side stands in the way of the other's, the user's stays as it is. Everything else that Git
cannot decide is a conflict for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# A file as Git keeps it: mode and id of its blob; and all files of a tree by path.
Entry = tuple[str, str]
Files = Mapping[str, Entry]

Outcome = Literal["added", "changed", "merged", "conflict", "kept-deleted", "renamed", "deleted"]

_REASONS = {
    frozenset({1, 2}): "the template deleted it, and you changed it: yours is kept",
    frozenset({2, 3}): "you and the template added it, not the same",
    frozenset({1, 2, 3}): "you and the template changed the same lines",
}
_OTHER = "it was renamed or moved by both"
_IN_THE_WAY = "a file, a folder or a link in the one place and not in the other: yours is kept"


@dataclass(frozen=True, slots=True)
class FileChange:
    """What an update does with one file of the template, by its path there; `renamed_to` is where the user has it."""

    path: str
    outcome: Outcome
    renamed_to: str = ""
    reason: str = ""

    def document(self) -> dict[str, str]:
        """As JSON."""
        return {"path": self.path, "outcome": self.outcome, "renamed_to": self.renamed_to, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Sides:
    """The files of the three trees of a merge, and the renames (old path -> new path) on either side of the base."""

    base: Files
    ours: Files
    theirs: Files
    renamed_here: Mapping[str, str]
    renamed_there: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settled:
    """The files after a merge, what is in conflict (path -> stage 1 base, 2 ours, 3 theirs -> entry), and the changes told."""

    files: dict[str, Entry]
    conflicts: dict[str, dict[int, Entry]]
    changes: tuple[FileChange, ...]


def settle(sides: Sides, *, merged: Files, stages: Mapping[str, Mapping[int, Entry]], names: tuple[str, str]) -> Settled:
    """Settle what Git merged: the files of its tree, and what it left in conflict.

    `names` are what Git calls ours and theirs where it had to rename one of them (`path~NAME`).
    """
    files = dict(merged)
    conflicts: dict[str, dict[int, Entry]] = {}
    reasons: dict[str, str] = {}
    for path in _in_the_way({*files, *stages}, names):
        _keep_ours(path, sides, files, names)
        conflicts[path] = _stages(path, sides)
        reasons[path] = _IN_THE_WAY
    open_ones = dict(stages)
    for path in sides.base:
        _keep_own_name(path, sides, files, open_ones)
    for path, entries in open_ones.items():
        if _without(path, names) != path or path in conflicts:
            continue
        if {1, 3} == entries.keys() and path not in sides.ours:
            files.pop(path, None)
        elif not _is_below(path, conflicts):
            conflicts[path] = dict(entries)
            reasons[path] = _reason(path, entries, files)
    found = (_change(path, sides, files, reasons) for path in sorted({*sides.base, *sides.theirs}))
    told = [change for change in found if change]
    others = reasons.keys() - {each.renamed_to or each.path for each in told}
    told += [FileChange(path, "conflict", reason=reasons[path]) for path in others]
    return Settled(files, conflicts, tuple(sorted(told, key=lambda each: each.path)))


def _in_the_way(paths: set[str], names: tuple[str, str]) -> list[str]:
    return sorted({_without(path, names) for path in paths if _without(path, names) != path})


def _without(path: str, names: tuple[str, str]) -> str:
    """A path without the name that Git gave what had to make way, and what may follow it."""
    for name in names:
        before, mark, _ = path.partition(f"~{name}")
        if mark:
            return before
    return path


def _keep_ours(path: str, sides: Sides, files: dict[str, Entry], names: tuple[str, str]) -> None:
    """Take from the merged files what was renamed to make way at `path`, and have there what the user has there."""
    for each in [each for each in files if _without(each, names) == path or each.startswith(f"{path}/")]:
        if each not in sides.ours:
            del files[each]
    if path in sides.ours:
        files[path] = sides.ours[path]


def _keep_own_name(path: str, sides: Sides, files: dict[str, Entry], stages: dict[str, Mapping[int, Entry]]) -> None:
    """Where both renamed a file, leave it under the user's name, in conflict only if both changed what is in it as well."""
    here, there = sides.renamed_here.get(path, ""), sides.renamed_there.get(path, "")
    if not (here and there) or here == there or here not in stages:
        return
    base, ours, theirs = sides.base[path], sides.ours[here], sides.theirs[there]
    for each in (path, here, there):
        stages.pop(each, None)
    files.pop(there, None)
    if base in (ours, theirs):
        files[here] = theirs if ours == base else ours
    else:
        stages[here] = {1: base, 2: ours, 3: theirs}


def _stages(path: str, sides: Sides) -> dict[int, Entry]:
    found = ((1, sides.base), (2, sides.ours), (3, sides.theirs))
    return {stage: files[path] for stage, files in found if path in files}


def _is_below(path: str, conflicts: Mapping[str, object]) -> bool:
    return any(path.startswith(f"{each}/") for each in conflicts)


def _reason(path: str, entries: Mapping[int, Entry], files: Files) -> str:
    if files.get(path) == entries.get(2) and {2, 3} <= entries.keys():
        return "you and the template changed it, and lines of it cannot be merged: yours is kept"
    return _REASONS.get(frozenset(entries), _OTHER)


def _change(path: str, sides: Sides, files: Files, reasons: Mapping[str, str]) -> FileChange | None:
    """What is told of one path of the template, or None where nothing became of it."""
    base, ours, theirs = (each.get(path) for each in (sides.base, sides.ours, sides.theirs))
    here, there = sides.renamed_here.get(path, ""), sides.renamed_there.get(path, "")
    conflict = next((each for each in (path, here, there) if each in reasons), "")
    if conflict:
        return FileChange(path, "conflict", renamed_to="" if conflict == path else conflict, reason=reasons[conflict])
    if base == theirs:
        return None
    if theirs is None:
        return _deletion(path, sides, files)
    if base is None:
        return _addition(path, ours, theirs, sides, files)
    if ours is None and here:
        followed = files.get(here) != sides.ours.get(here)
        return FileChange(path, "renamed", renamed_to=here, reason="the change went along") if followed else None
    if ours is None:
        return FileChange(path, "kept-deleted", reason="you deleted it, and the template changed it")
    if ours == theirs:
        return None
    return FileChange(path, "changed" if ours == base else "merged")


def _deletion(path: str, sides: Sides, files: Files) -> FileChange | None:
    """What is told of a file that is not at its path any more in the template."""
    ours, base = sides.ours.get(path), sides.base.get(path)
    here, there = sides.renamed_here.get(path, ""), sides.renamed_there.get(path, "")
    if ours is not None and path in files:
        return FileChange(path, "kept-deleted", reason="you put something else in its place, and that stays")
    if here and there and here != there:
        return FileChange(path, "renamed", renamed_to=here, reason="your name for it stays")
    if there and here == there:
        return FileChange(path, "renamed", renamed_to=here, reason="by you, too") if files[here] != sides.ours[here] else None
    if there in files and ours is not None:
        kept = "" if ours == base else "your changes went along"
        return FileChange(path, "renamed", renamed_to=there, reason=kept or "by the template")
    if ours is None:
        return FileChange(path, "kept-deleted", reason="you deleted it, and the template renamed it") if there else None
    return FileChange(path, "deleted")


def _addition(path: str, ours: Entry | None, theirs: Entry, sides: Sides, files: Files) -> FileChange | None:
    if path in sides.renamed_there.values() or ours == theirs:
        return None
    if path in files:
        return FileChange(path, "added" if ours is None else "merged")
    name = path.rpartition("/")[2]
    moved = [each for each in files if each not in sides.ours and files[each] == theirs and each.rpartition("/")[2] == name]
    return FileChange(path, "renamed", renamed_to=moved[0], reason="to the folder you renamed") if moved else None
