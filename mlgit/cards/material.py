"""What a card is made from: the facts of a commit, the notes of people, and what the predictions say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlgit.cards.notes import Notes
from mlgit.config import Config
from mlgit.evaluation.model_metrics import ModelEvaluation, ModelMetric
from mlgit.model_settings import Model
from mlgit.registry.facts import Facts


@dataclass(frozen=True, slots=True)
class Replaced:
    """The version that this model comes after, and the facts of its commit."""

    version: str
    commit: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class FurtherEvaluation:
    """What the predictions for a further test set say; metrics have their plain names there. `shared` is as in `Material`."""

    model: Model
    evaluation: ModelEvaluation
    shared: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a card is a function of; `columns` are those of training and test tables by path.

    `plots` are SVG texts by name (roc, calibration, confusion, residuals), `captions` what they show.
    `shared` is how many rows of the test data are in the training data too, and of how many; None where nobody can look.
    `is_in_git`: the model's file lies in Git, so that DVC has nothing to bring. `picked` says which trial made it, and out of
    how many that was chosen. `further` is what is known of the further test sets.
    """

    facts: Facts
    config: Config
    model: Model
    notes: Notes
    evaluation: ModelEvaluation
    notes_sha256: str = ""
    plots: Mapping[str, str] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: Replaced | None = None
    shared: tuple[int, int] | None = None
    is_in_git: bool = False
    picked: tuple[str, ...] = ()
    further: tuple[FurtherEvaluation, ...] = ()

    @property
    def values(self) -> tuple[ModelMetric, ...]:
        """All metrics, those of further test sets as METRIC@SET."""
        others = [replace(row, name=each.model.named(row.name)) for each in self.further for row in each.evaluation.metrics]
        return (*self.evaluation.metrics, *others)
