"""Objects of a repository by id: one `git cat-file --batch` for as long as a command reads them, each asked for once."""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Iterable
from pathlib import Path
from subprocess import Popen

from mlgit.adapters.git import git, object_pipe
from mlgit.adapters.system import process
from mlgit.errors import MlgitError

_COMMITTER = re.compile(rb"^committer .*> (-?[0-9]+) ", re.MULTILINE)
# Of an object and its neighbours at most so many bytes are kept: the files of pipelines, locks, metrics and small tables.
_LARGEST_KEPT = 4 << 20
_MOST_KEPT = 256 << 20
# So many ids fit into a pipe while Git is held up writing: asking never waits for answers that nobody reads.
_AT_A_TIME = 500
# From so many commits on, what they have in common is listed once.
_WORTH_IT = 4
_BLOBS = ("100644", "100755", "100664", "120000")


class GitObjects:
    """The objects of one repository. What was read is kept, as far as it is small; a process runs from the first call on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._child: Popen[bytes] | None = None
        self._owner = 0
        self._kept: dict[str, tuple[str, bytes]] = {}
        self._bytes_kept = 0
        self._trees: dict[tuple[str, str], dict[str, tuple[str, str, int]]] = {}

    def tree(self, commit: str, *, under: str = "") -> dict[str, tuple[str, str, int]]:
        """Every file of a commit (its full id), as `git.list_tree` tells it; listed once."""
        if (commit, under) not in self._trees:
            self._trees[commit, under] = git.list_tree(self.root, commit, under=under)
        return self._trees[commit, under]

    def take_tree(self, commit: str, files: dict[str, tuple[str, str, int]], *, under: str = "") -> None:
        """Take what somebody has listed of a commit already, as `tree` would."""
        self._trees.setdefault((commit, under), files)

    def list_alike(self, base: str, commits: Iterable[str], *, under: str = "") -> None:
        """List the files of commits (full ids) that differ little from another, for all of them at once; see `tree`."""
        wanted = [each for each in dict.fromkeys(commits) if (each, under) not in self._trees and each != base]
        if len(wanted) < _WORTH_IT:
            return
        rows = "".join(f"{each} {base}\n" for each in wanted).encode()
        options = ["--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
        paths = ["--", under] if under else []
        done = git.run(self.root, "--literal-pathspecs", "diff-tree", *options, *paths, stdin=rows, check=False)
        if done.code:
            return  # one of them is no commit, or not here: who asks for it is told
        changes = _changes(done.text.split("\0"))
        sizes = self._sizes({oid for each in changes.values() for mode, oid in each.values() if mode in _BLOBS})
        for commit, changed in changes.items():
            found = dict(self.tree(base, under=under))
            for path, (mode, oid) in changed.items():
                found.pop(path, None)
                if mode in _BLOBS:
                    found[path] = (mode, oid, sizes.get(oid, -1))
            self._trees[commit, under] = found

    def _sizes(self, oids: Iterable[str]) -> dict[str, int]:
        asked = "".join(f"{oid}\n" for oid in oids).encode()
        told = git.run(self.root, "cat-file", "--batch-check", stdin=asked, env={"GIT_NO_LAZY_FETCH": "1"}).text
        rows = (row.split(" ") for row in told.splitlines())
        return {row[0]: int(row[2]) for row in rows if len(row) == 3}

    def blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs by id; one that this clone lacks is left out."""
        return {oid: content for oid, (_, content) in self.read(oids).items()}

    def commit_time(self, oid: str) -> int:
        """When a commit (its full id) was made, in seconds since 1970. Raises MlgitError where this clone lacks it."""
        match = _COMMITTER.search(self._commit(oid))
        return int(match[1]) if match else 0

    def parents(self, oid: str) -> list[str]:
        """The parents that a commit (its full id) names, also those that a shallow clone does not have."""
        head = self._commit(oid).partition(b"\n\n")[0].decode(errors="replace").splitlines()
        return [line.removeprefix("parent ") for line in head if line.startswith("parent ")]

    def has(self, oid: str) -> bool:
        """Whether this clone has an object."""
        return oid in self.read([oid])

    def _commit(self, oid: str) -> bytes:
        kind, content = self.read([oid]).get(oid, ("", b""))
        if kind != "commit":
            raise MlgitError(f"commit {oid[:10]} is not in this clone", "`git fetch --unshallow` completes a shallow clone")
        return content

    def read(self, oids: Iterable[str]) -> dict[str, tuple[str, bytes]]:
        """Objects by id, as (type, content); one that this clone lacks is left out.

        Raises MlgitError where Git cannot read the repository.
        """
        wanted = list(dict.fromkeys(oids))
        found = {oid: self._kept[oid] for oid in wanted if oid in self._kept}
        missing = [oid for oid in wanted if oid not in found]
        for start in range(0, len(missing), _AT_A_TIME):
            found |= self._ask(missing[start : start + _AT_A_TIME])
        return found

    def _ask(self, oids: list[str]) -> dict[str, tuple[str, bytes]]:
        child = self._running()
        assert child.stdin
        assert child.stdout
        found: dict[str, tuple[str, bytes]] = {}
        oid = oids[0]
        try:
            child.stdin.write("".join(f"{oid}\n" for oid in oids).encode())
            child.stdin.flush()
            for oid in oids:
                answer = object_pipe.read_answer(child.stdout)
                if answer is not None:
                    found[oid] = (answer.kind, answer.content)
                    self._keep(oid, found[oid])
        except (BrokenPipeError, EOFError) as error:
            self.close()
            git.run(self.root, "cat-file", "-t", oid)  # says in Git's own words why it does not work here
            raise MlgitError(
                f"{self.root}: Git ended while it was reading objects", "`git fsck` says what is damaged in this clone"
            ) from error
        except BaseException:
            self.close()  # answers that nobody read would be taken for those to the next question
            raise
        return found

    def _keep(self, oid: str, read: tuple[str, bytes]) -> None:
        size = len(read[1])
        if size <= _LARGEST_KEPT and self._bytes_kept + size <= _MOST_KEPT:
            self._kept[oid] = read
            self._bytes_kept += size

    def _running(self) -> Popen[bytes]:
        if self._child is None or self._owner != os.getpid():  # a fork would read the answers of this process
            argv = ["git", "cat-file", "--batch"]
            self._child = process.start(
                argv,
                cwd=self.root,
                env=git.environment(),
                stdin=process.PIPE,
                stdout=process.PIPE,
                stderr=process.DEVNULL,
            )
            self._owner = os.getpid()
            self._finalize = weakref.finalize(self, object_pipe.end, self._child, os.getpid())
        return self._child

    def close(self) -> None:
        """End the process; what was read is still known, and another call starts a new one."""
        if self._child is not None:
            self._finalize()
            self._child = None


def _changes(fields: list[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """By commit, the mode and id of each path that differs, as `git diff-tree --stdin -z` tells it."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    here: dict[str, tuple[str, str]] = {}
    rows = iter(fields)
    for field in rows:
        if field.startswith(":"):
            _, mode, _, oid, _ = field.split(" ")
            here[next(rows)] = (mode, oid)
        elif field:
            here = found.setdefault(field, {})
    return found
