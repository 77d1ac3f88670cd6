"""Where a project is: its root (the folder with `.dvc`), its Git repository, and mlgit's own folder inside `.dvc/tmp`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlgit.adapters.formats import documents
from mlgit.adapters.system import files
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    from mlgit.config import Config

CONFIG = "mlgit.yaml"


class Project(NamedTuple):
    """A DVC project inside a Git repository; all paths are absolute.

    `root` holds `.dvc`; `git_root` is the working tree's top (`root` or above it, as in a monorepo).
    """

    root: Path
    git_root: Path

    @property
    def prefix(self) -> str:
        """The project's folder relative to the Git repository, '' at its top, else ending with '/'."""
        relative = self.root.relative_to(self.git_root).as_posix()
        return "" if relative == "." else f"{relative}/"

    @property
    def dvc_folder(self) -> Path:
        return self.root / ".dvc"

    @property
    def own_folder(self) -> Path:
        """mlgit's disposable files (ignored by Git through `.dvc/.gitignore`)."""
        return self.dvc_folder / "tmp" / "mlgit"

    def relative(self, path: Path) -> str:
        """A path as messages show it: relative to the current folder where that is shorter."""
        return os.path.relpath(path)


def find(start: Path | None = None) -> Project:
    """The project that holds `start` (default: the current folder).

    Raises MlgitError, with what to type, outside a Git repository and outside a DVC project.
    """
    here = (start or Path.cwd()).resolve()
    root = next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), None)
    git_root = next((folder for folder in (root or here, *(root or here).parents) if (folder / ".git").exists()), None)
    if git_root is None or root is None or not root.is_relative_to(git_root):
        raise _missing(here, git_root)
    return Project(root, git_root)


def _missing(here: Path, git_root: Path | None) -> MlgitError:
    """What to say where there is no project, which is seldom: why, and what to type."""
    from mlgit.adapters.git import git
    from mlgit.render.text import few

    if git_root is None and git.repository(here):
        hint = "`git clone` it; `mlgit model list`, `show`, `history`, `verify`, `event` and `stamp` need no files"
        return MlgitError(f"{here}: a bare Git repository, without the files that this command works on", hint)
    if git_root is None:
        return MlgitError(f"{here}: not inside a Git repository", "`mlgit new DIR` makes one, or type `git init && mlgit init`")
    listed = git.run(git_root, "ls-files", "-z", "--", ":(glob)**/.dvc/config", check=False).text.split("\0")
    below = [path.removesuffix("/.dvc/config") for path in listed if path.endswith("/.dvc/config")]
    if below:
        hint = f"this repository has projects in: {few(below, most=3)}"
        return MlgitError(f"{here}: no DVC project here or in any folder above", hint)
    return MlgitError(f"{here}: no DVC project here or in any folder above", "type `mlgit init` in the project's folder")


def load_config(project: Project) -> Config:
    """The project's mlgit.yaml; without the file, the empty configuration.

    Raises MlgitError naming file and key for every fault.
    """
    from mlgit import config  # its tables take time, and a run whose pipeline is kept has checked the file before

    path = project.root / CONFIG
    if not path.exists():
        return config.Config()
    return config.parse(documents.parse_yaml(files.read_text(path, name=CONFIG), name=CONFIG))
