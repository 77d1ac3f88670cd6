"""Brings the experiments that were recorded with other tools, or in another repository."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import dvclive_runs, mlflow_files, run_import, trial_import
from mlgit.experiments.dvclive_runs import LiveFolders
from mlgit.experiments.foreign_runs import ForeignStore
from mlgit.experiments.mlflow_files import MlflowFiles
from mlgit.experiments.mlflow_rest import MlflowError, MlflowRest
from mlgit.experiments.mlflow_server import MlflowServer
from mlgit.experiments.mlflow_sqlite import MlflowDatabase
from mlgit.experiments.run_import import RunsImported
from mlgit.experiments.runs import RunStore
from mlgit.experiments.trial_import import RefsImported

_SQLITE = b"SQLite format 3\x00"
_OTHER_DATABASES = re.compile(r"(postgresql|mysql|mssql|oracle)(\+\w+)?://")


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of each source."""

    sources: tuple[RunsImported | RefsImported, ...]

    @property
    def exit_code(self) -> int:
        """Yes: what could not be taken is told, and nothing is lost where it was."""
        return errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {"schema": 1, "sources": [_document(each) for each in self.sources]}


def _document(each: RunsImported | RefsImported) -> dict[str, Any]:
    return {
        "source": each.title,
        "trials": each.trials if isinstance(each, RefsImported) else 0,
        "runs": each.runs if isinstance(each, RefsImported) else each.new,
        "updated": 0 if isinstance(each, RefsImported) else each.updated,
        "unchanged": each.unchanged,
        "kept": each.kept,
        "experiments": each.experiments,
        "models": each.models,
        "files": 0 if isinstance(each, RefsImported) else each.n_files,
        "missed": list(each.missed),
    }


def import_experiments(
    sources: Sequence[str],
    *,
    kind: str | None = None,
    artifacts: str | None = None,
    with_files: bool = True,
    note: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Bring what each source holds: an MLflow server, database or file store, DVCLive folders, another repository.

    What is here already is known again and not written twice. `kind` says what a source is where that cannot be seen,
    `artifacts` is a folder in which MLflow's files lie. Raises MlgitError for a source that cannot be read.
    """
    root = git.repository(Path.cwd())
    if root is None:
        raise MlgitError("this folder is in no Git repository", "go to the project, or make one: `mlgit new NAME`")
    store = RunStore(root)
    found = [_opened(each, kind, artifacts) for each in sources]
    live = [each for each in found if isinstance(each, Path)]
    opened: list[ForeignStore | str] = [each for each in found if not isinstance(each, Path)]
    opened += [LiveFolders(live)] if live else []
    return Imported(
        tuple(
            trial_import.bring(root, each)
            if isinstance(each, str)
            else run_import.bring(store, each, with_files=with_files, note=note)
            for each in opened
        )
    )


def _opened(source: str, kind: str | None, artifacts: str | None) -> ForeignStore | Path | str:
    """What a source is: a store of MLflow, a folder of DVCLive, or (as text) a repository."""
    if _OTHER_DATABASES.match(source):
        raise MlgitError(
            f"{source.partition('://')[0]} databases are read through MLflow's own server",
            "`mlflow server --backend-store-uri URI`, then `mlgit exp import http://127.0.0.1:5000`",
        )
    if source.startswith(("http://", "https://")):
        return source if kind == "git" or (kind is None and not _is_mlflow(source)) else MlflowServer(source)
    path = Path(_path(source))
    kept = None if artifacts is None else Path(artifacts)
    if kept is not None and not kept.is_dir():
        raise MlgitError(f"{artifacts}: no folder", "give the folder in which MLflow's files lie")
    if kind != "git" and path.is_file():
        return _database(path, kept)
    if path.is_dir() and kind != "git":
        if kind in (None, "mlflow") and mlflow_files.is_store(path):
            return MlflowFiles(path, artifacts=kept)
        if kind in (None, "dvclive") and dvclive_runs.is_live(path):
            return path
        if kind is None and git.repository(path.resolve()) == path.resolve():
            return str(path.resolve())
        raise MlgitError(f"{source}: {_nothing(kind)}", "give mlruns/, a folder that DVCLive wrote, or a Git repository")
    if kind == "git" or re.match(r"(ssh|git|file)://|[^/\s]+@[^/\s]+:", source):
        return source
    raise MlgitError(f"{source}: no such file or folder", "give a path, sqlite:///PATH, or the URL of a server or a repository")


def _nothing(kind: str | None) -> str:
    return {"mlflow": "no file store of MLflow", "dvclive": "no folder that DVCLive wrote"}.get(
        kind or "", "no file store of MLflow, no folder that DVCLive wrote, and no repository"
    )


def _path(source: str) -> str:
    """The path of this machine that a source names; MLflow writes `sqlite:////absolute` and `sqlite:///relative`."""
    for start in ("sqlite:///", "file://"):
        if source.startswith(start):
            return os.path.expanduser(source.removeprefix(start))
    return source


def _database(path: Path, artifacts: Path | None) -> MlflowDatabase:
    with open(path, "rb") as stream:
        if stream.read(len(_SQLITE)) != _SQLITE:
            raise MlgitError(f"{path}: no database of SQLite", "give MLflow's mlflow.db, or its folder mlruns/")
    return MlflowDatabase(path, artifacts=artifacts)


def _is_mlflow(url: str) -> bool:
    """Whether a server is MLflow's, not one of Git."""
    if url.rstrip("/").endswith(".git"):
        return False
    try:
        MlflowRest(url).ask("/api/2.0/mlflow/experiments/search", {"max_results": 1})
    except MlflowError as error:
        if error.status == 0 or error.status >= 500:
            raise
        return error.status in (401, 403)
    return True
