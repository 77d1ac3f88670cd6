"""What is expensive to make is made once, by the first of the workers that needs it; each test works on a copy."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def once(shared: Path, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` below a folder of all workers, filled by `make` unless it was."""
    folder, is_made = shared / name, shared / f"{name}.made"
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            is_made.touch()
    return folder


def copied(project: Path, target: Path) -> Path:
    """A copy of a project without the notes of programs about the files that lay there."""
    return Path(shutil.copytree(project, target, symlinks=True, ignore=lambda at, _: ["tmp"] if at.endswith("/.dvc") else []))
