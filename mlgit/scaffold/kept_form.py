"""What a template gave, in the form in which a project keeps it in Git, so that only what was changed differs.

`.gitattributes` may say that a program (Git LFS, a cleaner of notebooks) or another encoding stands between a file and what
Git stores of it; and people may have turned the line ends of a file into those of Windows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.scaffold.merge import Entry, Files

_ATTRIBUTES = ("filter", "working-tree-encoding")
_NONE = ("unspecified", "unset", "set", "")


def changes(root: Path, base: Files, theirs: Files, ours: Files) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Those files of the old and of the new render that the project keeps in another form, in that form."""
    paths = [path for path in {*base, *theirs} if base.get(path) != theirs.get(path)]
    old, new = filtered(root, (base, theirs), paths)
    ended = [path for path in paths if path in base and path in theirs and path in ours and path not in old and path not in new]
    for path, (before, after) in _with_line_ends(root, ended, base, theirs, ours).items():
        old[path], new[path] = before, after
    return old, new


def filtered(root: Path, sides: Sequence[Files], paths: Iterable[str]) -> list[dict[str, Entry]]:
    """Of each side those files at these paths of which Git stores something else, as it does so here."""
    rows = os.fsencode("".join(f"{path}\0" for path in paths))
    if not rows:
        return [{} for _ in sides]
    fields = git.run(root, "check-attr", "-z", "--stdin", *_ATTRIBUTES, stdin=rows).text.split("\0")
    named = {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value not in _NONE}
    return [{path: _stored(root, path, side[path]) for path in sorted(named & side.keys())} for side in sides]


def _stored(root: Path, path: str, entry: Entry) -> Entry:
    mode, oid = entry
    if not mode.startswith("100"):
        return entry
    content = git.read_objects(root, [oid])[oid][1]
    return mode, git.run(root, "hash-object", "-w", f"--path={path}", "--stdin", stdin=content).text.strip()


def _with_line_ends(
    root: Path, paths: Sequence[str], base: Files, theirs: Files, ours: Files
) -> dict[str, tuple[Entry, Entry]]:
    """The old and the new file where the user has turned the line ends into those of Windows, with these."""
    asked = [path for path in paths if ours[path] not in (base[path], theirs[path])]
    contents = git.read_objects(root, [side[path][1] for path in asked for side in (base, theirs, ours)])
    found: dict[str, tuple[Entry, Entry]] = {}
    for path in asked:
        before, after, mine = (contents.get(side[path][1], ("", b"\0"))[1] for side in (base, theirs, ours))
        if b"\0" not in mine and b"\r" not in before + after and mine.count(b"\r\n") == mine.count(b"\n") > 0:
            oids = git.write_blobs(root, [text.replace(b"\n", b"\r\n") for text in (before, after)])
            found[path] = (base[path][0], oids[0]), (theirs[path][0], oids[1])
    return found
