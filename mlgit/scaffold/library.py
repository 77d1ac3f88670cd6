"""Where templates are found: those that come with mlgit, by name, and any other by its path."""

from __future__ import annotations

import os
from pathlib import Path

import mlgit
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, manifest
from mlgit.scaffold.manifest import Manifest, Template, Use
from mlgit.schema import near_miss

# Templates that others are made of lie in this folder of the shelf; none of them is a project.
PARTS = "parts"


def shelf() -> Path:
    """The folder of mlgit's own templates: inside the package when installed, beside it in a checkout."""
    package = Path(mlgit.__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def names() -> list[str]:
    """mlgit's own templates."""
    return sorted(folder.name for folder in shelf().iterdir() if (folder / manifest.NAME).is_file())


def manifests() -> list[Manifest]:
    """What mlgit's own templates say about themselves."""
    return [manifest.parse(_document(shelf() / name, name=name), name=f"{name}/{manifest.NAME}") for name in names()]


def load(wanted: str) -> Template:
    """The template called `wanted`, or the one in the folder at this path (a path has a slash).

    Raises MlgitError for a template that is not there, holds links, or whose manifest is at fault.
    """
    folder = _find(wanted)
    document = _document(folder, name=folder.name)
    if not (folder / manifest.FOLDER).is_dir() or (folder / manifest.FOLDER).is_symlink():
        raise MlgitError(f"{wanted}: no folder '{manifest.FOLDER}' in the template", "put what it renders there")
    found = files.read_folder(folder / manifest.FOLDER, name=f"{folder.name}/{manifest.FOLDER}")
    name = f"{folder.name}/{manifest.NAME}"
    parts = {use.part: _part(use, beside=folder, name=name) for use in manifest.parse(document, name=name).uses}
    return manifest.template(document, found, name=name, parts=parts)


def part(wanted: str) -> Template:
    """A part that mlgit's own templates share."""
    return load(str(shelf() / PARTS / wanted))


def _part(use: Use, *, beside: Path, name: str) -> Template:
    """A part by its name: from the folder `parts` beside the template, else mlgit's own."""
    shelves = [folder for folder in (beside.parent / PARTS, shelf() / PARTS) if folder.is_dir() and not folder.is_symlink()]
    known = {each.name: each for folder in reversed(shelves) for each in folder.iterdir() if (each / manifest.NAME).is_file()}
    if use.part not in known:
        raise MlgitError(f"{name}: parts.{use.part}: there is no such part{near_miss(use.part, sorted(known))}")
    if known[use.part].is_symlink():
        raise MlgitError(f"{name}: parts.{use.part}: a symbolic link", "put the folder in its place")
    found = load(str(known[use.part]))
    if found.manifest.uses:
        raise MlgitError(f"{name}: parts.{use.part}: made of parts itself", "name them in the template")
    constant = {key: value for key, value in use.answers.items() if "[[" not in str(value)}
    answers.check_document(constant, found.manifest, name=f"{name}: parts.{use.part}")
    return found


def _find(wanted: str) -> Path:
    if os.sep in wanted or wanted in (".", ".."):
        folder = Path(wanted).expanduser().resolve()
        if not (folder / manifest.NAME).exists():
            raise MlgitError(f"{wanted}: no template there", f"a template is a folder with a {manifest.NAME}")
        return folder
    known = names()
    if wanted not in known:
        raise MlgitError(
            f"no template '{wanted}'{near_miss(wanted, known)}",
            f"mlgit has: {', '.join(known)}; for a template of your own write its path with a slash, ./{wanted}",
        )
    return shelf() / wanted


def _document(folder: Path, *, name: str) -> object:
    path = folder / manifest.NAME
    if path.is_symlink():
        raise MlgitError(f"{name}/{manifest.NAME}: a symbolic link", "put a regular file in its place")
    shown = f"{name}/{manifest.NAME}"
    document: object = documents.parse_yaml(files.read_text(path, name=shown), name=shown)
    return document
