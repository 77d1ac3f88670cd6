"""Which data a command may read because mlgit.yaml names it, and which files it may write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from mlgit import project as projects
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.revision import data_files, recorded_paths
from mlgit.revision.revisions import Revisions


def refuse_outside(project: Project, path: str) -> None:
    """Raises MlgitError for a path of mlgit.yaml that leads out of the project, itself or by a link, or a file below it.

    Whoever proposes a change writes mlgit.yaml and links, and must not read this machine's files with them. Links to objects
    of DVC's cache are followed, wherever it is.
    """
    if not recorded_paths.is_inside(path):
        raise MlgitError(
            f"{projects.CONFIG}: data: {path}: not in the project",
            "name a path below its folder, or type `--contract FILE`",
        )
    if link := data_files.astray(project, (path, *_links_below(project, path))):
        raise MlgitError(
            f"{link}: a symbolic link out of the repository, which mlgit does not follow", "put a file in the place of the link"
        )


def _links_below(project: Project, path: str) -> Iterator[str]:
    for folder, _, names in os.walk(project.root / path):
        for full in (os.path.join(folder, name) for name in names):
            if os.path.islink(full):
                yield os.path.relpath(full, project.root)


def refuse_incomplete(project: Project, path: str) -> None:
    """Raises MlgitError for a folder in which an output that is recorded does not lie: nobody would look at that part."""
    if not recorded_paths.is_inside(path) or not (project.root / path).is_dir():
        return
    with Revisions(project) as revisions:
        below = [each for each in revisions.workspace.recorded if path == "." or each.startswith(f"{path}/")]
    lacking = next((each for each in sorted(below) if not os.path.lexists(project.root / each)), "")
    if lacking:
        raise MlgitError(f"{lacking}: recorded by DVC, and not here", "`mlgit pull` or `mlgit run` brings it")


def refuse_input(output: str, inputs: Iterable[tuple[str, str]]) -> None:
    """Nothing that was read is written over: neither a file, nor one in a folder, nor what a link there leads to.

    `inputs` are paths with what they are called. Raises MlgitError for an `output` that is one of them.
    """
    targets = (os.path.abspath(output), os.path.realpath(output))
    for path, called in inputs:
        for each in _places(path):
            if any(os.path.commonpath((target, each)) == each for target in targets):
                raise MlgitError(f"-o {output}: would write over {called}, which is read", "name another file")


def _places(path: str) -> Iterator[str]:
    """Where a path lies, as it is written and behind its links; for a folder also what the links in it lead to."""
    yield from (os.path.abspath(path), os.path.realpath(path))
    for folder, _, names in os.walk(path):
        yield from (os.path.realpath(full) for name in names if os.path.islink(full := os.path.join(folder, name)))
