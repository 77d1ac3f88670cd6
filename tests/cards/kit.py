"""Material for cards, as tests write it by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlgit.cards import model_plots
from mlgit.cards.material import Material
from mlgit.cards.notes import Notes, NotesSection
from mlgit.config import Config, parse
from mlgit.evaluation import model_metrics
from mlgit.evaluation.model_results import ModelResults
from mlgit.registry.facts import DataFile, Facts, ModelFile, Step

TRAIN, TEST = "a" * 32, "b" * 32

FACTS = Facts(
    artifact="churn",
    commit="",
    model=ModelFile("models/churn.skops", "c" * 32, 2048, "d" * 64, "skops", executes_code=False),
    type="model",
    description="Who will leave",
    labels=("tabular",),
    data=(
        DataFile("data/raw.csv", "e" * 32, 900, role="source", rows=20),
        DataFile("data/test.csv", TEST, 100, role="test", rows=5),
        DataFile("data/train.csv", TRAIN, 300, role="train", rows=15),
    ),
    metrics={"accuracy": 0.75, "nested.roc_auc": 0.9},
    params={"seed": 7, "train": {"depth": 3, "rate": 0.1}},
    steps=(
        Step("prepare", "python prepare.py", {"data/raw.csv": "e" * 32, "prepare.py": "1" * 32}, {"data/train.csv": TRAIN}),
        Step("train", "python train.py", {"data/train.csv": TRAIN, "train.py": "2" * 32}, {"models/churn.skops": "c" * 32}),
    ),
    predictions=DataFile("reports/predictions.csv", "f" * 32, 50, rows=4),
    environment={"requirements.txt": "9" * 64},
)
CONFIG = parse(
    {
        "mlgit": 1,
        "metrics": {"accuracy": {"direction": "higher"}, "roc_auc": {"direction": "higher"}},
        "models": {"churn": {"predictions": "reports/predictions.csv", "metrics": "reports/metrics.json"}},
    }
)


def table(label, prediction, score=None, **slices):
    """Predictions as they are read: columns of arrays."""
    columns = {"label": label, "prediction": prediction, **({} if score is None else {"score": score}), **slices}
    return {name: np.asarray(column) for name, column in columns.items()}


BINARY = table([0, 1, 0, 1], [0, 1, 1, 1], [0.1, 0.8, 0.6, 0.9])
NOTES = Notes(
    license="apache-2.0",
    library_name="sklearn",
    pipeline_tag="tabular-classification",
    owners=("Ada",),
    contact="ada@example.com",
    sections={
        key: NotesSection(f"What there is to say of {key}.", TRAIN)
        for key in ("intended_use", "out_of_scope", "limitations", "risks", "recommendations", "ethics", "data_provenance")
    },
)


def material(*, facts: Facts = FACTS, notes: Notes = NOTES, predictions=BINARY, **given) -> Material:
    """Everything a card needs, complete for profile hf."""
    config: Config = given.pop("config", CONFIG)
    model = config.model("churn")
    results = ModelResults(model, facts.metrics, predictions)
    drawn = model_plots.draw(results)
    return Material(
        facts=facts,
        config=config,
        model=model,
        notes=notes,
        evaluation=model_metrics.evaluate(results, stats=config.gates.stats),
        plots={name: picture for name, (picture, _) in drawn.items()},
        captions={name: caption for name, (_, caption) in drawn.items()},
        **given,
    )


def with_profile(made: Material, profile: str) -> Material:
    """The same material for another profile."""
    return replace(made, model=replace(made.model, card=replace(made.model.card, profile=profile)))
