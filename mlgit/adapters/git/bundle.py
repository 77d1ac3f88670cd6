"""A state of the working tree as a commit, and its way to another machine: one pack, without history and without a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.errors import MlgitError

LARGEST_UNTRACKED = 100 << 20
_AUTHOR = {
    "GIT_AUTHOR_NAME": "mlgit",
    "GIT_AUTHOR_EMAIL": "mlgit",
    "GIT_COMMITTER_NAME": "mlgit",
    "GIT_COMMITTER_EMAIL": "mlgit",
}
_NO_PROGRAMS = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "advice.detachedHead=false")


@dataclass(frozen=True, slots=True)
class WorkingTreeSnapshot:
    """A commit of what lies in the working tree; `changed` are the paths in which it differs from HEAD, if it is not HEAD."""

    commit: str
    changed: tuple[str, ...] = ()


def snapshot(git_root: Path, *, leave_out: Iterable[str] = ()) -> WorkingTreeSnapshot:
    """The working tree (tracked files, and untracked ones that are not ignored) as a commit.

    When nothing is changed that is HEAD, else a commit upon it that no ref points to. Index and working tree stay as they
    are. `leave_out` are paths from the repository's top. The same state gives the same commit.
    Raises MlgitError for an untracked file so large that it must have been forgotten.
    """
    left_out = _untracked(git_root, tuple(leave_out))
    head, head_tree, when = _head(git_root)
    with files.temporary_folder("index") as folder:
        index = folder / "index"
        current = git_root / git.line(git_root, "rev-parse", "--git-path", "index")
        if current.is_file():
            shutil.copyfile(current, index)
        env = {"GIT_INDEX_FILE": str(index)}
        rows = [":(top)", *(f":(top,exclude,literal){path}" for path in left_out)]
        args = ["add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul"]
        git.run(git_root, *args, stdin=os.fsencode("".join(f"{row}\0" for row in rows)), env=env)
        tree = git.run(git_root, "write-tree", env=env).text.strip()
    if tree == head_tree:
        return WorkingTreeSnapshot(head)
    parent = ["-p", head] if head else []
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    said = ["-c", "commit.gpgSign=false", "commit-tree", tree, *parent, "-m", "Working tree of a run"]
    commit = git.run(git_root, *said, env={**_AUTHOR, **dates}).text.strip()
    return WorkingTreeSnapshot(commit, _differing(git_root, head_tree, tree))


def _head(git_root: Path) -> tuple[str, str, str]:
    """HEAD's commit, tree and time; empty where there is no commit yet."""
    if not git.head(git_root):
        return "", "", "@0 +0000"
    commit, tree, seconds = git.line(git_root, "log", "-1", "--no-show-signature", "--format=%H %T %ct").split()
    return commit, tree, f"@{seconds} +0000"


def _differing(git_root: Path, one: str, other: str) -> tuple[str, ...]:
    args = ["diff-tree", "-r", "-z", "--name-only", one, other] if one else ["ls-tree", "-r", "-z", "--name-only", other]
    return tuple(path for path in git.run(git_root, *args).text.split("\0") if path)


def _untracked(git_root: Path, left_out: tuple[str, ...]) -> list[str]:
    """Those paths to leave out that Git would add. Raises MlgitError for a large file among the others."""
    found: dict[str, None] = {}
    for path in git.run(git_root, "ls-files", "-z", "--others", "--exclude-standard").text.split("\0"):
        above = next((each for each in left_out if path == each or path.startswith(f"{each}/")), None)
        full = git_root / path
        if above is not None:
            found[above] = None
        elif path and full.is_file() and not full.is_symlink() and full.stat().st_size > LARGEST_UNTRACKED:
            raise MlgitError(
                f"{path}: neither tracked nor ignored by Git, and too large to travel ({full.stat().st_size >> 20} MiB)",
                f"`dvc add {path}` tracks it, or name it in .gitignore",
            )
    return list(found)


def pack(git_root: Path, commit: str, *, have: Iterable[str] = ()) -> bytes:
    """A pack with the commit and those files and folders of it that the commits in `have` do not hold."""
    known = git.run(git_root, "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=_lines(have)).text.splitlines()
    held = [row.split()[1] for row in known if row.startswith("commit ")]
    trees = [f"{commit}^{{tree}}", *(f"^{each}^{{tree}}" for each in held)]
    wanted = git.run(git_root, "rev-list", "--objects", "--no-object-names", "--stdin", stdin=_lines(trees)).text.split()
    return git.run(git_root, "pack-objects", "--stdout", "-q", stdin=_lines([commit, *wanted])).stdout


def _lines(rows: Iterable[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


class Clone:
    """A bare repository of commits that came as packs, each without its history."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commits(self) -> list[str]:
        """The commits that are here."""
        try:
            return files.read_text(self.folder / "shallow").split()
        except MlgitError:
            return []

    def receive(self, commit: str, content: bytes) -> None:
        """Take in a commit; one at a time."""
        if not self.folder.is_dir():
            fresh = self.folder.with_name(f"{self.folder.name}.new")
            files.remove(fresh)
            fresh.mkdir(parents=True)
            git.run(fresh, "init", "--quiet", "--bare", "--template=", "--object-format=sha1")
            fresh.rename(self.folder)
        git.run(self.folder, "index-pack", "--stdin", stdin=content)
        files.write_atomic(self.folder / "shallow", "".join(f"{each}\n" for each in dict.fromkeys([*self.commits(), commit])))
        git.update_ref(self.folder, f"refs/mlgit/{commit}", commit, reason="received")

    def check_out(self, commit: str, tree: Path) -> None:
        """Make a folder a working tree of the commit, with nothing else in it."""
        env = {"GIT_LFS_SKIP_SMUDGE": "1"}
        if (tree / ".git").exists():
            git.run(tree, *_NO_PROGRAMS, "checkout", "--quiet", "--force", "--detach", commit, env=env)
            git.run(tree, "clean", "-ffdxq")
        else:
            files.remove(tree)
            git.run(self.folder, "worktree", "prune")
            git.run(self.folder, *_NO_PROGRAMS, "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit, env=env)


def restore(tree: Path, paths: Iterable[str]) -> None:
    """Put back files of a working tree as its commit has them."""
    rows = "".join(f":(top,literal){path}\0" for path in paths)
    args = ["checkout", "--quiet", "--force", "HEAD", "--pathspec-from-file=-", "--pathspec-file-nul"]
    git.run(tree, *_NO_PROGRAMS, *args, stdin=os.fsencode(rows))
