"""The block of YAML at the top of a card: Hugging Face's keys, then mlgit's own with the digests of what it is made from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlgit.cards.changes import code, judged_by, parameters
from mlgit.cards.emit import yaml_text
from mlgit.cards.material import Material
from mlgit.evaluation.model_metrics import ModelEvaluation, ModelMetric
from mlgit.model_settings import Model
from mlgit.registry.facts import DataFile

# The layout of cards: another number wherever the same material gives other bytes than before, so that the cards of
# versions that were released are not taken for stale after an update of mlgit.
VERSION = 3


def front_matter(material: Material) -> str:
    """The block with its `---` lines."""
    notes, facts = material.notes, material.facts
    block: dict[str, Any] = {
        "license": notes.license,
        "license_name": notes.license_name,
        "license_link": notes.license_link,
        "library_name": notes.library_name,
        "pipeline_tag": notes.pipeline_tag,
        "language": notes.language,
        "tags": tuple(dict.fromkeys((*notes.tags, *facts.labels))),
        "datasets": notes.datasets,
        "base_model": notes.base_model,
        "metrics": tuple(dict.fromkeys(name.rpartition(".")[2] for name in [*sorted(facts.metrics), *_made(material)])),
        "model-index": _model_index(material),
        "mlgit": _own(material),
    }
    made = f"# Made by `mlgit card build {facts.artifact}`; what people say in it comes from {material.model.card.notes}."
    return f"---\n{made}\n{yaml_text(block)}---\n"


def _made(material: Material) -> list[str]:
    """The metrics that mlgit.yaml makes, as far as there are values of them."""
    known = {each.name for each in material.model.declared}
    found = [*material.evaluation.metrics, *(row for each in material.further for row in each.evaluation.metrics)]
    return sorted({each.name for each in found} & known)


def _model_index(material: Material) -> list[dict[str, Any]]:
    """The metrics as results; a result needs a task and a data set, so there is none where one of them is not known."""
    task, facts = material.notes.pipeline_tag, material.facts
    if not task:
        return []
    results = [*_results(task, material.model, material.evaluation, facts.with_role("test"))]
    for each in material.further:
        tested = next((one.test for one in facts.tests if one.name == each.model.test_set), ())
        results += _results(task, each.model, each.evaluation, tested)
    return [{"name": facts.artifact, "results": results}] if results else []


def _results(task: str, model: Model, evaluation: ModelEvaluation, tested: Sequence[DataFile]) -> Iterator[dict[str, Any]]:
    """The metrics on one test set; a further one is known by its name where its data is not declared."""
    finite = [each for each in evaluation.metrics if abs(each.value) < float("inf")]
    metrics = [{"type": each.name.rpartition(".")[2], "name": model.named(each.name), "value": each.value} for each in finite]
    path = ", ".join(each.path for each in tested)
    if metrics and (path or model.test_set):
        revision = ", ".join(each.md5 for each in tested)
        dataset = {"type": path or model.test_set, "name": model.test_set or path, "split": "test", "revision": revision}
        yield {"task": {"type": task}, "dataset": dataset, "metrics": metrics}


def _own(material: Material) -> dict[str, Any]:
    facts, replaced = material.facts, material.replaced
    model = facts.model
    return {
        "card": VERSION,
        "artifact": facts.artifact,
        "profile": material.model.card.profile,
        "replaces": {"version": replaced.version, "commit": replaced.commit} if replaced else {},
        **({"picked": list(material.picked)} if material.picked else {}),
        "model": {"path": model.path, "md5": model.md5, "sha256": model.sha256, "size": model.size, "format": model.format},
        "data": [_data(each) for each in facts.data if each.role in ("train", "test")],
        "intervals": _intervals(material.values),
        "confidence_level": round(material.evaluation.confidence_level, 6),
        "inputs": inputs(material),
    }


def _data(file: DataFile) -> dict[str, Any]:
    known = {"path": file.path, "role": file.role, "md5": file.md5, "size": file.size, "rows": file.rows}
    return known | {"test_set": file.test_set}


def _intervals(metrics: Iterable[ModelMetric]) -> dict[str, list[float]]:
    """Intervals by metric, at `confidence_level`."""
    return {each.name: [each.low, each.high] for each in metrics if each.low is not None and each.high is not None}


def inputs(material: Material) -> dict[str, str]:
    """What the card is made from, by name: digests that say which of it changed when the card is stale."""
    facts = material.facts
    steps = (*facts.steps, *facts.evaluation)
    found = {path: md5 for step in steps for digests in (step.deps, step.outs) for path, md5 in digests.items()}
    found |= {each.path: each.md5 for each in facts.data} | code(facts) | {facts.model.path: facts.model.md5}
    found |= {each.path: each.md5 for each in facts.prediction_files}
    found = dict(sorted(found.items())) | dict(sorted(facts.environment.items()))
    found["parameters"] = digest({**parameters(facts), **judged_by(facts)})
    found["commands"] = digest({step.name: step.cmd for step in steps})
    found["metrics"] = digest(dict(facts.metrics))
    found[material.model.card.notes] = material.notes_sha256
    found["declaration"] = digest(_declaration(material))
    return {name: value for name, value in found.items() if value}


def _declaration(material: Material) -> dict[str, Any]:
    """What dvc.yaml and mlgit.yaml say of the model."""
    facts, model = material.facts, material.model
    columns = [model.id, model.label, model.prediction, model.score, *model.slices]
    directions = {name: material.config.direction(name) for name in facts.metrics}
    known = {"type": facts.type, "text": facts.description, "labels": facts.labels, "columns": columns, "better": directions}
    made = [tuple(each) for each in model.declared]
    more = {key: getattr(model, key) for key in ("key", "repeats", "scores", "quantiles", "query", "weight", "costs")}
    more |= {"made": made, "tests": [dataclasses.asdict(each) for each in model.tests]}
    return known | {key: value for key, value in more.items() if value}


def digest(value: Mapping[str, Any]) -> str:
    """A digest of plain values that does not depend on the order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def own(document: Any) -> dict[str, Any]:
    """mlgit's own block of a parsed front matter; {} for a card of other making."""
    found = document.get("mlgit") if isinstance(document, Mapping) else None
    return dict(found) if isinstance(found, Mapping) and isinstance(found.get("card"), int) else {}


def is_of_another_layout(own: Mapping[str, Any]) -> bool:
    """Whether a card (its own block) was made by an mlgit that lays cards out differently."""
    return bool(own) and own.get("card") != VERSION


def split(text: str) -> str:
    """The YAML between the `---` lines at the top of a card, '' where there is none."""
    head, mark, rest = text.partition("---\n")
    block, end, _ = rest.partition("\n---\n")
    return block + "\n" if mark and end and not head else ""


def changed_inputs(before: Mapping[str, Any], current: Mapping[str, str]) -> list[str]:
    """Which inputs an older card (its own block) was made from in another state."""
    old = before.get("inputs")
    known = old if isinstance(old, Mapping) else {}
    names = dict.fromkeys([*current, *known])
    return [str(name) for name in names if known.get(name) != current.get(str(name))]
