"""Models and versions of the registry as MLflow's values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mlflow.entities import Metric
from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)

from mlgit.registry import tag_facts
from mlgit.registry.state import Artifact
from mlgit.registry.tag_facts import Recorded
from mlgit.tracking import model_names
from mlgit.tracking.model_names import NumberedVersion

Place = Callable[[str, str], str]  # of a model's name and version, where its bytes are


def model(artifact: Artifact, *, place: Place) -> RegisteredModel:
    """A model with its latest version, and the environments as aliases."""
    newest = model_names.latest(artifact)
    tags = {"mlgit.name": artifact.name, **({} if artifact.is_active else {"mlgit.deprecated": "true"})}
    if artifact.faults:
        tags["mlgit.fault"] = artifact.faults[0].message
    return RegisteredModel(
        name=model_names.of_artifact(artifact.name),
        creation_timestamp=1000 * min((event.time for event in artifact.events), default=0),
        last_updated_timestamp=1000 * model_names.last_change(artifact.events),
        description=_description(newest) if newest else "",
        latest_versions=[version(artifact, newest, place=place)] if newest else [],
        tags=[RegisteredModelTag(key, value) for key, value in tags.items()],
        aliases=[RegisteredModelAlias(name, str(each.number)) for name, each in model_names.aliases(artifact).items()],
    )


def version(artifact: Artifact, found: NumberedVersion, *, place: Place) -> ModelVersion:
    """A version; what its tag records of it stands in MLflow's tags and metrics, and where it is in aliases."""
    event, name = found.version.event, found.version.name
    recorded = tag_facts.read(event)
    about = [each for each in artifact.events if artifact.meant(each) == name]
    return ModelVersion(
        name=model_names.of_artifact(artifact.name),
        version=found.number,
        creation_timestamp=1000 * event.time,
        last_updated_timestamp=1000 * max(model_names.last_change(about), event.time),
        description=_description(found),
        user_id=event.author,
        current_stage="None",
        source=place(artifact.name, name),
        run_id="",
        tags=[ModelVersionTag(key, value) for key, value in _tags(found, recorded).items()],
        aliases=[alias for alias, each in model_names.aliases(artifact).items() if each.number == found.number],
        metrics=[Metric(key, value, 1000 * event.time, 0) for key, value in _metrics(recorded).items()],
    )


def _description(found: NumberedVersion) -> str:
    body = found.version.event.body
    return body.reason or body.sentence


def _tags(found: NumberedVersion, recorded: Recorded) -> dict[str, str]:
    event = found.version.event
    tags = {"mlgit.version": found.version.name, "mlgit.tag": event.ref, "mlgit.commit": event.commit}
    if not found.version.is_active:
        tags["mlgit.withdrawn"] = "true"
    if recorded.model:
        tags |= {"mlgit.model.path": recorded.model.path, "mlgit.model.md5": recorded.model.md5}
        tags |= {"mlgit.model.format": recorded.model.format} if recorded.model.format else {}
        tags |= {"mlgit.model.sha256": recorded.model.sha256} if recorded.model.sha256 else {}
    outcome = recorded.gate.get("verdict", recorded.gate.get("outcome")) if recorded.gate else None
    if outcome is not None:
        tags["mlgit.gate"] = outcome if isinstance(outcome, str) else json.dumps(outcome)
    return tags


def _metrics(recorded: Recorded) -> dict[str, float]:
    values: dict[str, Any] = {name: row.get("value") for name, row in recorded.metrics.items()}
    return {
        name: float(value) for name, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
