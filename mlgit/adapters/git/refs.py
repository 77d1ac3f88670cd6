"""Branches of a repository, read by one process: which one is checked out, and which one others merge into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git

_FORMAT = "%(refname)%00%(objectname)%00%(symref)%00%(HEAD)"
_DEFAULTS = ("main", "master")
# Short names of branches that a tag would hide are looked for among the tags too.
_PATTERNS = ("refs/heads", "refs/remotes/origin", *(f"refs/tags/{name}" for name in (*_DEFAULTS, "origin")))


class Branches(NamedTuple):
    """The branches here and at origin.

    `current` is the branch that is checked out (None for a detached HEAD, and before the first commit), `default` the one
    that others merge into: what origin calls HEAD, else main, master or init.defaultBranch. `commits` are object ids by full
    name of the ref.
    """

    current: str | None
    default: str | None
    commits: Mapping[str, str]

    def commit_of(self, name: str) -> str:
        """The commit of a branch, by a name as `current` and `default` give it; '' where it is none of these."""
        found = (f"refs/{name}", f"refs/heads/{name}", f"refs/remotes/{name}")
        return next((self.commits[ref] for ref in found if ref in self.commits), "")


def branches(root: Path) -> Branches:
    """The branches of a repository as they are now."""
    rows = [row.split("\0") for row in git.run(root, "for-each-ref", f"--format={_FORMAT}", *_PATTERNS).text.splitlines()]
    commits = {name: oid for name, oid, _, _ in rows}
    current = next((name for name, _, _, mark in rows if mark == "*"), None)
    remote_head = next((target for name, _, target, _ in rows if name == "refs/remotes/origin/HEAD"), "")
    default = remote_head or _default(root, commits)
    if default and not default.startswith("refs/remotes/origin/") and default.rpartition("/")[2] not in _DEFAULTS:
        tag = f"refs/tags/{default.removeprefix('refs/heads/')}"
        commits |= dict.fromkeys(git.run(root, "for-each-ref", "--format=%(refname)", tag).text.splitlines(), "")
    return Branches(_short(current, commits) if current else None, _short(default, commits) if default else None, commits)


def _default(root: Path, commits: Mapping[str, str]) -> str:
    # A CI's checkout often has neither local branches nor what the remote calls HEAD.
    known = [f"refs/{folder}/{name}" for folder in ("heads", "remotes/origin") for name in _DEFAULTS]
    found = next((ref for ref in known[: len(_DEFAULTS)] if ref in commits), "")
    if found:
        return found
    configured = git.run(root, "config", "init.defaultBranch", check=False).text.strip()
    own = [f"refs/heads/{configured}"] if configured else []
    there = [*known[len(_DEFAULTS) :], *([f"refs/remotes/origin/{configured}"] if configured else [])]
    return next((ref for ref in (*own, *there) if ref in commits), "")


def _short(ref: str, commits: Mapping[str, str]) -> str:
    """The shortest name that Git takes for this ref: `main`, or `heads/main` where a tag or a remote is called so too."""
    name = ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    others = {f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}"} - {ref}
    return ref.removeprefix("refs/") if others & commits.keys() else name


def default_branch(root: Path) -> str | None:
    """The branch others merge into; None where it is not in this clone."""
    return branches(root).default


def same_branch(one: str | None, other: str | None) -> bool:
    """Whether two short names, as `Branches` gives them, are of one branch, here or at origin."""
    return one is not None and other is not None and _bare(one) == _bare(other)


def _bare(name: str) -> str:
    for prefix in ("remotes/", "heads/", "origin/"):
        name = name.removeprefix(prefix)
    return name
