"""The registry of this repository as its tags say, and how a word becomes an artifact or a version of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mlgit.commands import places
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.registry import event_cache, grammar, read, state
from mlgit.registry.read import Tags
from mlgit.registry.state import Artifact, Registry, Version

Asked = read.Asked


class OpenedRegistry(NamedTuple):
    """The registry as this clone's tags say, and the repository's root."""

    root: Path
    tags: Tags
    registry: Registry

    def artifact(self, word: str) -> tuple[Artifact, grammar.Reference]:
        """The artifact that a word is about, and the word taken apart, with the artifact's full name.

        A name may be told as seen from the current folder. Raises MlgitError for an artifact without tags.
        """
        wanted = grammar.reference(word)
        name = places.full_name(self.root, self.registry.artifacts, wanted.artifact)
        return self.registry.artifact(name), wanted._replace(artifact=name)


def open_registry(
    *, at: int | None = None, anew: bool = False, asked: Asked | None = None, note: Note = unheard
) -> OpenedRegistry:
    """The registry of the repository that holds the current folder; with `at` as it was then.

    With `anew` every tag is read from Git, whatever earlier commands kept. `asked` is what `git.ask_for_tags` gave. `note`
    is told where tags may be missing.
    """
    root = read.root_of(Path.cwd())
    known = {} if anew else event_cache.load(root)
    tags = read.tags(root, asked=asked, known=known)
    event_cache.save(root, tags.events, known)
    if not read.is_complete(root):
        note("this clone is shallow and may lack tags; `git fetch --tags --unshallow` brings them")
    elif not tags.events:
        note("this clone has no tag of a model; if there should be some, `git fetch --tags` brings them")
    return OpenedRegistry(root, tags, state.fold(tags.events, at=at, faults=tags.faults))


def registry_of(root: Path, *, at: int | None = None) -> Registry:
    """The registry as the tags of a repository say."""
    return state.fold(read.load(root), at=at)


def version_of(root: Path, registry: Registry, text: str) -> Version:
    """The version that a word means; a name seen from the current folder will do.

    Raises MlgitError where there is none, and for one without a tag of its own.
    """
    wanted = grammar.reference(text)
    artifact = places.full_name(root, registry.artifacts, wanted.artifact)
    version = registry.resolve(grammar.Reference(artifact, wanted.version, wanted.environment))
    if not version.is_registered:
        raise MlgitError(
            f"'{text}': commit {version.commit[:10]} has no registered version",
            f"`mlgit model register {artifact} {version.commit[:10]}`",
        )
    return version


def artifact_called(root: Path, registry: Registry, name: str) -> Artifact:
    """The artifact of this name, as seen from the current folder. Raises MlgitError for one without tags."""
    return registry.artifact(places.full_name(root, registry.artifacts, name))
