"""Where the prediction logs are that a command is about."""

from __future__ import annotations

from pathlib import Path

from mlgit import project as projects
from mlgit.errors import MlgitError, near_miss
from mlgit.project import Project

_FOLDER = "logs"


def logs(log: str | None = None) -> list[Path]:
    """The log that is named (a file, the folder of an hour, a folder of hours), else every log of the project.

    Raises MlgitError where there is none.
    """
    if log is not None:
        return [_there(Path(log))]
    found = {path: None for path in _of_project(projects.find()).values() if path.is_dir()}
    if not found:
        raise MlgitError("no prediction log in this project", "`mlgit serve` writes one; `--log PATH` names one elsewhere")
    return list(found)


def log_of(word: str, *, may_come: bool = False) -> Path:
    """The log of a model by its name, or the one at a path; with `may_come` that of a model may not be there yet.

    Raises MlgitError for what is neither.
    """
    known = _known()
    if word in known and (may_come or known[word].is_dir()):
        return known[word]
    if not Path(word).exists():
        about = "has no prediction log" if word in known else "no model with a prediction log, and no file or folder"
        raise MlgitError(f"'{word}': {about}{near_miss(word, set(known) - {word})}", "`mlgit serve` writes one")
    return Path(word)


def _there(path: Path) -> Path:
    if not path.exists():
        raise MlgitError(f"{path}: no such log", "`mlgit serve` writes one; `--log PATH` names its file or folder")
    return path


def _known() -> dict[str, Path]:
    """The logs by model; none outside a project."""
    try:
        return _of_project(projects.find())
    except MlgitError:
        return {}


def _of_project(project: Project) -> dict[str, Path]:
    """Where the logs of the project's models are: as mlgit.yaml says, else below `logs/`."""
    config = projects.load_config(project)
    below = project.root / _FOLDER
    named = {each.name: each for each in sorted(below.iterdir()) if each.is_dir()} if below.is_dir() else {}
    return named | {name: project.root / serving.log.path for name, serving in config.servings.items()}
