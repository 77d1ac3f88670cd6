"""Paths that Git and DVC keep for themselves: no stage may write them, and of some none may read."""

from __future__ import annotations

import posixpath

from mlgit.errors import MlgitError
from mlgit.pipeline.model import Stage

_FOLDERS = frozenset((".git", ".dvc", ".hg"))


def refuse(stage: Stage, *, where: str) -> None:
    """Raise MlgitError for an output or input of a stage whose name belongs to Git or DVC; `where` is the stage's place.

    Patterns of .dvcignore cannot allow what is refused here: DVC would take them at their word, and delete a repository.
    """
    for out in stage.outs:
        _refuse_pipeline_file(out.path, where, "an output")
        if posixpath.basename(out.target) in ("dvc.yaml", "dvc.lock"):  # `dvc.yaml/` and the lock DVC would delete
            raise _refusal(where, out.path, "a file of DVC, so it cannot be an output")
        if is_kept(out.target) and not out.target.startswith("/") and "://" not in out.path:
            raise _refusal(where, out.path, "kept by Git or DVC for itself, so it cannot be an output")
        if out.target == ".." or out.target.endswith("/.."):
            raise MlgitError(
                f"{where}: an output cannot hold the project: '{out.path}'", "name the files and folders that the stage writes"
            )
    for path, _ in stage.inputs():
        if "://" not in path:
            _refuse_pipeline_file(path, where, "a dependency")


def is_kept(target: str) -> bool:
    """Whether a path lies in, or is, a folder that Git, Mercurial or DVC keep for themselves."""
    return not _FOLDERS.isdisjoint(target.split("/"))


def _refuse_pipeline_file(path: str, where: str, what: str) -> None:
    if path.endswith(".dvc") or posixpath.basename(path) == "dvc.yaml":
        raise _refusal(where, path, f"a file of DVC, so it cannot be {what}")


def _refusal(where: str, path: str, why: str) -> MlgitError:
    return MlgitError(f"{where}: '{path}' is {why}", "name data files or folders")
