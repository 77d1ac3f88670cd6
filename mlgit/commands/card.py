"""Cards as commands need them: what a commit's or the workspace's card has to be, and how the one that is there differs."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlgit.adapters.git import git
from mlgit.cards import card as cards
from mlgit.cards import frontmatter, write
from mlgit.cards.card import Card
from mlgit.cards.changes import changes
from mlgit.cards.material import Material, Replaced
from mlgit.cards.review import CardGap
from mlgit.commands import picked_trials
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.registry import commit_facts, read, state
from mlgit.registry.facts import Facts
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class Examination:
    """How a card stands: the one that has to be, and how the one that is there differs.

    `differing` are files that are not what they have to be, `changed` the inputs that are others than those the card was
    made from.
    """

    material: Material
    card: Card
    found: write.Found
    differing: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        return self.card.path in self.found.files

    @property
    def is_fresh(self) -> bool:
        """Whether it is the card of today, and every section was read for the training data of today."""
        return not self.differing and not any(gap.state == "needs review" for gap in self.gaps)

    @property
    def is_complete(self) -> bool:
        """Whether it is fresh and lacks nothing that its profile asks for."""
        return self.is_fresh and not self.gaps

    @property
    def status(self) -> Literal["missing", "stale", "fresh", "complete"]:
        """How it stands, in one word."""
        if not self.is_there:
            return "missing"
        if not self.is_fresh:
            return "stale"
        return "complete" if self.is_complete else "fresh"

    @property
    def gaps(self) -> tuple[CardGap, ...]:
        return self.card.gaps


def examine(revisions: Revisions, name: str, *, commit: str = "", anew: bool = False) -> Examination:
    """Make the card of an artifact in memory, for a commit (its full id) or the workspace, and compare it with what is there.

    The model is compared with the version that the card there says it replaces, so that later tags change nothing; `anew`
    asks for the last version in the history of HEAD. A commit's card of another layout, made by an older mlgit, is judged by
    the digests in it.
    Raises MlgitError where a card cannot be made: stages are stale, or bytes it needs are not at hand.
    """
    revision = revisions.commit(commit)
    facts = commit_facts.collect(revision, name)
    _require_recorded(facts)
    model = model_of(revision.config, facts, prefix=revisions.project.prefix)
    _require_places(model, revision.config)
    found = write.find(revision, model)
    before = latest_replaced(revisions, facts, config=revision.config) if anew else None
    before = before or _named(revisions, facts.artifact, found.own)
    picked = _picked(revisions, revision, facts, found.own, anew=anew)
    material = write.material(revision, facts, model=model, replaced=before, picked=picked)
    card = cards.build(material)
    changed, differing = tuple(_changed(card, found)), _differing(card, found)
    if commit and not changed and frontmatter.is_of_another_layout(found.own):
        differing = ()
    return Examination(material, card, found, differing, changed)


def model_of(config: Config, facts: Facts, *, prefix: str) -> Model:
    """What mlgit.yaml declares for an artifact, under the name seen from the project or the full one."""
    return model_named(config, facts.artifact, prefix=prefix)


def model_named(config: Config, artifact: str, *, prefix: str) -> Model:
    """What mlgit.yaml declares for an artifact of this full name; `prefix` is the project's folder in the repository."""
    if artifact in config.models:
        return config.models[artifact]
    folder, _, name = artifact.rpartition(":")
    inner = f"{folder}/".removeprefix(prefix).rstrip("/")
    return config.model(f"{inner}:{name}" if inner else name)


def latest_replaced(revisions: Revisions, facts: Facts, *, config: Config) -> Replaced | None:
    """The highest registered version in the history of HEAD that differs in what is recorded; None without one."""
    root = revisions.project.git_root
    if not revisions.head:
        return None
    artifact = state.fold(read.load(root)).artifacts.get(facts.artifact)
    for version in reversed(artifact.versions if artifact else ()):
        if version.is_registered and git.is_ancestor(root, version.commit, "HEAD"):
            found = replaced(revisions, facts.artifact, version=version.name, commit=version.commit)
            if changes(found.facts, facts, config=config):
                return found
    return None


