"""Finds whether the registry's tags are what was written, and what policy asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit.adapters.git import remote_tags
from mlgit.commands import places, policy_inputs
from mlgit.commands.model.good_signatures import GoodSignatures
from mlgit.commands.model.open_registry import open_registry
from mlgit.commands.model.registry_rows import override
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.registry import counterpart, policies, problems, publish, read, tag_facts
from mlgit.registry.counterpart import Compared
from mlgit.registry.event import Event
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The models that were looked at, what is wrong with their tags or bytes, and what could not be looked at.

    `compared_with` is the remote that the tags were compared with, '' for none; `notes` tell of that comparison.
    """

    artifacts: tuple[Artifact, ...]
    findings: tuple[TagFault, ...]
    unanswered: tuple[str, ...] = ()
    compared_with: str = ""
    notes: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event that was looked at."""
        return tuple(event for artifact in self.artifacts for event in artifact.events)

    @property
    def overridden(self) -> tuple[Event, ...]:
        """The events that were written against policy."""
        return tuple(event for event in self.events if override(event))

    @property
    def exit_code(self) -> int:
        """Yes where all is as it was written; it cannot be told where not all could be looked at."""
        if self.findings:
            return errors.EXIT_NO
        return errors.EXIT_CANNOT_ANSWER if self.unanswered else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [
            {"kind": each.kind, "tag": each.ref, "artifact": each.artifact, "message": each.message, "hint": each.hint}
            for each in self.findings
        ]
        return {
            "schema": 1,
            "sound": not self.findings and not self.unanswered,
            "tags": len(self.events),
            "compared_with": self.compared_with or None,
            "unanswered": list(self.unanswered),
            "findings": rows,
            "overrides": [
                {"tag": each.ref, "artifact": each.name.artifact, "by": each.email, "reason": override(each)}
                for each in self.overridden
            ],
            "notes": list(self.notes),
        }


def verify(
    name: str | None = None, *, remote: str = "", offline: bool = False, deep: bool = False, note: Note = unheard
) -> VerifyResult:
    """Check the tags of one model or of all: chain, log, remote, policy, signatures, and the bytes of what is in use.

    They are compared with `remote`, without it with origin or the only one, or with none when `offline`. With `deep` bytes
    are read and hashed.
    """
    found = open_registry(anew=True, note=note)
    if not offline:  # where tags are missing, "all as written" would be no answer
        publish.require_complete(found.root, remote or "origin")
    compared = Compared(published=tuple(read.published(found.root)))
    if not offline:
        compared = counterpart.compare(found.root, here=found.tags.oids, remote=remote)
    artifacts = [found.artifact(name)[0]] if name else list(found.registry.artifacts.values())
    if name:
        wrong = problems.of_artifact(
            found.root, found.registry, artifacts[0].name, tags=found.tags, published=compared.published
        )
    else:
        wrong = problems.find(found.root, rows=compared.published)
    told = {(each.kind, each.ref) for each in wrong}
    wrong += [each for each in compared.findings if _concerns(each, name, artifacts) and (each.kind, each.ref) not in told]
    is_shallow = remote_tags.is_shallow(found.root)
    wrong += [] if is_shallow else policies.judge(found.root, artifacts, published=compared.published)
    wrong += _signatures(found.root, [event for artifact in artifacts for event in artifact.events])
    looked, unasked = _look_for_bytes(found.root, artifacts, deep=deep)
    if None in looked:
        note("the bytes of models that are in no DVC project here were not looked for")
    wrong += [each for rows in looked for each in rows or ()]
    unanswered = [f"not compared with '{compared.remote}': {compared.trouble}"] if compared.trouble else []
    unanswered += unasked
    if offline and not any(artifact.events for artifact in artifacts):
        unanswered.append("this clone has no tag of a model, and no remote was asked for any (--offline)")
    unanswered += ["promotions not held against policy: this clone is shallow"] if is_shallow else []
    compared_with = "" if compared.trouble else compared.remote
    return VerifyResult(tuple(artifacts), tuple(wrong), tuple(unanswered), compared_with, tuple(compared.notes))


def _concerns(finding: TagFault, name: str | None, artifacts: list[Artifact]) -> bool:
    """Whether a finding is about what was asked; one about the log is about every model."""
    return not name or finding.artifact in ("", artifacts[0].name)


def _look_for_bytes(root: Path, artifacts: list[Artifact], *, deep: bool) -> tuple[list[list[TagFault] | None], list[str]]:
    """What `_bytes` finds for each model; and why the DVC remote could not say, which ends the search."""
    looked: list[list[TagFault] | None] = []
    for artifact in artifacts:
        try:
            looked.append(_bytes(root, artifact, deep=deep))
        except MlgitError as error:
            return looked, [f"{error.message} ({error.hint})"]
    return looked, []


def _bytes(root: Path, artifact: Artifact, *, deep: bool) -> list[TagFault] | None:
    """Versions in use, or the latest, whose bytes are nowhere or damaged, or whose tag says another digest than their commit.

    Older ones are what `mlgit model audit` looks at. None where its project is not here.
    Raises MlgitError where the DVC remote could not be asked for what is not here.
    """
    try:
        revisions = Revisions(places.project_of(root, artifact.name))
    except MlgitError:
        return None
    used = {stack[-1].version for stack in artifact.environments.values()} | (
        {artifact.latest.name} if artifact.latest else set()
    )
    wrong = []
    for version in (each for each in artifact.versions if each.name in used and each.is_registered):
        label = f"{artifact.name}@{version.name}"
        facts, said = policy_inputs.facts_of(revisions, version), tag_facts.read(version.event).model
        if facts and said and facts.model.md5 and said.md5 != facts.model.md5:
            message = f"it says that the model is {said.md5[:10]}, and its commit says {facts.model.md5[:10]}"
            wrong.append(TagFault("digest", version.event.ref, message, f"`mlgit model audit {label}`", artifact.name))
        fault = policy_inputs.fault_of_bytes(revisions, version, read=deep) if facts or said else None
        wrong += [fault] if fault else []
    return wrong


def _signatures(root: Path, events: list[Event]) -> list[TagFault]:
    """Signatures that are not good."""
    kept = GoodSignatures(root)
    wrong = []
    for event in (each for each in events if each.is_signed):
        trouble = kept.trouble(event)
        if trouble:
            hint = "see `git verify-tag`, and who may sign: `git config gpg.ssh.allowedSignersFile`"
            wrong.append(
                TagFault("signature", event.ref, f"its signature is not trusted: {trouble}", hint, event.name.artifact)
            )
    kept.save()
    return wrong
