"""`mlgit model verify`: whether the registry's tags are what was written."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import click

from mlgit import config as configs
from mlgit import errors
from mlgit import project as projects
from mlgit.adapters import documents, files, notes, tags
from mlgit.cli.model import places, problems, reading, weighing
from mlgit.cli.model.reading import Reading
from mlgit.errors import MlgitError
from mlgit.registry import publish, read, recorded
from mlgit.registry.chain import Finding
from mlgit.registry.event import Event
from mlgit.registry.state import Artifact
from mlgit.render import count, plain


@click.command(
    epilog="Examples: `mlgit model verify`, `mlgit model verify churn --json`.",
    short_help="Find moved, deleted, forked, backdated and unsigned tags.",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str | None, *, as_json: bool) -> int:
    """Check the chain of every model's tags (or NAME's) against one another and against the log of what was published,
    their signatures, and whether the bytes of what is in use can be had and are those recorded.

    Exit code 0 when all is as it was written, 1 when something is not.
    """
    found = reading.registry(anew=True)
    publish.require_complete(found.root, "origin")  # where tags are missing, "all as written" would be no answer
    artifacts = [reading.artifact_named(found, name)[0]] if name else list(found.registry.artifacts.values())
    published = read.published(found.root)
    if name:
        wrong = problems.of_artifact(found.root, found.registry, artifacts[0].name, tags=found.tags, published=published)
    else:
        wrong = problems.find(found.root)
    events = [event for artifact in artifacts for event in artifact.events]
    wrong += _signatures(found, events)
    looked = [_bytes(found.root, artifact) for artifact in artifacts]
    if None in looked:
        sys.stderr.write("note: the bytes of models that are in no DVC project here were not looked for\n")
    wrong += [each for rows in looked for each in rows or ()]
    if as_json:
        rows = [
            {"kind": each.kind, "tag": each.ref, "artifact": each.artifact, "message": each.message, "hint": each.hint}
            for each in wrong
        ]
        click.echo(json.dumps({"schema": 1, "sound": not wrong, "tags": len(events), "findings": rows}, indent=2))
        return errors.EXIT_NO if wrong else errors.EXIT_YES
    for each in wrong:
        click.echo(f"{plain(each.ref)}: {each.kind}: {plain(each.message)}")
        click.echo(f"  {plain(each.hint)}")
    said = f"{count(len(wrong), 'finding')}" if wrong else "all as written"
    click.echo(f"{said}: {count(len(events), 'tag')} of {count(len(artifacts), 'model')}")
    return errors.EXIT_NO if wrong else errors.EXIT_YES


def _bytes(root: Path, artifact: Artifact) -> list[Finding] | None:
    """Versions in use, or the latest, whose bytes are nowhere, or whose tag says another digest than their commit.

    Older ones are what `mlgit model audit` looks at. None where its project is not here.
    """
    try:
        project = places.project_of(root, artifact.name)
    except MlgitError:
        return None
    used = {stack[-1].version for stack in artifact.environments.values()} | (
        {artifact.latest.name} if artifact.latest else set()
    )
    wrong = []
    for version in (each for each in artifact.versions if each.name in used and each.is_registered):
        label = f"{artifact.name}@{version.name}"
        facts, said = weighing.facts_of(project, version), recorded.read(version.event).model
        if facts and said and facts.model.md5 and said.md5 != facts.model.md5:
            message = f"it says that the model is {said.md5[:10]}, and its commit says {facts.model.md5[:10]}"
            wrong.append(Finding("digest", version.event.ref, message, f"`mlgit model audit {label}`", artifact.name))
        if (facts or said) and not weighing.can_deliver(project, version):
            message = f"the bytes of {label} are neither in Git, nor in the cache, nor in the DVC remote"
            hint = f"`dvc push` where they are, or `mlgit model reproduce {label}`"
            wrong.append(Finding("gone", version.event.ref, message, hint, artifact.name))
    return wrong


def _signatures(found: Reading, events: list[Event]) -> list[Finding]:
    """Signatures that are not good, and tags without one where an environment asks for it."""
    demanding = _signed_environments(found.root)
    kept = _Kept(found.root)
    wrong = []
    for event in events:
        wanted_signed = event.name.action == "assign" and event.name.environment in demanding
        if not event.is_signed:
            if wanted_signed:
                hint = f"`mlgit model promote {event.name.artifact} {event.name.environment} --sign` writes a signed one"
                message = f"not signed, and mlgit.yaml asks for signed promotions to {event.name.environment}"
                wrong.append(Finding("unsigned", event.ref, message, hint, event.name.artifact))
            continue
        trouble = kept.trouble(event)
        if trouble:
            hint = "see `git verify-tag`, and who may sign: `git config gpg.ssh.allowedSignersFile`"
            wrong.append(Finding("signature", event.ref, f"its signature is not trusted: {trouble}", hint, event.name.artifact))
    kept.save()
    return wrong


def _signed_environments(root: Path) -> set[str]:
    with suppress(MlgitError):
        project = projects.find()
        return {each.name for each in projects.load_config(project).environments if each.signed}
    path = root / configs.NAME
    if path.is_file():
        declared = configs.parse(documents.parse_yaml(files.read_text(path, name=configs.NAME), name=configs.NAME))
        return {each.name for each in declared.environments if each.signed}
    return set()


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
        note = notes.read(str(self._path)) if self._path else None
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
                notes.write(str(self._path), "\n".join([self._signers, *sorted(self._good)]).encode())
