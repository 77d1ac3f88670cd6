"""What one side of a comparison says of its models: rows of predictions, recorded numbers, and what they belong to."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mlgit.config import Config
from mlgit.evaluation import definitions
from mlgit.model_settings import Model, columns_of_classes, with_columns_of
from mlgit.pipeline.model import Entry
from mlgit.rules import GateRule

Table = Mapping[str, Any]


class PredictionTable(dict[str, Any]):
    """The columns of predictions that are asked for, as arrays by name; if one is missing, `header` names all there are."""

    header: tuple[str, ...] = ()


def header_of(table: Table) -> tuple[str, ...]:
    """The columns that predictions have, those that nobody asked for too where that is known."""
    return table.header if isinstance(table, PredictionTable) and table.header else tuple(table)


MODEL_BYTES = "model_bytes"
# patient_id, user-uuid, sessionId, and what people are called without it.
_GROUP = re.compile(
    r"(?i:.*[_\-. ](id|uid|uuid|key)|patient|subject|participant|user|customer|client|member|household|session|device|speaker)"
    r"|.*[a-z](Id|ID|Uid|UID)"
)


@dataclass(frozen=True, slots=True, eq=False)
class ModelResults:
    """A model on one side.

    `recorded` are the numbers of its metrics file by dotted name, and `model_bytes`. `table` is None where no predictions
    are declared, or where `trouble` says why they cannot be had, and `hint` what to do about it. `test` is the digest of the
    test data, `output` that of the predictions (else of the model, else of the metrics), '' where unknown. `stale` are stages
    on the way whose results do not belong to what is declared. `made_from` tells how the
    predictions come about: from the model by stages, by stages, or ('') by none; `is_measured`, that a stage makes the metrics.
    `predicted` and `artifact` are the digests of predictions and model, '' where unknown; `made_by` what the lock records of
    every stage on the way, by its address. `unmade` are the files of predictions that no stage makes.
    Where there are no predictions, `n_test` counts the rows of the test data (0: not known), and `is_absent` says that
    predictions are declared and not at hand.
    """

    model: Model
    recorded: Mapping[str, float] = field(default_factory=dict)
    table: Table | None = None
    trouble: str = ""
    hint: str = ""
    test: str = ""
    output: str = ""
    stale: tuple[str, ...] = ()
    made_from: Literal["", "stages", "model"] = ""
    is_measured: bool = False
    predicted: str = ""
    artifact: str = ""
    made_by: tuple[tuple[str, Entry | None], ...] = ()
    n_test: int = 0
    is_absent: bool = False
    unmade: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether this side has no result of the model."""
        return self.table is None and not self.trouble and not (self.recorded.keys() - {MODEL_BYTES})


@dataclass(frozen=True, slots=True, eq=False)
class RevisionResults:
    """All models of one side by name; `label` is how texts call the side, `notes` what a reader has to know about it."""

    label: str
    scored: Mapping[str, ModelResults] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def asked(deciding: Config, own: Config | None) -> dict[str, Model]:
    """The models of a side with the columns that decide, and each of their test sets as a model of its own, `NAME@SET`.

    Where files lie is for each side to say; which column is the truth, the prediction, the key or the score, and what a metric
    is made of, is for those whose rules judge, so that a change cannot call its prediction the truth, nor take away a test set.
    A metric that only the side knows, and that no rule is about, is its own to make.
    """
    found: dict[str, Model] = {}
    known_names = {*deciding.directions, *(rule.metric for rule in deciding.gates.rules)}
    new = tuple(each for each in (own.declared if own else ()) if each.name not in known_names)
    for name, model in (own.models if own else deciding.models).items():
        known = deciding.models.get(name)
        kpis = {each.name: each for each in (*model.kpis, *(known.kpis if known else ()))}
        judged = with_columns_of(known, model)
        found[name] = replace(judged, declared=(*deciding.declared, *new), kpis=tuple(kpis.values()))
        decides = {each.test_set: each for each in (known.tests if known else ())}
        for test_set, each in (decides | {each.test_set: each for each in model.tests}).items():
            judged = with_columns_of(decides.get(test_set), each)
            found[each.address] = replace(judged, declared=found[name].declared, kpis=found[name].kpis)
    return found


def by_address(models: Mapping[str, Model]) -> dict[str, Model]:
    """Models, and each of their test sets as a model of its own."""
    return {each.address: each for model in models.values() for each in (model, *model.tests)}


def columns(model: Model, *, rules: Iterable[GateRule], cluster: str) -> tuple[set[str], set[str]]:
    """The columns of a model's predictions that are read, and those among them that only name things (keys, groups, slices)."""
    sliced = {name for rule in rules if rule.slices for names in rule.slices.by for name in names}
    grouped = {model.dependence(rule=rule.cluster, default=cluster)[0] for rule in rules}
    grouped.add(model.dependence(rule=None, default=cluster)[0])
    answers = {model.label, model.prediction, model.score}
    names = {*model.keys, *grouped, *model.slices, *sliced, model.query} - {"", *answers}
    valued = {name for each in definitions.all_of(model) for name in definitions.columns(model, each)}
    valued |= {column for _, column in model.quantiles} | {model.order, model.weight}
    valued |= set() if isinstance(model.scores, str) else {column for _, column in model.scores}
    return (names | valued | answers) - {""}, names


def key(model: Model, *, rules: Iterable[GateRule], cluster: str) -> set[str]:
    """The column that names rows, where that is all it does: whether it holds numbers or texts is no matter then."""
    if model.key:  # parts of a key are texts
        return set()
    others, _ = columns(replace(model, id=""), rules=rules, cluster=cluster)
    return {model.id} - others - {""}


def has_scores(model: Model, column: str) -> bool:
    """Whether a column is one of those with the probabilities of classes."""
    return column in columns_of_classes(model, [column]).values()


def may_name_groups(column: str) -> bool:
    """Whether a column is called as one that names a patient, a user, a session."""
    return _GROUP.fullmatch(column) is not None


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a metrics file; a whole number too large for a float is infinite."""
    found = {}
    for name, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                found[name] = float(value)
            except OverflowError:
                found[name] = math.inf if value > 0 else -math.inf
    return found


def test_digest(files: Iterable[str]) -> str:
    """One digest for the files of test data, from that of each; '' where one of them is not known."""
    known = list(files)
    if not known or not all(known):
        return ""
    return known[0] if len(known) == 1 else hashlib.sha256("\n".join(sorted(known)).encode()).hexdigest()
