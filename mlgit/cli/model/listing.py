"""`mlgit model list`: every model, its latest version, and what is in which environment."""

from __future__ import annotations

import json
import sys

from mlgit import errors
from mlgit.cli.error_boundary import note
from mlgit.commands.model.list_models import list_models
from mlgit.commands.model.open_registry import Asked
from mlgit.registry.state import Artifact
from mlgit.render.terminal import table
from mlgit.render.text import plain


def show(*, as_json: bool, asked: Asked | None = None) -> int:
    """Print all models; without the command line parser, so that scripts may ask often. `asked`: see `open_registry`."""
    found = list_models(asked=asked, note=note)
    artifacts = found.artifacts
    if as_json:
        sys.stdout.write(json.dumps(found.document(), indent=2) + "\n")
        return errors.EXIT_YES
    if not artifacts:
        sys.stdout.write("no models are registered: `mlgit model register NAME` registers the one of this commit\n")
        return errors.EXIT_YES
    rows = [[each.name, each.latest.name if each.latest else "-", _places(each), _state(each)] for each in artifacts]
    sys.stdout.write(table(("model", "latest", "environments", ""), rows) + "\n")
    for artifact in artifacts:
        for fault in artifact.faults:
            sys.stdout.write(f"{plain(fault.ref)}: {plain(fault.message)}\n  {plain(fault.hint)}\n")
    return errors.EXIT_YES


def _places(artifact: Artifact) -> str:
    current = {name: artifact.current(name) for name in artifact.environments}
    return ", ".join(f"{name}: {each.version[:20]}" for name, each in current.items() if each) or "-"


def _state(artifact: Artifact) -> str:
    words = [] if artifact.is_active else ["retired"]
    return ", ".join(words + (["see below"] if artifact.faults else []))
