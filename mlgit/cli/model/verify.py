"""`mlgit model verify`: whether the registry's tags are what was written."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import click

from mlgit import config as configs
from mlgit import errors
from mlgit import project as projects
from mlgit.adapters import documents, files, tags
from mlgit.cli.model import problems, reading
from mlgit.cli.model.reading import Reading
from mlgit.errors import MlgitError
from mlgit.registry import read
from mlgit.registry.chain import Finding
from mlgit.registry.event import Event
from mlgit.render import count, plain


@click.command(
    epilog="Examples: `mlgit model verify`, `mlgit model verify churn --json`.",
    short_help="Find moved, deleted, forked, backdated and unsigned tags.",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str | None, *, as_json: bool) -> int:
    """Check the chain of every model's tags (or NAME's) against one another, against the log of what was published, and
    their signatures.

    Exit code 0 when all is as it was written, 1 when something is not.
    """
    found = reading.registry()
    artifacts = [reading.artifact_named(found, name)[0]] if name else list(found.registry.artifacts.values())
    published = read.published(found.root)
    if name:
        wrong = problems.of_artifact(found.registry, artifacts[0].name, tags=found.tags, published=published)
    else:
        wrong = problems.find(found.root)
    events = [event for artifact in artifacts for event in artifact.events]
    wrong += _signatures(found, events)
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
        if self._path and self._path.is_file():
            signers, *rows = files.read_text(self._path).split("\n")
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
            with suppress(MlgitError, OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                files.write_atomic(self._path, "\n".join([self._signers, *sorted(self._good)]))
