"""Which artifact a name means, seen from the current folder, and which project that lies in: a monorepo holds several."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from mlgit import project as projects
from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import grammar, read


def full_name(root: Path, known: Collection[str], name: str) -> str:
    """The name of an artifact as tags have it, seen from the repository's root; `known` are those that there are.

    It may be told as seen from the current folder or from one above it. One that is not known is left as it is.
    """
    name = grammar.plain(name)
    folder, _, last = name.rpartition(":")
    for above in () if name in known else _folders(root):
        inner = (above / folder).relative_to(root).as_posix()
        if f"{inner}:{last}" in known:
            return f"{inner}:{last}"
    return name


def _folders(root: Path) -> list[Path]:
    here = Path.cwd()
    return [each for each in (here, *here.parents) if each != root and each.is_relative_to(root)]


def project_of(root: Path, name: str) -> Project:
    """The project that holds an artifact, by its full name.

    Raises MlgitError where the folder in its name is in no DVC project of this checkout.
    """
    folder = name.rpartition(":")[0]
    found = _at(root / folder, root)
    if found:
        return found
    if not folder or not (root / ".git").exists():
        projects.find()  # tells in its own words what is missing here
    raise MlgitError(
        f"'{name}': {folder or 'the top folder'} is in no DVC project of this checkout", "`git switch` to a branch that has it"
    )


class NamedProject(NamedTuple):
    """A project, and the name by which an artifact is known in it: the full one where that is known."""

    project: Project
    name: str


def place(word: str) -> NamedProject:
    """The project that NAME, NAME@VERSION or NAME#ENVIRONMENT is about: the artifact's own, else that of the current folder.

    Raises MlgitError where there is none.
    """
    root = read.root_of(Path.cwd())
    name = grammar.plain(word.partition("@")[0].partition("#")[0])
    here = _at(Path.cwd(), root)
    if here and here.root == root == Path.cwd().resolve() and ":" not in name:
        return NamedProject(here, name)  # whatever tags there are, no other project is meant
    refs = (row.partition(" ")[2] for row in git.ask_for_tags(root)().text.splitlines())
    known = {parsed.artifact for each in refs if (parsed := grammar.parse(each))}
    full = full_name(root, known, name)
    if full in known:
        return NamedProject(project_of(root, full), full)
    folder, _, last = name.rpartition(":")
    for above in (*_folders(root), root) if folder else ():
        found = _at(above / folder, root) if (above / folder).is_dir() else None
        if found and found != here:
            return NamedProject(found, f"{(above / folder).relative_to(root).as_posix()}:{last}")
        if found:
            break
    return NamedProject(projects.find(), name)


def _at(folder: Path, root: Path) -> Project | None:
    """The project that holds a folder, if it is in one.

    Raises MlgitError in a repository within the repository, such as a submodule: its commits are not those of the tags here.
    """
    above = [each for each in (folder, *folder.parents) if each.is_relative_to(root)]
    other = next((each for each in above if each != root and (each / ".git").exists()), None)
    if other:
        name = other.relative_to(root).as_posix()
        raise MlgitError(f"'{name}' is a Git repository of its own, with a registry of its own", f"`cd {name}` first")
    found = next((each for each in above if (each / ".dvc").is_dir()), None)
    return Project(found, root) if found else None
