"""Trees of Git merged, compared and put together without a working tree, an index of the user's or a branch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system import files, process
from mlgit.errors import MlgitError

# A file as a tree lists it: its mode ("100644", "100755", "120000" for a link) and the id of its blob.
Entry = tuple[str, str]

# What a user's configuration says about merges changes nothing here: the same merge everywhere.
_SETTINGS = {
    "merge.renames": "true",
    "merge.directoryRenames": "true",
    "merge.conflictStyle": "merge",
    "merge.renormalize": "false",
    "merge.default": "text",
    "diff.renameLimit": "0",
    "diff.algorithm": "histogram",
}
_FIRST = (2, 38)  # `git merge-tree --write-tree`

# Author and committer of the commits that a merge needs and that nothing refers to.
_NOBODY = "mlgit <template@mlgit.invalid> 946684800 +0000"


class MergedTree(NamedTuple):
    """What `git merge-tree` makes of three trees.

    `tree` has the conflict markers; `stages` is path -> stage (1 base, 2 ours, 3 theirs) -> entry of what is in conflict.
    `ours` and `theirs` are the ids by which the two sides are called in markers, and in the names of what had to give way.
    """

    tree: str
    stages: Mapping[str, Mapping[int, Entry]]
    ours: str
    theirs: str


def merge(root: Path, *, base: str, ours: str, theirs: str) -> MergedTree:
    """Merge two trees by the third that both came from, whatever the history of either.

    Raises MlgitError where Git is older than 2.38.
    """
    start = git.write_commit(root, base, message="base", signature=_NOBODY)
    sides = [git.write_commit(root, tree, message="side", signature=_NOBODY, parents=[start]) for tree in (ours, theirs)]
    if sides[0] == sides[1]:
        return MergedTree(ours, {}, *sides)
    options = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    done = git.run(root, *options, "merge-tree", "--write-tree", "-z", "--no-messages", *sides, check=False)
    if done.code > 1:
        _check_version(root)
        raise process.ProcessError(done)
    tree, *rows = done.text.split("\0")
    stages: dict[str, dict[int, Entry]] = {}
    for row in rows:
        if not row:
            break
        head, _, path = row.partition("\t")
        mode, oid, stage = head.split()
        stages.setdefault(path, {})[int(stage)] = (mode, oid)
    return MergedTree(tree, stages, *sides)


def _check_version(root: Path) -> None:
    said = git.line(root, "version").split()[2]
    if tuple(int(part) for part in said.split(".")[:2]) < _FIRST:
        raise MlgitError(f"Git {said} cannot merge without a working tree", "install Git 2.38 or later")


def entries(root: Path, tree: str) -> dict[str, Entry]:
    """The files, links and submodules ("160000", and the id of their commit) of a tree (or commit) by path."""
    listed = git.run(root, "ls-tree", "-r", "-z", "--full-tree", tree).text
    found: dict[str, Entry] = {}
    for row in listed.split("\0"):
        head, _, path = row.partition("\t")
        if path:
            mode, _, oid = head.split()
            found[path] = (mode, oid)
    return found


def renames(root: Path, old: str, new: str) -> dict[str, str]:
    """Path in the one tree -> its path in the other, of the files that were renamed between them, as a merge sees it."""
    done = git.run(root, "diff-tree", "-r", "-z", "-M", "-l0", "--diff-filter=R", "--name-status", old, new)
    fields = done.text.split("\0")
    return dict(zip(fields[1::3], fields[2::3], strict=False))


def changed_tree(root: Path, tree: str, changes: Mapping[str, Entry | None]) -> str:
    """The tree with some of its files replaced, added, or taken out (None)."""
    if not changes:
        return tree
    with files.temporary_folder("index") as place:
        env = {"GIT_INDEX_FILE": str(place / "index")}
        git.run(root, "read-tree", tree, env=env)
        # what is taken out goes first: a file may take the place of a folder
        ordered = sorted(changes.items(), key=lambda item: item[1] is not None)
        nothing = "0" * len(tree)
        rows = "".join(f"{entry[0] if entry else 0} {entry[1] if entry else nothing}\t{path}\0" for path, entry in ordered)
        git.run(root, "update-index", "-z", "--index-info", stdin=os.fsencode(rows), env=env)
        return git.run(root, "write-tree", env=env).text.strip()


def is_complete(root: Path, tree: str, *, lacking: Iterable[str] = ()) -> bool:
    """Whether a tree and every file of it are here, without asking a remote for them, and none of the paths `lacking` in it."""
    env = {"GIT_NO_LAZY_FETCH": "1"}
    done = git.run(root, "ls-tree", "-r", "-z", "--full-tree", tree, check=False, env=env)
    if done.code:
        return False
    rows = [row.partition("\t") for row in done.text.split("\0") if row]
    oids = dict.fromkeys([tree, *(head.split()[2] for head, _, _ in rows)])
    asked = git.run(root, "cat-file", "--batch-check", stdin="".join(f"{oid}\n" for oid in oids).encode(), env=env)
    # `ls-tree` takes a commit or a tag for a tree, too
    is_tree = asked.text.startswith(f"{tree} tree ")
    return is_tree and " missing" not in asked.text and not {path for _, _, path in rows} & {*lacking}


def graft(root: Path, tree: str, folder: str, inner: str) -> str:
    """The tree ('' for none) with the tree `inner` in the place of one of its folders."""
    if not folder:
        return inner
    name, _, rest = folder.partition("/")
    listed = git.run(root, "ls-tree", "-z", tree).text.split("\0") if tree else []
    rows = {row.partition("\t")[2]: row for row in listed if row}
    kind, oid = rows[name].split()[1:3] if name in rows else ("", "")
    within = graft(root, oid if kind == "tree" else "", rest, inner)
    rows[name] = f"040000 tree {within}\t{name}"
    return git.run(root, "mktree", "-z", stdin=os.fsencode("".join(f"{row}\0" for row in rows.values()))).text.strip()
