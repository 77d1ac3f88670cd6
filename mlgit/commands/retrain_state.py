"""What is known about a model in production before it is trained anew: its version, verdicts, rows, and pull requests."""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from mlgit.adapters.forge.forge import Pull
from mlgit.adapters.git import git, remote_refs, remote_tags
from mlgit.commands import ci_changes, places, policy_inputs
from mlgit.commands.clients import ConnectedForge
from mlgit.commands.model.open_registry import registry_of
from mlgit.commands.policy_inputs import InForce
from mlgit.errors import MlgitError
from mlgit.monitoring import chain, retrain_marker, triggers, verdict_refs
from mlgit.monitoring.chain import JudgedWindow
from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.monitoring.triggers import ClosedRetrain, RetrainDecision, RetrainFacts, RowGrowth
from mlgit.monitoring_settings import Monitoring
from mlgit.project import Project
from mlgit.registry import commit_facts, grammar, tag_facts
from mlgit.registry.facts import DataFile
from mlgit.registry.grammar import Reference
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.render.text import few
from mlgit.revision import fetching
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.tables import formats

_ORIGIN = "origin"
_LAST_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class ModelInProduction:
    """A released model as its environment has it, and how it is watched; `digest` tells its bytes from those of another."""

    name: str
    environment: str
    version: Version
    settings: Monitoring
    deciding: InForce
    digest: str

    @property
    def label(self) -> str:
        """How texts call it."""
        return f"{self.name}@{self.version.name}"

    @property
    def branch(self) -> str:
        """The branch from which its retraining is proposed."""
        return retrain_marker.branch(self.name)

    def marker(self, decision: RetrainDecision) -> RetrainMarker:
        """The mark of the pull request that a decision leads to."""
        kinds = tuple(dict.fromkeys(each.kind for each in decision.fired))
        return RetrainMarker(self.name, self.version.name, self.digest, kinds)


@dataclass(frozen=True, slots=True)
class RetrainPulls:
    """The pull requests from the branch of a retraining, in the repository's own name: the open one, and closed ones."""

    open: Pull | None = None
    closed: tuple[ClosedRetrain, ...] = ()


class WindowsOfVersion(NamedTuple):
    """Verdicts about a version, and what hindered to know all of them."""

    windows: tuple[JudgedWindow, ...] = ()
    notes: tuple[str, ...] = ()


def project_of(word: str) -> Project:
    """The project that NAME or NAME#ENVIRONMENT is about."""
    return places.place(word).project


def in_production(revisions: Revisions, word: str) -> ModelInProduction:
    """The version that an environment has of NAME or NAME#ENVIRONMENT, and how the default branch says that it is watched.

    Raises MlgitError where no version is there.
    """
    root = revisions.project.git_root
    registry = registry_of(root)
    wanted = grammar.reference(word)
    if wanted.version:
        raise MlgitError(f"'{word}': a version is not trained anew, a model is", f"name the model: `{wanted.artifact}`")
    artifact = registry.artifact(places.full_name(root, registry.artifacts, wanted.artifact))
    deciding = policy_inputs.in_force(revisions, artifact.events[-1].commit if artifact.events else revisions.head)
    settings = _settings(deciding, artifact.name)
    environment = wanted.environment or settings.environment or _only_environment(artifact)
    version = registry.resolve(Reference(artifact.name, environment=environment))
    return ModelInProduction(artifact.name, environment, version, settings, deciding, _digest(version))


def with_triggers(revisions: Revisions) -> list[str]:
    """The models for which the default branch declares `triggers:`, as tags have their names."""
    registry = registry_of(revisions.project.git_root)
    declared = policy_inputs.in_force(revisions, revisions.head).config.monitorings
    return [_known(name, registry, revisions.project) for name, each in declared.items() if each.triggers.are_declared]


def decide(
    revisions: Revisions, model: ModelInProduction, judged: WindowsOfVersion, pulls: RetrainPulls, *, reason: str = ""
) -> RetrainDecision:
    """Whether the model is to be trained anew, by everything that its triggers ask for; `reason` is that of a person."""
    wanted = model.settings.triggers
    rule = next((each for each in model.deciding.config.gates.rules if each.id == wanted.metric), None)
    facts = RetrainFacts(
        digest=model.digest,
        registered=_moment(model.version.event.time),
        now=datetime.datetime.now(datetime.UTC),
        windows=judged.windows,
        metric=rule.metric if rule else "",
        growth=_growth(revisions, model) if wanted.new_rows is not None else None,
        open_pull=pulls.open.number if pulls.open else 0,
        closed=pulls.closed,
        manual=reason,
    )
    found = triggers.decide(wanted, facts)
    return replace(found, notes=(*found.notes, *judged.notes))


