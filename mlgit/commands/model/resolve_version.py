"""From what a user types to a version: by name, or by a file or digest that belongs to one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.modelscan import modelfile
from mlgit.commands import places
from mlgit.commands.model.open_registry import registry_of, version_of
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import commit_facts, git_provenance, grammar, read, tag_facts
from mlgit.registry.facts import Facts, ModelFile
from mlgit.registry.state import Registry, Version
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

_DIGEST = re.compile(r"[0-9a-f]{32}(?:\.dir)?|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ResolvedVersion:
    """A version in its project and registry; `matched` says what a file or digest turned out to be."""

    revisions: Revisions
    registry: Registry
    version: Version
    matched: str = ""

    @property
    def project(self) -> Project:
        return self.revisions.project

    @property
    def revision(self) -> Revision:
        """The version's commit."""
        return self.revisions.commit(self.version.commit, name=self.version.name)

    @property
    def name(self) -> str:
        """The version as commands take it."""
        return f"{self.version.artifact}@{self.version.name}"


def find(text: str, *, at: int | None = None) -> ResolvedVersion:
    """The version that NAME, NAME@VERSION or NAME#ENVIRONMENT means, at a moment (seconds since 1970) or now.

    Raises MlgitError where there is none, and for a commit that was put into an environment without a version.
    """
    root, registry, version = _resolved(text, at=at)
    return ResolvedVersion(Revisions(places.project_of(root, version.artifact)), registry, version)


def identify(text: str) -> tuple[Version, ModelFile]:
    """The same with its model's file, as the tag records it: a project is needed only where the tag does not."""
    version = _resolved(text)[2]
    said = tag_facts.read(version.event).model
    return version, said if said and said.sha256 else model_of(find(text))


def _resolved(text: str, *, at: int | None = None) -> tuple[Path, Registry, Version]:
    root = read.root_of(Path.cwd())
    registry = registry_of(root, at=at)
    artifact = places.full_name(root, registry.artifacts, grammar.reference(text).artifact)
    if at is not None and artifact not in registry.artifacts:
        hint = f"`mlgit model history {artifact}` tells since when there is something"
        raise MlgitError(f"'{text}': nothing of it was registered at that time", hint)
    return root, registry, version_of(root, registry, text)


def model_of(found: ResolvedVersion) -> ModelFile:
    """The model's file as the version's tag records it, else as its commit does.

    Raises MlgitError where neither does.
    """
    said = tag_facts.read(found.version.event).model
    if said and said.sha256:
        return said
    model = facts_of(found, rows=False).model
    if not model.md5:
        raise MlgitError(f"{found.name}: its commit records no model", "only what was run before it was registered can be had")
    return model


def facts_of(found: ResolvedVersion, *, rows: bool = True) -> Facts:
    """What the version's commit says.

    Raises MlgitError, naming version and commit, when that cannot be read: mending the workspace would not help.
    """
    try:
        return commit_facts.collect(found.revision, found.version.artifact, rows=rows)
    except MlgitError as error:
        where = f"{found.name} (commit {found.version.commit[:10]})"
        hint = "its commit is as it is; `mlgit model register` makes a version of another"
        raise MlgitError(f"{where}: {error.message}", hint) from error


def find_content(text: str) -> ResolvedVersion | None:
    """The newest version that a file or folder, or a digest, belongs to; None where there is none.

    Raises MlgitError for a word that is neither.
    """
    root = read.root_of(Path.cwd())
    if _DIGEST.fullmatch(text):
        wanted, asked = {text}, "digest"
    elif Path(text).exists():
        md5, sha256, _ = modelfile.identify(Path(text))
        wanted, asked = {md5, sha256}, "content"
    else:
        raise MlgitError(
            f"'{text}': no model, no file and no digest",
            "name a version (churn@v1.2.0, churn#prod), a file, an md5 or a sha256",
        )
    registry = registry_of(root)
    versions = _newest_first(registry)
    for look, among in ((_recorded, versions), (_committed, _candidates(root, versions, wanted))):
        hits = [(version, what) for version in among if (what := look(root, version, wanted))]
        if hits:
            return ResolvedVersion(
                Revisions(places.project_of(root, hits[0][0].artifact)), registry, hits[0][0], _told(hits, asked)
            )
    return None


def _candidates(root: Path, versions: list[Version], wanted: set[str]) -> list[Version]:
    """Those whose commit is worth reading: a lock in it names the digest, or the tag has no facts."""
    naming = git_provenance.commits_naming(root, [version.commit for version in versions], wanted)
    return [version for version in versions if version.commit in naming or tag_facts.read(version.event).model is None]


def is_content(text: str) -> bool:
    """Whether a word is to be taken for a file or a digest, not for a name; a model's name comes before a file's."""
    if _DIGEST.fullmatch(text):
        return True
    if "@" in text or "#" in text or not Path(text).exists():
        return False
    root = read.root_of(Path.cwd())
    known = registry_of(root).artifacts
    return places.full_name(root, known, text) not in known


def _newest_first(registry: Registry) -> list[Version]:
    versions = [version for artifact in registry.artifacts.values() for version in artifact.versions if version.is_registered]
    return sorted(versions, key=lambda version: (version.event.time, version.event.ref), reverse=True)


def _recorded(root: Path, version: Version, wanted: set[str]) -> str:
    """What the digest is to a version, by the version's tag; '' for nothing."""
    said = tag_facts.read(version.event)
    rows = [("the model", (said.model.md5, said.model.sha256))] if said.model else []
    rows += [("the predictions", (each.md5, "")) for each in said.prediction_files]
    rows += [(_noun(each.role, each.path), (each.md5, "")) for each in said.data]
    return next((what for what, digests in rows if wanted & ({*digests} - {""})), "")


def _committed(root: Path, version: Version, wanted: set[str]) -> str:
    """The same by the version's commit, for tags that do not tell everything."""
    try:
        revisions = Revisions(places.project_of(root, version.artifact))
        facts = commit_facts.collect(revisions.commit(version.commit), version.artifact, rows=False)
    except MlgitError:
        return ""
    rows = [("the model", {facts.model.md5, facts.model.sha256})]
    rows += [("the predictions", {each.md5}) for each in facts.prediction_files]
    rows += [(_noun(each.role, each.path), {each.md5}) for each in facts.data]
    rows += [(f"'{path}', written by stage '{step.name}',", {md5}) for step in facts.steps for path, md5 in step.outs.items()]
    return next((what for what, digests in rows if wanted & (digests - {""})), "")


def _noun(role: str, path: str) -> str:
    nouns = {"train": "the training data", "test": "the test data", "source": "the raw data"}
    return f"{nouns.get(role, 'data')} '{path}'"


def _told(hits: list[tuple[Version, str]], asked: str) -> str:
    names = [f"{version.artifact}@{version.name}" for version, _ in hits]
    others = f" (and belongs to {', '.join(names[1:6])} too)" if len(names) > 1 else ""
    return f"{hits[0][1]} of {names[0]}, by its {asked}{others}"
