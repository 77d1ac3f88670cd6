"""DVC's own commands, by the DVC of this Python: `dvc init` and `dvc push`."""

from __future__ import annotations

import sys
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.system import files, process

_CONFIG = "[core]\n    analytics = false\n    autostage = false\n"

# What `dvc init` makes, and what belongs in the commit.
FILES = (".dvc/config", ".dvc/.gitignore", ".dvcignore")


def init_dvc(project: Path, *, below_git_root: bool = False) -> None:
    """Make `project` a DVC project, without network and without a cache for the folder's passing name.

    An own `.dvcignore` is kept. Python does not look for modules in the folder: a project may have a `yaml.py`.
    """
    with files.temporary_folder("dvc") as cache:
        env = {**git.environment(), "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(cache)}
        subdir = ["--subdir"] if below_git_root else []
        process.run([sys.executable, "-P", "-m", "dvc", "init", "--quiet", *subdir], cwd=project, env=env)
    (project / ".dvc" / "config").write_text(_CONFIG, encoding="utf-8")


def initial_files() -> dict[str, bytes]:
    """What `dvc init` makes and what belongs in the commit, by path from the project's folder."""
    with files.temporary_folder("dvc") as place:
        git.init(place)
        init_dvc(place)
        return {name: (place / name).read_bytes() for name in FILES}


def push_data(project: Path) -> None:
    """`dvc push`: everything that the workspace's lock and `.dvc` files name, to the default remote."""
    env = {**git.environment(), "DVC_NO_ANALYTICS": "1"}
    process.run([sys.executable, "-P", "-m", "dvc", "push", "--quiet"], cwd=project, env=env)