def windows(revisions: Revisions, model: ModelInProduction, *, remote: str = _ORIGIN) -> WindowsOfVersion:
    """The verdicts about windows of this version, the oldest first: those of the remote, and those of this clone behind them.

    What the remote has is fetched without moving a ref here: the job that judged may have been another.
    """
    root, ref = revisions.project.git_root, chain.ref_of(model.name, model.environment)
    there, note = "", ""
    if remote in remote_tags.remotes(root):
        try:
            there = remote_refs.bring(root, remote, ref)
        except MlgitError as error:
            note = f"verdicts of '{remote}' are not known: {error.message}"
    here = verdict_refs.tip(root, ref)
    is_behind = bool(there) and (not here or git.is_ancestor(root, here, there))
    found = verdict_refs.load(root, ref, commit=there if is_behind else here)
    mine = tuple(each for each in found.timeline if each.verdict.version == model.version.name)
    return WindowsOfVersion(mine, (note,) if note else ())


def pulls(forge: ConnectedForge, model: ModelInProduction, *, branch: str = "") -> RetrainPulls:
    """What the forge has from a branch (default: the model's); branches of the same name in forks are somebody else's.

    Raises HttpError.
    """
    branch, repository = branch or model.branch, forge.repository.lower()
    cooldown = datetime.timedelta(days=model.settings.triggers.cooldown)
    since = datetime.datetime.now(datetime.UTC) - cooldown
    mine = [each for each in forge.client.pulls(branch=branch) if each.head_repository.lower() == repository]
    closed = [
        ClosedRetrain(each.number, each.closed, each.is_merged, retrain_marker.parse(each.body))
        for each in forge.client.closed_pulls(branch=branch, since=since)
        if each.head_repository.lower() == repository
    ]
    return RetrainPulls(min(mine, key=lambda each: each.number, default=None), tuple(closed))


def _settings(deciding: InForce, name: str) -> Monitoring:
    config, local = deciding.config, name.rpartition(":")[2]
    return config.monitoring(next((each for each in (name, local) if each in config.monitorings), local))


def _known(declared: str, registry: Registry, project: Project) -> str:
    """The full name of a model that mlgit.yaml of a project declares."""
    folder = project.prefix.rstrip("/")
    local = declared.rpartition(":")[2]
    names = [declared, f"{folder}:{local}" if folder else local]
    return next((each for each in names if each in registry.artifacts), declared)


def _only_environment(artifact: Artifact) -> str:
    known = list(artifact.environments)
    if len(known) == 1:
        return known[0]
    told = f"environments with a version of it: {few(known)}" if known else "no environment has a version of it"
    raise MlgitError(
        f"'{artifact.name}': it is not known which environment is watched; {told}",
        f"name one: `{artifact.name}#ENVIRONMENT`, or `environment:` in `monitoring:` of mlgit.yaml",
    )


def _moment(seconds: int) -> datetime.datetime:
    """A tag may name a time that no calendar has."""
    return datetime.datetime.fromtimestamp(min(max(seconds, 0), _LAST_TIME), datetime.UTC)


def _digest(version: Version) -> str:
    model = tag_facts.read(version.event).model
    return f"md5:{model.md5}" if model else version.commit


def _growth(revisions: Revisions, model: ModelInProduction) -> RowGrowth:
    """The rows of the data that the workspace is trained with, beside those of the version.

    Of what no stage makes, if there is any. What is missing here is fetched from the DVC remote.
    """
    there = revisions.commit(model.version.commit, name=model.version.name)
    try:
        now = _data(revisions.workspace, model, pull=ci_changes.has_remote(revisions))
        known = {each.path: each for each in tag_facts.read(model.version.event).data}
        paths = _compared(revisions.workspace, now)
        if not all(path in known and known[path].rows is not None for path in paths):
            known |= {each.path: each for each in _data(there, model, pull=ci_changes.has_remote(revisions))}
    except MlgitError as error:
        return RowGrowth(trouble=error.message)
    if not paths:
        return RowGrowth(trouble="no table of training data is declared; `train:` of the model in mlgit.yaml names it")
    rows = {each.path: each.rows for each in now}
    sides = [(path, rows[path], known[path].rows if path in known else 0) for path in paths]
    lost = [path for path, *both in sides if None in both]
    if lost:
        return RowGrowth(trouble=f"the rows of {few(lost)} cannot be counted; `mlgit pull` brings what is missing")
    return RowGrowth(sum(each[1] or 0 for each in sides), sum(each[2] or 0 for each in sides))


def _data(revision: Revision, model: ModelInProduction, *, pull: bool) -> tuple[DataFile, ...]:
    found = commit_facts.collect(revision, model.name, rows=False).data
    if pull:
        fetching.fetch(revision, [each.path for each in found])
    return commit_facts.collect(revision, model.name).data


def _compared(revision: Revision, data: Iterable[DataFile]) -> list[str]:
    """The paths whose rows are counted: data for training that no stage makes, else all that no stage makes, else the rest."""
    tables = [each for each in data if each.role in ("train", "source") and formats.of(each.path) and each.n_files is None]
    given = {each.path for each in tables if not any(stage.cmd for stage in revision.makers.of(posixpath.normpath(each.path)))}
    trained = [each.path for each in tables if each.role == "train"]
    wanted = [path for path in trained if path in given] or [each.path for each in tables if each.path in given] or trained
    return sorted(wanted)
