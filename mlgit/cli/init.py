"""`mlgit init`: bring mlgit into a Git repository that is there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from mlgit import __version__
from mlgit.adapters.dvc import settings
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.pipeline import artifacts, sources
from mlgit.pipeline.load import load
from mlgit.project import Project
from mlgit.render.text import plain
from mlgit.revision import collect, recorded_paths
from mlgit.revision.refs import RevisionRef
from mlgit.scaffold import adopt, answers, library
from mlgit.scaffold.adopt import Adopted, Place
from mlgit.scaffold.draft import Known, draft
from mlgit.scaffold.manifest import Value

_EPILOG = """\b
Examples:
  mlgit init                              the repository of the current folder
  mlgit init models/churn                 a project in a folder of a larger repository
  mlgit init --dry-run                    say what would be written
  mlgit init --set tests=yes              let ruff and pytest check the code, too
  mlgit init --set requirements=ci.txt    another file that lists what to install

No file that is there is changed; what is missing can be written by calling it again.
"""

_COMPUTED = "project_folder"


@click.command(epilog=_EPILOG)
@click.argument("directory", metavar="[DIR]", required=False, default=".")
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Answer a question; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(directory: str, *, assignments: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Bring mlgit into the Git repository that holds DIR (default: the current folder).

    Starts DVC where there is none, and writes mlgit.yaml (from what dvc.yaml declares), its schema, the workflows of
    GitHub with their composite actions, and a requirements file: each only where there is none of this name.
    """
    place = adopt.find(Path(directory))
    part = library.part("review")
    given = answers.parse_assignments(assignments, part.manifest)
    if _COMPUTED in given:
        raise MlgitError(f"--set {_COMPUTED}: it is the folder given", "type `mlgit init DIR`")
    presumed = _checked(adopt.presumed(place))
    complete = answers.resolve(part.manifest, given={**presumed, **given}, facts={})
    requirement = f"mlgit=={__version__}"
    done = adopt.adopt(
        place, part=part, answers=complete, requirement=requirement, draft=lambda: draft(_known(place)), dry_run=dry_run
    )
    steps = _next(done, complete, requirement)
    if as_json:
        _print_json(done, steps, dry_run=dry_run)
    else:
        _print(done, steps, dry_run=dry_run)


def _checked(presumed: dict[str, Value]) -> dict[str, Value]:
    """The presumed answers, refused where a workflow cannot hold them."""
    manifest = library.part("review").manifest
    questions = {question.name: question for question in manifest.questions}
    return {name: answers.checked(questions[name], value, name="mlgit init") for name, value in presumed.items()}


def _known(place: Place) -> Known:
    """What the project says about itself already."""
    project = Project(place.folder, place.git_root)
    snapshot = collect.collect(project, RevisionRef())
    source = sources.WorkspaceFiles(project.root, parsing=settings.load(project.dvc_folder).parsing)
    listed = artifacts.listed({path: source.artifacts(path) for path in recorded_paths.pipeline_files(load(source))})
    return Known(
        artifacts=tuple(each.local for each in listed.values()),
        metrics={path: tuple(values) for path, values in snapshot.metrics.items()},
        tables={path: data.shape.columns for path, data in snapshot.data.items() if data.kind == "out" and data.shape},
    )


def _next(done: Adopted, complete: dict[str, Value], requirement: str) -> list[str]:
    """What is left to people, as commands and as lines to write."""
    place = done.place
    requirements = place.folder / str(complete["requirements"])
    lists_mlgit = requirements.is_file() and re.search(r"(?im)^[^#\n]*\bmlgit\b", files.read_text(requirements))
    there = os.path.relpath(place.folder)
    steps = [] if there == "." else [f"cd {there}"]
    if requirements.is_file() and not lists_mlgit:
        steps.append(f"add the line `{requirement}` to {complete['requirements']}, from which the workflows install")
    if f"{place.prefix}{adopt.CONFIG}" in done.written:
        steps.append("fill in mlgit.yaml: the lines behind a `#`")
    if not (place.folder / "dvc.yaml").exists():
        steps.append("declare the stages in dvc.yaml")
    return [*steps, "mlgit status", "git add --all && git commit -m 'Bring in mlgit'"]


def _print(done: Adopted, steps: list[str], *, dry_run: bool) -> None:
    would = "would " if dry_run else ""
    if done.started_dvc:
        click.echo(f"{would}start DVC in {plain(done.place.prefix or '.')}" if dry_run else "started DVC")
    for path in done.written:
        click.echo(f"{would}write {plain(path)}" if dry_run else f"wrote      {plain(path)}")
    for path in done.left:
        click.echo(f"left alone {plain(path)}: there already")
    click.echo("\nNext:")
    for line in steps:
        click.echo(f"  {plain(line)}")


def _print_json(done: Adopted, steps: list[str], *, dry_run: bool) -> None:
    document = {
        "schema": 1,
        "folder": str(done.place.folder),
        "dry_run": dry_run,
        "started_dvc": done.started_dvc,
        "written": list(done.written),
        "left": list(done.left),
        "next": steps,
    }
    click.echo(json.dumps(document, indent=2))
