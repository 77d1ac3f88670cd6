"""`mlgit model verify`: whether the registry's tags are what was written, and what policy asked."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.git import remote_tags, tags
from mlgit.adapters.system import state_files
from mlgit.cli.error_boundary import note
from mlgit.cli.model import reading
from mlgit.cli.model.reading import Reading
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import places, policy_inputs, registry_problems
from mlgit.errors import MlgitError
from mlgit.registry import counterpart, policies, publish, read, recorded
from mlgit.registry.chain import Finding
from mlgit.registry.counterpart import Compared
from mlgit.registry.event import Event
from mlgit.registry.state import Artifact
from mlgit.render.text import count, plain
from mlgit.revision.revisions import Revisions


@click.command(
    epilog="Examples: `mlgit model verify`, `mlgit model verify churn --json`.",
    short_help="Find moved, deleted, forked, backdated and unsigned tags, and promotions past policy.",
)
@click.argument("name", required=False)
@click.option("--remote", default="", metavar="NAME", help="Compare with this remote; without it with origin, or the only one.")
@click.option("--offline", is_flag=True, help="Look at this clone alone, and compare with no remote.")
@click.option("--deep", is_flag=True, help="Read the bytes of what is in use, at the DVC remote too, and hash them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@timeout_option()
def command(name: str | None, *, remote: str, offline: bool, deep: bool, as_json: bool) -> int:
    """Check the chain of every model's tags (or NAME's) against one another, against the log of what was published and
    against the remote; whether every promotion shows what the mlgit.yaml of the default branch asked; signatures; and
    whether the bytes of what is in use can be had and are those recorded: by what the DVC remote tells of their size and
    md5, or, with --deep, by reading them.

    Exit code 0 when all is as it was written, 1 when something is not, 2 when it could not be compared with the remote, or
    the DVC remote could not be asked.
    """
    if remote and offline:
        raise click.UsageError("--offline compares with no remote: leave out one of the two")
    found = reading.registry(anew=True)
    if not offline:  # where tags are missing, "all as written" would be no answer
        publish.require_complete(found.root, remote or "origin")
    compared = Compared(published=tuple(read.published(found.root)))
    if not offline:
        compared = counterpart.compare(found.root, here=found.tags.oids, remote=remote)
    artifacts = [reading.artifact_named(found, name)[0]] if name else list(found.registry.artifacts.values())
    if name:
        wrong = registry_problems.of_artifact(
            found.root, found.registry, artifacts[0].name, tags=found.tags, published=compared.published
        )
    else:
        wrong = registry_problems.find(found.root, rows=compared.published)
    told = {(each.kind, each.ref) for each in wrong}
    wrong += [each for each in compared.findings if _concerns(each, name, artifacts) and (each.kind, each.ref) not in told]
    is_shallow = remote_tags.is_shallow(found.root)
    wrong += [] if is_shallow else policies.judge(found.root, artifacts)
    wrong += _signatures(found, [event for artifact in artifacts for event in artifact.events])
    looked, unasked = _look_for_bytes(found.root, artifacts, deep=deep)
    if None in looked:
        note("the bytes of models that are in no DVC project here were not looked for")
    wrong += [each for rows in looked for each in rows or ()]
    unanswered = [f"not compared with '{compared.remote}': {compared.trouble}"] if compared.trouble else []
    unanswered += unasked
    if offline and not any(artifact.events for artifact in artifacts):
        unanswered.append("this clone has no tag of a model, and no remote was asked for any (--offline)")
    unanswered += ["promotions not held against policy: this clone is shallow"] if is_shallow else []
    _show(artifacts, wrong, unanswered, compared, offline=offline, as_json=as_json)
    if wrong:
        return errors.EXIT_NO
    return errors.EXIT_CANNOT_ANSWER if unanswered else errors.EXIT_YES


def _concerns(finding: Finding, name: str | None, artifacts: list[Artifact]) -> bool:
    """Whether a finding is about what was asked; one about the log is about every model."""
    return not name or finding.artifact in ("", artifacts[0].name)


def _show(
    artifacts: list[Artifact], wrong: list[Finding], unanswered: list[str], compared: Compared, *, offline: bool, as_json: bool
) -> None:
    events = [event for artifact in artifacts for event in artifact.events]
    overridden = [event for event in events if reading.override(event)]
    if as_json:
        click.echo(json.dumps(_document(events, overridden, wrong, unanswered, compared), indent=2))
        return
    for each in wrong:
        click.echo(f"{plain(each.ref)}: {each.kind}: {plain(each.message)}")
        click.echo(f"  {plain(each.hint)}")
    for event in overridden:
        click.echo(f"{plain(event.ref)}: POLICY OVERRIDDEN by {plain(event.author)}: {plain(reading.override(event))}")
    for told in compared.notes:
        click.echo(f"note: {plain(told)}")
    for trouble in unanswered:
        click.echo(plain(trouble))
    if wrong:
        said = count(len(wrong), "finding")
    else:
        said = "nothing wrong found, but not all could be looked at" if unanswered else "all as written"
    place = f", compared with '{compared.remote}'" if compared.remote and not compared.trouble else ""
    place = ", compared with no remote (--offline)" if offline else place
    click.echo(f"{said}: {count(len(events), 'tag')} of {count(len(artifacts), 'model')}{plain(place)}")


def _document(
    events: list[Event], overridden: list[Event], wrong: list[Finding], unanswered: list[str], compared: Compared
) -> dict[str, object]:
    rows = [
        {"kind": each.kind, "tag": each.ref, "artifact": each.artifact, "message": each.message, "hint": each.hint}
        for each in wrong
    ]
    return {
        "schema": 1,
        "sound": not wrong and not unanswered,
        "tags": len(events),
        "compared_with": compared.remote if compared.remote and not compared.trouble else None,
        "unanswered": unanswered,
        "findings": rows,
        "overrides": [
            {"tag": each.ref, "artifact": each.name.artifact, "by": each.email, "reason": reading.override(each)}
            for each in overridden
        ],
        "notes": list(compared.notes),
    }


def _look_for_bytes(root: Path, artifacts: list[Artifact], *, deep: bool) -> tuple[list[list[Finding] | None], list[str]]:
    """What `_bytes` finds for each model; and why the DVC remote could not say, which ends the search."""
    looked: list[list[Finding] | None] = []
    for artifact in artifacts:
        try:
            looked.append(_bytes(root, artifact, deep=deep))
        except MlgitError as error:
            return looked, [f"{error.message} ({error.hint})"]
    return looked, []


def _bytes(root: Path, artifact: Artifact, *, deep: bool) -> list[Finding] | None:
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
        facts, said = policy_inputs.facts_of(revisions, version), recorded.read(version.event).model
        if facts and said and facts.model.md5 and said.md5 != facts.model.md5:
            message = f"it says that the model is {said.md5[:10]}, and its commit says {facts.model.md5[:10]}"
            wrong.append(Finding("digest", version.event.ref, message, f"`mlgit model audit {label}`", artifact.name))
        fault = policy_inputs.fault_of_bytes(revisions, version, read=deep) if facts or said else None
        wrong += [fault] if fault else []
    return wrong


def _signatures(found: Reading, events: list[Event]) -> list[Finding]:
    """Signatures that are not good."""
    kept = _Kept(found.root)
    wrong = []
    for event in (each for each in events if each.is_signed):
        trouble = kept.trouble(event)
        if trouble:
            hint = "see `git verify-tag`, and who may sign: `git config gpg.ssh.allowedSignersFile`"
            wrong.append(Finding("signature", event.ref, f"its signature is not trusted: {trouble}", hint, event.name.artifact))
    kept.save()
    return wrong


class _Kept:
    """Good signatures by tag object, kept between commands: an object never changes, though whom Git trusts may.

    Only what was good under the same list of signers is kept.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._good: set[str] = set()
        self._path: Path | None = None
        self._signers = tags.signers_state(root)
        with suppress(MlgitError):
            self._path = projects.find().own_folder / "signatures"
        note = state_files.read(str(self._path)) if self._path else None
        if note:
            signers, *rows = note.decode().split("\n")
            self._good = set(rows) if signers == self._signers else set()
        self._before = len(self._good)

    def trouble(self, event: Event) -> str:
        """Why a signature is not trusted; '' for one that is."""
        if event.oid in self._good:
            return ""
        signature = tags.verify(self._root, event.oid)
        if signature.is_good:
            self._good.add(event.oid)
            return ""
        return signature.detail or "not good"

    def save(self) -> None:
        """Keep what was found good."""
        if self._path and len(self._good) > self._before:
            with suppress(MlgitError):
                state_files.write(str(self._path), "\n".join([self._signers, *sorted(self._good)]).encode())
