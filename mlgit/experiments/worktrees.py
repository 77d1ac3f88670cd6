"""Working trees that trials run in, made once and used again: `.git/mlgit/worktrees/N`, each with a lock.

The user's working tree, index and stash are never touched. Inputs come from the project's own DVC cache, to which what a trial
makes goes as well. What one trial leaves does not reach the next: everything that is neither of the new trial's state nor an
output that the pipeline declares is taken away.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mlgit.adapters.dvc import settings
from mlgit.adapters.git import git
from mlgit.adapters.system import files, locks, state_files
from mlgit.errors import MlgitError

_MOST = 10_000
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", "-c", "core.fsmonitor=false")


class TrialTree:
    """A working tree for one trial at a time. `root` is the project's folder in it, `top` that of the repository."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top
        self._prefix = ""
        self._kept: frozenset[str] = frozenset()

    @property
    def keeps(self) -> bool:
        """Whether outputs of the trial before are still in place."""
        return bool(self._kept)

    def prepare(self, *, baseline: str, tree: str, prefix: str, local_settings: str) -> None:
        """Bring in the state that a trial of the project in the folder `prefix` begins with.

        Of what was made before, what `keep` named stays, and mlgit's notes.
        """
        if prefix != self._prefix:
            self._kept = frozenset()
        self._prefix, self.root = prefix, self.top / prefix if prefix else self.top
        own = git_folder(self.top)
        (own / "index.lock").unlink(missing_ok=True)  # of a process that was killed: this one alone works here
        if files.read_text(own / "HEAD", name="HEAD").strip() != baseline:
            git.run(self.top, "update-ref", "--no-deref", "HEAD", baseline)
        git.run(self.top, *_QUIET, "read-tree", "--reset", "-u", tree)
        kept = [f"{self._prefix}{path}" for path in self._kept]
        own_notes = [f"{self._prefix}.dvc/{name}" for name in ("tmp", "config.local")]
        spared = [f"/{_literal(path)}" for path in (*kept, *own_notes)]
        git.run(self.top, *_QUIET, "clean", "-ffdxq", *(word for path in spared for word in ("-e", path)))
        state_files.make_folder(str(self.root / ".dvc"))
        where = self.root / ".dvc/config.local"
        if not where.is_file() or files.read_text(where, name="config.local") != local_settings:
            files.write_atomic(where, local_settings, mode=0o600)

    def keep(self, paths: Collection[str]) -> None:
        """Let the next `prepare` leave these outputs (from the project's root) in place."""
        self._kept = frozenset(paths)

    def drop_undeclared(self, declared: Collection[str]) -> None:
        """Take away what was kept, and is no output of the pipeline as the new trial has it."""
        for path in self._kept.difference(declared):
            if os.path.lexists(self.root / path):
                files.remove(self.root / path)
        self._kept = self._kept.intersection(declared)


def git_folder(top: Path) -> Path:
    """Where Git keeps index and HEAD of a linked working tree."""
    return Path(files.read_text(top / ".git", name=".git").removeprefix("gitdir:").strip())


@contextmanager
def borrowed(git_root: Path, common: Path, *, baseline: str) -> Iterator[TrialTree]:
    """A working tree that nobody else uses while it lasts: the first that is free, or a new one."""
    folder = common / "worktrees"
    with ExitStack() as stack:
        for number in range(_MOST):
            with suppress(MlgitError):
                stack.enter_context(locks.held(folder / f"{number}.lock", timeout=0, busy="in use"))
                break
        yield TrialTree(_made(git_root, folder, number, baseline))


def _made(git_root: Path, folder: Path, number: int, baseline: str) -> Path:
    """The working tree of a number, made anew where it is not whole."""
    top = folder / str(number)
    link = top / ".git"
    if link.is_file() and (git_folder(top) / "HEAD").is_file() and not top.is_symlink():
        return top
    if os.path.lexists(top):
        files.remove(top)
    # one at a time: Git names what it notes of a working tree by the last part of the path, and two would collide
    with locks.held(folder / "making.lock", timeout=60, busy="another process makes a working tree"):
        git.run(git_root, "worktree", "prune")
        quietly = (*_QUIET, "worktree", "add", "--quiet", "--force", "--detach", "--no-checkout")
        git.run(git_root, *quietly, "--", str(top), baseline)
    return top


def remove_all(git_root: Path, common: Path) -> int:
    """Remove the working trees that nobody uses; how many."""
    folder, removed = common / "worktrees", 0
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        with suppress(MlgitError):
            if name.isdigit():
                with locks.held(folder / f"{name}.lock", timeout=0, busy="in use"):
                    files.remove(folder / name)
                    removed += 1
    git.run(git_root, "worktree", "prune")
    return removed


def local_settings(dvc_folder: Path) -> str:
    """The `config.local` of a trial's working tree: the project's own, with its cache and remotes by absolute paths."""
    own = dvc_folder / "config.local"
    sections = settings.parse(files.read_text(own, name="config.local"), name=".dvc/config.local") if own.is_file() else {}
    found = {section: dict(values) for section, values in sections.items() if not section.startswith("remote ")}
    found.setdefault("cache", {})["dir"] = str(settings.load(dvc_folder).cache_folder)
    default, remotes = settings.remotes(dvc_folder)
    if default:
        found.setdefault("core", {})["remote"] = default
    found |= {f"remote {name}": dict(options) for name, options in remotes.items()}
    return "".join(_section(name, values) for name, values in found.items())


def _section(name: str, values: dict[str, str]) -> str:
    head = f"""['remote "{name.removeprefix("remote ")}"']""" if name.startswith("remote ") else f"[{name}]"
    return "\n".join([head, *(f"    {key} = {_quoted(value)}" for key, value in values.items()), ""])


def _quoted(value: str) -> str:
    if not any(char in value for char in "#\"'"):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _literal(path: str) -> str:
    return "".join(f"\\{char}" if char in "*?[]\\! #" else char for char in path)
