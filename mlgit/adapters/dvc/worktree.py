"""A place of its own to run stages of another commit: a worktree with its own index, cache and configuration.

The user's workspace, index, cache and lock are not touched, and the place is gone afterwards. A place whose process was
killed is removed by the next one that is opened beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlgit.adapters.dvc import remote, settings
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git
from mlgit.adapters.system import files, locks, process, state_files
from mlgit.errors import MlgitError

_GRACE = 20.0
_LAST_LINES = 5


@contextmanager
def opened(
    git_root: Path, commit: str, *, prefix: str = "", label: str, beside: Path | None = None, keep: bool = False
) -> Iterator[tuple[Path, Path]]:
    """A temporary folder with a worktree of the commit in it, and the project's root there; gone afterwards.

    It is made in the folder `beside`, or where the machine has its temporary files; `label` is a part of its name.
    """
    import tempfile

    if beside:
        state_files.make_folder(str(beside))
        _sweep(git_root, beside)
    folder = Path(tempfile.mkdtemp(prefix=f"mlgit-{label}-{os.getpid()}-", dir=beside)).resolve()
    try:
        tree = folder / "tree"
        quietly = ("-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach")
        git.run(git_root, *quietly, "--", str(tree), commit)
        root = tree / prefix
        (root / ".dvc").mkdir(exist_ok=True)
        text = f"[cache]\n    dir = {folder}/cache\n    type = copy\n[core]\n    site_cache_dir = {folder}/site\n"
        files.write_atomic(root / ".dvc" / "config.local", text)
        yield folder, root
    finally:
        if not keep:
            with process.undisturbed():
                _clear(git_root, folder)


def _sweep(git_root: Path, beside: Path) -> None:
    """Remove the places of processes that were killed."""
    for each in beside.glob("mlgit-*"):
        pid = each.name.split("-")[-2]
        if not each.is_symlink() and pid.isascii() and pid.isdigit() and not locks.is_alive(int(pid)):
            _clear(git_root, each)


def _clear(git_root: Path, folder: Path) -> None:
    """Remove the folder, what a stage made read-only too, and let Git forget the worktree."""
    import shutil

    for at, _, _ in os.walk(folder):
        with suppress(OSError):
            os.chmod(at, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
    git.run(git_root, "worktree", "prune", check=False)


def bring(
    dvc_folder: Path,
    content: Content,
    path: str,
    target: Path,
    *,
    routes: remote.Routes | None,
    aside: Path | None,
    lost: str,
    hint: str,
) -> None:
    """Copy what is recorded of a path out of the project's cache; from its remotes, by way of `aside`, if that is given.

    Raises MlgitError, saying what is `lost` without it, where it is neither here nor there.
    """
    cache = Cache(settings.load(dvc_folder))
    if not cache.has_all(content.md5):
        own = Cache(Settings(cache_folder=aside)) if aside else None
        there = remote.connect(dvc_folder, own, routes=routes) if own else None
        if own is None or there is None or remote.bring(there, own, [content]):
            where = "neither in the cache nor in a DVC remote" if aside else "not in the cache"
            raise MlgitError(f"{path}: {where}, so {lost}", hint)
        cache = own
    cache.checkout(content, str(target), as_copy=True)


def run(root: Path, targets: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Run all stages there, or those up to the targets, whatever is recorded of them; what failed, line by line."""
    argv = [sys.executable, "-P", "-m", "mlgit", "run", "--force", "--json", "--", *targets]
    child = process.start(argv, cwd=root, env=git.environment(), stdout=process.PIPE, stderr=process.PIPE)
    try:
        out, said = child.communicate()
    except BaseException:
        process.end(child, grace=_GRACE)
        raise
    if child.returncode == 0:
        return ()
    return _failures(out) or tuple(said.decode(errors="replace").strip().splitlines()) or (f"code {child.returncode}",)


def _failures(out: bytes) -> tuple[str, ...]:
    try:
        stages = json.loads(out)["stages"]
    except (ValueError, KeyError, TypeError):
        return ()
    failed = [each for each in stages if each["state"] == "failed"]
    return tuple(line for each in failed for line in _failure(each["name"], each["message"], each["code"], each["log"]))


def _failure(name: str, message: str, code: int | None, log: str | None) -> list[str]:
    """What is known of a failed stage, and the last lines that it said: its log goes with the place."""
    said: list[str] = []
    with suppress(OSError):
        said = Path(log).read_text(errors="replace").splitlines()[-_LAST_LINES:] if log else []
    return [f"stage '{name}' failed: {message or f'code {code}'}", *(f"  {line}" for line in said)]
