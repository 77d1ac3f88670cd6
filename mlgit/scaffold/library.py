"""Where templates are found: those that come with mlgit, by name, and any other by its path."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlgit
from mlgit.adapters.formats import documents
from mlgit.adapters.system import bounds, files
from mlgit.errors import MlgitError
from mlgit.scaffold import answers, limits, manifest
from mlgit.scaffold.manifest import Manifest, Template, Use
from mlgit.schema import near_miss

# Templates that others are made of lie in this folder of the shelf; none of them is a project.
PARTS = "parts"
# One of them is what `mlgit init` brings.
ADOPTION = "adoption"


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
    shown = {f"{name}/{manifest.NAME}": shelf() / name / manifest.NAME for name in names()}
    return [manifest.parse(documents.load(path, name=name), name=name) for name, path in shown.items()]


@dataclass(frozen=True, slots=True)
class Stored:
    """A template as it is kept, not understood yet: its folder's name, the text of its manifest, and its files by path."""

    name: str
    manifest: str
    files: Mapping[str, bytes]


def load(wanted: str) -> Template:
    """The template called `wanted`, or the one in the folder at this path (a path has a slash).

    Raises MlgitError for a template that is not there, holds links, or whose manifest is at fault.
    """
    folder = _find(wanted)
    return understand(_stored(folder), beside=_parts(folder.parent / PARTS))


def understand(stored: Stored, *, beside: Mapping[str, Callable[[], Stored]]) -> Template:
    """A template from what is kept of it; `beside` reads the parts that lie in the folder `parts` next to it, by name.

    Raises MlgitError for whatever is at fault in its manifest or in a part.
    """
    with bounds.bounded(f"{stored.name}/{manifest.NAME}"):
        name, document = _document(stored)
        # a part of mlgit's own is taken where none of this name lies beside the template
        known = {**_parts(shelf() / PARTS), **beside}
        parsed = manifest.parse(document, name=name)
        if not (stored.files or parsed.generated or parsed.uses):
            raise MlgitError(f"{stored.name}: no folder '{manifest.FOLDER}' in the template", "put what it renders there")
        parts = {use.part: _part(use, known, name=name) for use in parsed.uses}
        return manifest.template(document, stored.files, name=name, parts=parts)


def part(wanted: str) -> Template:
    """A part that mlgit's own templates share."""
    return load(str(shelf() / PARTS / wanted))


def _part(use: Use, known: Mapping[str, Callable[[], Stored]], *, name: str) -> Template:
    if use.part not in known:
        raise MlgitError(f"{name}: parts.{use.part}: there is no such part{near_miss(use.part, sorted(known))}")
    stored = known[use.part]()
    shown, document = _document(stored)
    found = manifest.template(document, stored.files, name=shown)
    if found.manifest.uses:
        raise MlgitError(f"{name}: parts.{use.part}: made of parts itself", "name them in the template")
    constant = {key: value for key, value in use.answers.items() if "[[" not in str(value)}
    answers.check_document(constant, found.manifest, name=f"{name}: parts.{use.part}")
    return found


def _document(stored: Stored) -> tuple[str, object]:
    name = f"{stored.name}/{manifest.NAME}"
    limits.check_manifest(stored.manifest, name=name)
    return name, documents.parse_yaml(stored.manifest, name=name)


def _parts(place: Path) -> dict[str, Callable[[], Stored]]:
    """Readers of the parts in a folder, by name."""
    if not place.is_dir() or place.is_symlink():
        return {}
    return {each.name: partial(_stored, each) for each in place.iterdir() if (each / manifest.NAME).is_file()}


def _stored(folder: Path) -> Stored:
    shown = f"{folder.name}/{manifest.NAME}"
    for path in (folder, folder / manifest.NAME, folder / manifest.FOLDER):
        if path.is_symlink():
            raise MlgitError(f"{path.relative_to(folder.parent)}: a symbolic link", "put what it points to in its place")
    size = (folder / manifest.NAME).stat().st_size
    limits.check_sizes({manifest.NAME: size}, name=folder.name)
    text = files.read_text(folder / manifest.NAME, name=shown)
    place, name = folder / manifest.FOLDER, f"{folder.name}/{manifest.FOLDER}"
    admit = partial(limits.check_sizes, name=name)
    return Stored(folder.name, text, files.read_folder(place, name=name, admit=admit) if place.is_dir() else {})


def _find(wanted: str) -> Path:
    if os.sep in wanted or wanted in (".", ".."):
        folder = Path(wanted).expanduser().resolve()
        if not (folder / manifest.NAME).exists():
            raise MlgitError(f"{wanted}: no template there", f"a template is a folder with a {manifest.NAME}")
        return folder
    if wanted == ADOPTION:
        return shelf() / PARTS / ADOPTION
    known = names()
    if wanted not in known:
        raise MlgitError(
            f"no template '{wanted}'{near_miss(wanted, known)}",
            f"mlgit has: {', '.join(known)}; for a template of your own write its path with a slash, ./{wanted}",
        )
    return shelf() / wanted