def _require_places(model: Model, config: Config) -> None:
    for key, path in (("notes", model.card.notes), ("out", model.card.out)):
        if not recorded_paths.is_inside(posixpath.normpath(path)) or posixpath.normpath(path) != path:
            raise MlgitError(
                f"mlgit.yaml: models.{model.name}.card.{key}: '{path}' is not a path inside the project",
                f"write one like cards/{model.name}.{'md' if key == 'out' else 'yaml'}",
            )
    others = [each.name for each in config.models.values() if each.name != model.name and each.card.out == model.card.out]
    if others:
        raise MlgitError(f"mlgit.yaml: models.{model.name}.card.out: already used by model '{others[0]}'", "give each its own")
    if model.card.notes == model.card.out:
        raise MlgitError(f"mlgit.yaml: models.{model.name}.card: notes and out are the same file", "name two files")


def _require_recorded(facts: Facts) -> None:
    if facts.stale:
        raise MlgitError(
            f"stale: {', '.join(facts.stale)}; a card would describe what was not run", "`mlgit run` brings it up to date"
        )
    if not facts.model.md5 or facts.model.path in facts.missing:
        raise MlgitError(f"{facts.model.path}: the model is not here", "`mlgit run` makes it, `dvc pull` fetches it")


def _picked(revisions: Revisions, revision: Revision, facts: Facts, own: Mapping[str, Any], *, anew: bool) -> tuple[str, ...]:
    """Which trial the model is. What a card says of this very model holds although a squash took the message away."""
    said, model = own.get("picked"), own.get("model")
    is_same = isinstance(model, Mapping) and model.get("md5") == facts.model.md5
    kept = tuple(each for each in said if isinstance(each, str)) if is_same and isinstance(said, (list, tuple)) else ()
    if kept and not anew:
        return kept
    return picked_trials.of_model(revisions, revision, facts.model.path, facts.model.md5) or kept


def _named(revisions: Revisions, artifact: str, own: Mapping[str, Any]) -> Replaced | None:
    """The version that a card says it replaces."""
    said = own.get("replaces")
    if not isinstance(said, Mapping) or not {"version", "commit"} <= said.keys():
        return None
    return replaced(revisions, artifact, version=str(said["version"]), commit=str(said["commit"]))


def replaced(revisions: Revisions, artifact: str, *, version: str, commit: str) -> Replaced:
    """A version that was there before, with the facts of its commit.

    Raises MlgitError when the commit is not in this clone.
    """
    try:
        resolved = revisions.resolve(commit)
    except MlgitError as error:
        raise MlgitError(
            f"the card compares with {artifact}@{version}, whose commit {commit[:10]} is not in this clone",
            "`git fetch --unshallow --tags` completes a shallow clone",
        ) from error
    return Replaced(version, resolved, commit_facts.collect(revisions.commit(resolved), artifact))


def _differing(card: Card, found: write.Found) -> tuple[str, ...]:
    there = {path: text.encode() for path, text in card.files.items()}
    paths = dict.fromkeys([*there, *found.files])
    return tuple(path for path in paths if there.get(path) != found.files.get(path))


def _changed(card: Card, found: write.Found) -> list[str]:
    return frontmatter.changed_inputs(found.own, card.inputs) if found.own else []


def judged_by(examined: Examination, profile: str) -> Examination:
    """The same card judged by another profile; its bytes are still those of its own."""
    judged = replace(examined.material, model=replace(examined.material.model, card=_with(examined, profile)))
    return replace(examined, card=replace(examined.card, gaps=cards.build(judged).gaps))


def _with(examined: Examination, profile: str) -> Any:
    return replace(examined.material.model.card, profile=profile)
