"""Contents in the store of logged files that no run and no logged model names any more, in no state that it ever had."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.git.loose_objects import shared_folder
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec

# What was kept since then may be about to be named.
_YOUNG = 24 * 3600
_SPACES = ("refs/mlgit/runs/", "refs/mlgit/models/")
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_FOLDER, _NAME = re.compile(r"[0-9a-f]{2}"), re.compile(r"[0-9a-f]{62}")


@dataclass(frozen=True, slots=True)
class UnnamedContents:
    """Files below the store of a clone that nothing names, and their bytes."""

    paths: tuple[str, ...] = ()
    n_bytes: int = 0


def find(git_root: Path) -> UnnamedContents:
    """What nothing names: neither the runs and models in Git, with all that they were before, nor those being written.

    Raises MlgitError where a list of files cannot be read: then nothing is known.
    """
    own = shared_folder(git_root) / "mlgit"
    before = time.time() - _YOUNG
    lying = {path: size for path, size, when in _lying(own / "artifacts") if when < before}
    if not lying:
        return UnnamedContents()
    named = _in_git(git_root) | _in_spools(own / "live")
    paths = [path for path in lying if path.endswith(".tmp") or "".join(path.split("/")[-2:]) not in named]
    return UnnamedContents(tuple(sorted(paths)), sum(lying[path] for path in paths))


def remove(found: UnnamedContents) -> None:
    """Remove what was found, as far as it is still as old as it was."""
    before = time.time() - _YOUNG
    for path in found.paths:
        with suppress(OSError):
            if os.stat(path).st_mtime < before:
                os.unlink(path)


def _lying(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Path, size and time of each content, and of what a killed writer left."""
    for entry in _entries(folder):
        if entry.name.endswith(".tmp") and entry.is_file(follow_symlinks=False):
            yield _row(entry)
        elif _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            inner = _entries(Path(entry.path))
            yield from (_row(each) for each in inner if _NAME.fullmatch(each.name) and each.is_file(follow_symlinks=False))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _row(entry: os.DirEntry[str]) -> tuple[str, int, float]:
    seen = entry.stat(follow_symlinks=False)
    return entry.path, seen.st_size, seen.st_mtime


def _in_git(root: Path) -> set[str]:
    tips = git.run(root, "for-each-ref", "--format=%(objectname)", *_SPACES).text.split()
    if not tips:
        return set()
    # what a run was begun on is history of the project, which names no logged file
    others = git.run(root, "for-each-ref", "--format=^%(objectname)", "refs/heads", "refs/remotes", "refs/tags").text.split()
    listed = "".join(f"{row}\n" for row in [*tips, *others]).encode()
    commits = git.run(
        root, "rev-list", "--full-history", "--stdin", "--", f":(top){run_codec.FILES_FILE}", stdin=listed
    ).text.split()
    asked = [f"{commit}:{run_codec.FILES_FILE}" for commit in dict.fromkeys([*tips, *commits])]
    named: set[str] = set()
    for where, (_, content) in git.read_objects(root, asked).items():
        named |= {digest for _, digest in run_codec.decode_files(content, where=where).values()}
    return named


def _in_spools(folder: Path) -> set[str]:
    named: set[str] = set()
    for entry in _entries(folder):
        if entry.is_file(follow_symlinks=False):
            try:
                named |= {each.decode() for each in _DIGEST.findall(Path(entry.path).read_bytes())}
            except FileNotFoundError:
                continue  # it went into Git since: what it names was there before it was read
            except OSError as error:
                raise MlgitError(f"{entry.path}: cannot be read: {error.strerror}") from error
    return named
