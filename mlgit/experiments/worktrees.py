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
    """A working tree for one trial at a time. `root` is the project's folder in it, `top` that of the repository.

    Commands of Git are told by `env` which one is meant: where a stage took `.git` away, they would look for one above.
    """

    def __init__(self, git_root: Path, folder: Path, number: int) -> None:
        self._git_root = git_root
        self._folder = folder
        self.top = folder / str(number)
        self.root = self.top
        self._own = Path()
        self._prefix = ""
        self._kept: frozenset[str] = frozenset()

    @property
    def keeps(self) -> bool:
        """Whether outputs of the trial before are still in place."""
        return bool(self._kept)

    @property
    def env(self) -> dict[str, str]:
        """What names this working tree to Git."""
        return {"GIT_DIR": str(self._own), "GIT_WORK_TREE": str(self.top)}

    def prepare(self, *, baseline: str, tree: str, prefix: str, local_settings: str) -> None:
        """Bring in the state that a trial of the project in the folder `prefix` begins with.

        Of what was made before, what `keep` named stays, and mlgit's notes. What a stage or a crash has broken is made anew.
        """
        if prefix != self._prefix:
            self._kept = frozenset()
        self._prefix, self.root = prefix, self.top / prefix if prefix else self.top
        try:
            self._own = _known(self.top)
            if _sparse(self._git_root) != _sparse(self.top):
                raise MlgitError(f"{self.top}: has other files than the working tree of the user")  # noqa: TRY301
            self._bring(baseline, tree)
        except MlgitError:
            self._kept = frozenset()
            self._own = self._made(baseline)
            self._bring(baseline, tree)
        state_files.make_folder(str(self.root / ".dvc"))
        (self.root / ".dvc/tmp/rwlock").unlink(missing_ok=True)  # only who was killed here can have left something in it
        where = self.root / ".dvc/config.local"
        if not where.is_file() or files.read_text(where, name="config.local") != local_settings:
            files.write_atomic(where, local_settings, mode=0o600)

    def _bring(self, baseline: str, tree: str) -> None:
        for name in ("index.lock", "HEAD.lock"):  # of a process that was killed: this one alone works here
            (self._own / name).unlink(missing_ok=True)
        if files.read_text(self._own / "HEAD", name="HEAD").strip() != baseline:
            git.run(self._git_root, "update-ref", "--no-deref", "HEAD", baseline, env=self.env)
        self._git("read-tree", "--reset", "-u", tree)
        kept = [f"{self._prefix}{path}" for path in self._kept]
        own_notes = [f"{self._prefix}.dvc/{name}" for name in ("tmp", "config.local")]
        spared = [f"/{_literal(path)}" for path in (*kept, *own_notes)]
        self._git("clean", "-ffdxq", *(word for path in spared for word in ("-e", path)))

    def _git(self, *args: str) -> None:
        git.run(self.top, *_QUIET, *args, env=self.env)

    def _made(self, baseline: str) -> Path:
        """Make it, in the place of what lies there; the folder that Git keeps of it."""
        with suppress(MlgitError):
            own = git_folder(self.top)
            if os.path.realpath(own.parent) == os.path.realpath(self._folder.parent.parent / "worktrees"):  # of this clone
                files.remove(own)  # Git stops at one that is not whole
        _remove(self.top)
        # one at a time: Git names what it notes of a working tree by the last part of the path, and two would collide
        with locks.held(self._folder / "making.lock", timeout=60, busy="another process makes a working tree"):
            # `--force` is for one that Git still knows at this path. No `prune`: that forgets those of the user on a disk
            # that is not there now
            quietly = (*_QUIET, "worktree", "add", "--quiet", "--force", "--detach", "--no-checkout")
            git.run(self._git_root, *quietly, "--", str(self.top), baseline)
        return git_folder(self.top)

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
    return top / files.read_text(top / ".git", name=".git").removeprefix("gitdir:").strip()


def _sparse(top: Path) -> bytes:
    """What is checked out of a working tree, in the words of Git's sparse checkout; empty where all is."""
    plain = top / ".git"
    patterns = (plain if plain.is_dir() else git_folder(top)) / "info/sparse-checkout"
    if not patterns.is_file():
        return b""
    is_on = git.run(top, "config", "--type=bool", "core.sparseCheckout", check=False).text.strip() == "true"
    return patterns.read_bytes() if is_on else b""


def _known(top: Path) -> Path:
    """What Git keeps of a working tree, where both know each other: those of a copied clone lead to the original."""
    own = git_folder(top)
    back = own / files.read_text(own / "gitdir", name="gitdir").strip()
    if top.is_symlink() or os.path.realpath(back) != os.path.realpath(top / ".git"):
        raise MlgitError(f"{top}: not a working tree of this clone")
    return own


@contextmanager
def borrowed(git_root: Path, common: Path) -> Iterator[TrialTree]:
    """A working tree that nobody else uses while it lasts: the first that is free, or a new one."""
    folder = common / "worktrees"
    with ExitStack() as stack:
        for number in range(_MOST):
            with suppress(MlgitError):
                stack.enter_context(locks.held(folder / f"{number}.lock", timeout=0, busy="in use"))
                break
        yield TrialTree(git_root, folder, number)


def remove_all(common: Path) -> int:
    """Remove the working trees that nobody uses; how many."""
    folder, removed = common / "worktrees", 0
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        with suppress(MlgitError):
            if name.isdigit():
                with locks.held(folder / f"{name}.lock", timeout=0, busy="in use"):
                    with suppress(MlgitError):
                        files.remove(_known(folder / name))
                    _remove(folder / name)
                    removed += 1
    return removed


def _remove(top: Path) -> None:
    """Remove a working tree, also one in which a stage made folders that cannot be written."""
    try:
        files.remove(top)
    except PermissionError:
        top.chmod(0o700)
        for folder, names, _ in os.walk(top):
            for each in (f"{folder}/{name}" for name in names):
                if not os.path.islink(each):
                    os.chmod(each, 0o700)
        files.remove(top)


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
