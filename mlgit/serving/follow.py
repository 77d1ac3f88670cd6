"""Follows the tags that say which version is served: asks the remote, believes no tag unchecked, and makes releases of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import tags
from mlgit.adapters.git.remote_tags import There
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import counterpart, grammar, policies, problems, read, state, tag_facts
from mlgit.registry.event import Event
from mlgit.registry.grammar import Reference
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.revision.revisions import Revisions
from mlgit.serving import release_folder, trusted_tags
from mlgit.serving.deployment import Deployment
from mlgit.serving.followed_remote import FETCHING, FollowedRemote
from mlgit.serving.release_store import ReleaseStore

# After how many seconds what went wrong is tried again, though no tag has changed: longer each time, up to the last.
_PAUSES = (0.0, 30.0, 60.0, 120.0, 300.0, 600.0)

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong with the tags as they were (`key`), how often, and when it may be tried again."""

    key: _Key
    error: MlgitError
    number: int
    until: float


@dataclass(frozen=True, slots=True)
class _Believed:
    """The tags of the artifact that was looked at, and what is wrong with them."""

    artifact: Artifact
    registry: Registry
    faults: tuple[TagFault, ...]


class TagFollower:
    """Says which releases are to be served by the tags of a model, and again whenever they say something else.

    `wanted` names the model and an environment, or a version. `note` hears what does not stop the serving. Calls block, and are
    made by one thread at a time.
    """

    def __init__(
        self,
        project: Project,
        wanted: Reference,
        *,
        remote: FollowedRemote,
        with_code: bool = False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.project = project
        self.wanted = wanted
        self._remote = remote
        self._store = ReleaseStore(project.own_folder / "serving" / "releases")
        self._with_code = with_code
        self._note = note
        self._last: Deployment | None = None
        self._settled: _Key = ()
        self._failed: _Failure | None = None
        self._told: dict[str, str] = {}

    def look(self, *, anew: bool = False) -> Deployment | None:
        """What is to be served now, if that is other than what was told last; None if it is the same.

        With `anew` it is told in any case, and looked at again whatever went wrong before.
        Raises MlgitError for tags that cannot be believed, bytes that cannot be had, and an environment without a version:
        then what is served stays. Unchanged, that is told again by every call, and tried again from time to time.
        """
        there = self._remote.ask()
        key = self._key(there)
        if not anew and self._failed and self._failed.key == key and time.monotonic() < self._failed.until:
            raise self._failed.error
        if not anew and key == self._settled:
            return None
        try:
            found = self._deployment(there)
        except MlgitError as error:
            self._fail(self._key(there), error)
            raise
        is_new, self._last = found != self._last, found
        return found if is_new or anew else None

    def keep(self, deployment: Deployment) -> None:
        """From now on only this is served: releases that no server uses any more are removed."""
        self._store.keep(each for each in (deployment.champion, deployment.canary, deployment.shadow) if each)

    def close(self) -> None:
        """Give up what is used; it stays for the next server."""
        self._store.close()

    def _key(self, there: There | None) -> _Key:
        """What decides: the tags of the model here and there, and both logs."""
        here, log = tags.names_and_log(self.project.git_root)
        mine = tuple((name, oid) for name, oid in here.items() if self._is_own(name))
        theirs = tuple((name, oid) for name, oid in there.tags.items() if self._is_own(name)) if there else None
        return mine, log, theirs, there.log if there else None

    def _is_own(self, ref: str) -> bool:
        name = grammar.parse(ref)
        return name is not None and name.artifact == self.wanted.artifact

    def _fail(self, key: _Key, error: MlgitError) -> None:
        number = self._failed.number + 1 if self._failed and self._failed.key == key else 0
        pause = _PAUSES[min(number, len(_PAUSES) - 1)]
        self._failed = _Failure(key, error, number, time.monotonic() + pause)

    def _deployment(self, there: There | None) -> Deployment:
        """The releases that the tags mean, made where they are missing."""
        is_level = there is None or self._remote.bring(there, self._is_own)
        believed = self._believed(there, is_level=is_level)
        with Revisions(self.project) as revisions:
            version = self._version(believed.registry)
            champion = self._release(revisions, believed, version, self.wanted.environment)
            serving = release_folder.settings_of(revisions.commit(version.commit, name=version.name), version.artifact)
            canary = serving.canary.environment if serving.canary and self.wanted.environment else ""
            shadow = serving.shadow if self.wanted.environment else ""
            trials = {each: self._trial(revisions, believed, each, beside=version) for each in (canary, shadow) if each}
        is_settled = is_level and not any(self._told.get(each) for each in trials)
        self._settled, self._failed = (self._key(there) if is_settled else ()), None
        share = serving.canary.share if serving.canary and trials.get(canary) else 0.0
        key = serving.canary.key if share and serving.canary else "request_id"
        return Deployment(champion, trials.get(canary), trials.get(shadow), share, key)

    def _believed(self, there: There | None, *, is_level: bool) -> _Believed:
        root = self.project.git_root
        found = read.tags(root)
        registry = state.fold(found.events, faults=found.faults)
        artifact = registry.artifact(self.wanted.artifact)
        published = read.published(root)
        faults = problems.of_artifact(root, registry, artifact.name, tags=found, published=published)
        if there:
            with nullcontext() if is_level else suppress(MlgitError):  # told already, where the log could not be fetched
                faults += counterpart.against(root, there, here=found.oids, patience=FETCHING).findings
        return _Believed(artifact, registry, tuple(faults))

    def _version(self, registry: Registry) -> Version:
        """The version that answers."""
        version = registry.resolve(self.wanted)
        if not version.is_active:
            name = f"{version.artifact}@{version.name}"
            raise MlgitError(f"{name} was withdrawn", f"`mlgit model history {version.artifact}` tells why")
        return version

    def _trial(self, revisions: Revisions, believed: _Believed, environment: str, *, beside: Version) -> Path | None:
        """The release of a canary or a shadow: None where there is nothing, or the same, or something that is wrong.

        That is told and does not hold up what answers: it may be the way back from an accident.
        """
        current = believed.artifact.current(environment)
        version = believed.artifact.version(current.version) if current else None
        version = None if version == beside else version
        trouble, place = "", None
        try:
            place = self._release(revisions, believed, version, environment) if version else None
        except MlgitError as error:
            trouble = f"'{environment}' is left out: {error.message}"
        if trouble and trouble != self._told.get(environment):
            self._note(trouble)
        self._told[environment] = trouble
        return place

    def _release(self, revisions: Revisions, believed: _Believed, version: Version, environment: str) -> Path:
        """The folder with a version, once its tags are believed."""
        trusted_tags.require(believed.artifact, version, environment=environment, faults=believed.faults)
        current = believed.artifact.current(environment) if environment else None
        event = current.event if current else version.event
        if current:
            self._require_signed(believed.artifact, event)
        said = tag_facts.read(version.event).model
        digest = (said.sha256 or said.md5) if said else version.commit
        name = f"{digest[:16]}-{event.oid[:12]}{'-code' if self._with_code else ''}"
        revision = revisions.commit(version.commit, name=version.name)

        def is_whole(folder: Path) -> bool:
            return release_folder.is_whole(folder, revision, version, event=event, with_code=self._with_code)

        def write(folder: Path) -> None:
            release_folder.write(revision, version, folder=folder, event=event, with_code=self._with_code)

        return self._store.place(name, is_whole=is_whole, write=write)

    def _require_signed(self, artifact: Artifact, event: Event) -> None:
        """Where the environment asks for signatures, the tag that decides has to bear one that Git trusts here."""
        ruling = policies.Policies(self.project.git_root).rulings(artifact).get(event.ref)
        if ruling is None or ruling.environment is None or not ruling.environment.signed:
            return
        signature = tags.verify(self.project.git_root, event.oid)
        if not signature.is_good:
            raise MlgitError(
                f"{event.ref}: '{event.name.environment}' asks for a signature, and this one is not trusted: "
                f"{signature.detail or 'not good'}",
                "who may sign: `git config gpg.ssh.allowedSignersFile`, or the keyring of GnuPG",
            )
