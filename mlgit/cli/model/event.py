"""`mlgit model event`: what a tag says, for a job that was started by its push."""

from __future__ import annotations

import json
import os

import click

from mlgit import errors
from mlgit.cli.model import reading
from mlgit.commands import registry_problems
from mlgit.errors import MlgitError
from mlgit.registry import grammar, policies, read
from mlgit.registry.state import Artifact
from mlgit.render.text import moment, plain


@click.command(
    epilog='Example, in a job that a pushed tag started: `mlgit model event "$GITHUB_REF" --json`.',
    short_help="What one tag says, refused if it is forged.",
)
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(ref: str, *, as_json: bool) -> int:
    """One event from the tag REF (with or without refs/tags/), for CI jobs.

    Exit code 1 when something is wrong with the tag or with the chain it stands in, or when it does not show what policy
    asked; 2 when it is no tag of the registry.
    """
    name = ref.removeprefix("refs/tags/")
    parsed = grammar.parse(name)
    if parsed is None:
        raise MlgitError(f"'{name}' is no tag of the registry", "their names are as in `churn@v1.2.0` and `churn#prod#3`")
    found = reading.registry(anew=True)
    artifact = found.registry.artifacts.get(parsed.artifact) or Artifact(parsed.artifact)
    event = next((each for each in artifact.events if each.ref == name), None)
    wrong = registry_problems.of_artifact(
        found.root, found.registry, artifact.name, tags=found.tags, published=read.published(found.root)
    )
    if read.is_complete(found.root):
        wrong += [each for each in policies.judge(found.root, [artifact]) if each.ref == name]
    if event is None and not any(each.ref == name for each in wrong):
        hint = "`git fetch --tags` brings the remote's"
        if "GIT_DIR" in os.environ:  # in a hook
            hint = "hooks that run before the push is taken (pre-receive, update) do not see it yet; post-receive does"
        raise MlgitError(f"there is no tag '{name}' here", hint)
    if as_json:
        rows = [{"kind": each.kind, "tag": each.ref, "message": each.message} for each in wrong]
        told = reading.event_row(event, artifact) if event else None
        click.echo(json.dumps({"schema": 1, "sound": not wrong, "event": told, "findings": rows}, indent=2))
    else:
        if event:
            click.echo(plain(event.body.sentence))
            click.echo(f"{moment(event.time)} by {plain(event.author)} <{plain(event.email)}>")
        for each in wrong:
            click.echo(f"{plain(each.ref)}: {each.kind}: {plain(each.message)}\n  {plain(each.hint)}")
    return errors.EXIT_NO if wrong else errors.EXIT_YES
