"""`mlgit model list`: every model, its latest version, and what is in which environment."""

from __future__ import annotations

import json
import sys

from mlgit import errors
from mlgit.cli.model import reading
from mlgit.registry.read import Asked
from mlgit.registry.state import Artifact
from mlgit.render.terminal import table
from mlgit.render.text import moment, plain


def show(*, as_json: bool, asked: Asked | None = None) -> int:
    """Print all models; without the command line parser, so that scripts may ask often. `asked`: see `reading.registry`."""
    found = reading.registry(asked=asked)
    artifacts = list(found.registry.artifacts.values())
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "models": list(map(_row, artifacts))}, indent=2) + "\n")
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


def _row(artifact: Artifact) -> dict[str, object]:
    latest = artifact.latest
    current = {name: artifact.current(name) for name in artifact.environments}
    return {
        "name": artifact.name,
        "active": artifact.is_active,
        "latest": latest.name if latest else None,
        "environments": {
            name: {"version": each.version, "tag": each.event.ref, "time": moment(each.event.time)}
            for name, each in current.items()
            if each
        },
        "versions": [each.name for each in artifact.versions if each.is_registered],
        "faults": reading.fault_rows(artifact),
    }


def _places(artifact: Artifact) -> str:
    current = {name: artifact.current(name) for name in artifact.environments}
    return ", ".join(f"{name}: {each.version[:20]}" for name, each in current.items() if each) or "-"


def _state(artifact: Artifact) -> str:
    words = [] if artifact.is_active else ["retired"]
    return ", ".join(words + (["see below"] if artifact.faults else []))
