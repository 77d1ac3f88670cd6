"""What a card is made from: the facts of a commit, the notes of people, and what the predictions say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.cards.notes import Notes
from mlgit.config import Config, Model
from mlgit.registry.facts import Facts


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of the metrics file; `low` and `high` bound its 95 % interval where the predictions allow one.

    `method` is how it was made; `note` says why there is no interval.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """The metrics of the rows that have one value in a column; None where a metric has no value for these rows."""

    column: str
    value: str
    rows: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of a model, by the rows it was tested on; `rows` is None without predictions.

    `plots` are SVG texts by name (roc, calibration, confusion, residuals), `captions` what they show.
    """

    metrics: tuple[Measured, ...] = ()
    slices: tuple[Slice, ...] = ()
    rows: int | None = None
    plots: Mapping[str, str] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The version that this model comes after, and the facts of its commit."""

    version: str
    commit: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a card is a function of; `columns` are those of training and test tables by path.

    `shared` is how many rows of the test data are in the training data too, and of how many; None where nobody can look.
    """

    facts: Facts
    config: Config
    model: Model
    notes: Notes
    evaluation: Evaluation
    notes_sha256: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replaced: Replaced | None = None
    shared: tuple[int, int] | None = None
