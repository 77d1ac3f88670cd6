"""Real Git repositories with a DVC project, made in milliseconds: a template is initialised once and copied."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.kit.programs import git

# What `dvc init` writes.
DVC_FILES = {
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": "",
    ".dvcignore": "# Add patterns of files dvc should ignore, which could improve\n# the performance. Learn more at\n# https://dvc.org/doc/user-guide/dvcignore\n",
}


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files (path -> text or bytes) below `root`, making folders; returns `root`."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def repository(root: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """Make a Git repository with a DVC project in `root`, with `files` in it, all of it committed; returns `root`."""
    shutil.copytree(_template(), root, dirs_exist_ok=True)
    if files:
        write_tree(root, files)
        commit(root, "Add the first files")
    return root


def commit(root: Path, message: str = "Change something") -> str:
    """Commit everything that is not ignored; returns the commit id."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


def lock(root: Path, name: str = "dvc.lock") -> Any:
    """What a lock file says, read as DVC reads it."""
    return YAML(typ="safe").load((root / name).read_text())


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mlgit-test-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    git(folder, "init", "--quiet")
    write_tree(folder, DVC_FILES)
    shutil.rmtree(folder / ".git" / "hooks", ignore_errors=True)
    commit(folder, "Start a DVC project")
    return folder
