"""The two sides of a model brought together: which rows can be compared, and where none can, why.

What compares rows is imported where there are some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import lt
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults, Table
from mlgit.evaluation.results import Pairing
from mlgit.gate_tables import IfChanged
from mlgit.model_settings import Model
from mlgit.render.text import count, few
from mlgit.revision.refs import Notice
from mlgit.rules import GateRule
from mlgit.statistics.rows import Coded, Texts, distinct, numbered

if TYPE_CHECKING:
    from mlgit.evaluation.paired_rows import PairedRows
    from mlgit.statistics.rows import Array

# So many rows lie in memory as texts.
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class ModelPair:
    """A model on both sides. `rows` is None without predictions; `baseline` without results of the model there.

    `trouble` says why rows that should be comparable are not, and `settle` what would mend that; `is_void`, that nothing of
    the current side can be judged. `private` are the columns, in lower case, whose values may not be shown.
    """

    current: ModelResults
    how: Pairing
    baseline: ModelResults | None = None
    rows: PairedRows | None = None
    trouble: str = ""
    settle: str = ""
    is_changed: bool = False
    is_void: bool = False
    private: frozenset[str] = frozenset()

    @property
    def hides_keys(self) -> bool:
        """Whether what names a row may not be shown."""
        return any(each.lower() in self.private for each in self.model.keys)

    @property
    def is_repeated(self) -> bool:
        """Whether the same stages have made the results of both sides from the same things."""
        made = self.current.made_by
        return bool(made and self.baseline and not self.baseline.stale and made == self.baseline.made_by)

    def is_subject_of(self, rule: GateRule) -> bool:
        """Whether a rule is about this model on this test set, as far as it names them."""
        return rule.model in ("", self.model.name) and rule.on == self.model.test_set

    @property
    def model(self) -> Model:
        return self.current.model

    @property
    def name(self) -> str:
        return self.current.model.address


def is_changed(baseline: ModelResults | None, current: ModelResults) -> bool:
    """Whether a model was judged on other test data: by its digest, else by the keys and labels of the predictions."""
    if baseline is None or baseline.is_empty:
        return False
    if baseline.test and current.test:
        return baseline.test != current.test
    if baseline.table is None or current.table is None:
        return False
    from mlgit.evaluation.paired_rows import is_same_column

    names = [each for each in (current.model.id, current.model.label) if each in baseline.table or each in current.table]
    if (
        current.model.id in names
        and all(name in table for name in names for table in (baseline.table, current.table))
        and all(is_same_column(baseline.table[name], current.table[name]) for name in names)
    ):
        return False
    return digest(current.model, baseline.table) != digest(current.model, current.table)


def digest(model: Model, table: Table) -> str:
    """A digest of keys and labels, whatever the order of the rows; of keys alone without labels, and '' without keys."""
    if model.id not in table:
        return ""
    if not len(table[model.id]):
        return "0"
    labels = _Labels(table[model.label] if model.label in table else np.zeros(len(table[model.id]), dtype=int))
    known = _in_order_at_once(table[model.id], labels)
    if known:
        return known
    keys, label = np.asarray(table[model.id]), np.asarray(labels.texts(0, len(table[model.id])), dtype=object)
    return _in_order(keys, label) or _sorted(keys, label)


class _Labels:
    """Labels as texts, each different one made once: 1 and 1.0 are one label."""

    def __init__(self, column: Any) -> None:
        if isinstance(column, Coded) and column.are_texts:
            names, self._places = column.names, column.places
        else:
            values = np.asarray(column)
            if values.dtype.kind in "biuf":
                distinct, self._places = numbered(values.astype(float))
                names = tuple(distinct.tolist())
            else:
                names, self._places = tuple(values.tolist()), np.arange(len(values))
        self._names = np.array([str(each) for each in names], dtype=object)

    def texts(self, start: int, stop: int) -> list[str]:
        """Those of some rows."""
        found: list[str] = self._names[self._places[start:stop]].tolist()
        return found


def _in_order_at_once(keys: Any, labels: _Labels) -> str | None:
    """The digest of `_in_order` for keys that need not be looked at one by one: whole numbers, and texts in Arrow."""
    if isinstance(keys, Texts):
        if not keys.is_ascending():
            return None
        joined = keys.joined
    else:
        values = np.asarray(keys)
        if values.dtype.kind not in "iu" or values[0] < 0 or not (values[1:] > values[:-1]).all():
            return None

        def joined(start: int, stop: int) -> str:
            return "\0".join(map(str, values[start:stop].tolist()))

    hashed = blake2b(digest_size=8)
    for start in range(0, len(keys), _BLOCK):
        stop = min(start + _BLOCK, len(keys))
        texts = "\0".join([joined(start, stop), *labels.texts(start, stop)])
        if texts.count("\0") != 2 * (stop - start) - 1:
            return None
        hashed.update(texts.encode("utf-8", "backslashreplace"))
    return f"{len(keys):x}-{hashed.hexdigest()}"


def _in_order(keys: Array, label: Array) -> str | None:
    """The digest of rows that stand in the order of their keys, each once; None for others. Short keys come first, so that
    whole numbers are in order."""
    last, hashed = (-1, ""), blake2b(digest_size=8)
    for start in range(0, len(keys), _BLOCK):
        names, labels = _texts(keys[start : start + _BLOCK], label[start : start + _BLOCK])
        ranks = [last, *zip(map(len, names), names, strict=True)]
        if not all(map(lt, ranks, ranks[1:])):
            return None
        last = ranks[-1]
        hashed.update(_packed(names, labels))
    return f"{len(keys):x}-{hashed.hexdigest()}"


def _sorted(keys: Array, label: Array) -> str:
    ranked = sorted((len(name), name, each) for name, each in zip(*_texts(keys, label), strict=True))
    hashed = blake2b(digest_size=8)
    for start in range(0, len(ranked), _BLOCK):
        some = ranked[start : start + _BLOCK]
        hashed.update(_packed([name for _, name, _ in some], [each for _, _, each in some]))
    return f"{len(ranked):x}-{hashed.hexdigest()}"


def _texts(keys: Array, label: Array) -> tuple[list[str], list[str]]:
    """Both columns as texts."""
    return [str(key) for key in keys.tolist()], label.tolist()


def _packed(names: list[str], labels: list[str]) -> bytes:
    """Texts as bytes that no other texts give."""
    texts = "\0".join([*names, *labels])
    if texts.count("\0") != 2 * len(names) - 1:
        texts = repr((names, labels))
    return texts.encode("utf-8", "backslashreplace")


def join(
    model: Model,
    baseline: ModelResults | None,
    current: ModelResults | None,
    *,
    if_changed: IfChanged,
    again: Table | Notice | None = None,
    private: frozenset[str] = frozenset(),
) -> ModelPair:
    """Bring a model's sides together. `again` are the predictions of the baseline's model on the current rows, or why not."""
    before = None if baseline is None or baseline.is_empty else baseline
    if current is None or current.is_empty:
        told, hint = f"the current side has no results of {model.address}", "`mlgit run` makes what mlgit.yaml declares"
        return ModelPair(current or ModelResults(model), "invalid", before, trouble=told, settle=hint, is_void=True)
    if current.stale:
        told = f"{', '.join(current.stale)}: stale, so the results do not belong to what is declared"
        return ModelPair(current, "invalid", before, trouble=told, settle="`mlgit run` brings it up to date", is_void=True)
    if before is not None and (told := _lost(before, current)):
        hint = f"let a stage that reads the model write what {model.where} names, as at the baseline"
        return ModelPair(current, "invalid", before, trouble=told, settle=hint, is_void=True)
    changed = is_changed(before, current)
    known = ModelPair(current, "unverified", before, is_changed=changed, private=private)
    if current.table is None:
        return _without_rows(known)
    from mlgit.evaluation.paired_rows import pair

    if before is None:
        return replace(known, how="first", rows=pair(current.model, None, current.table))
    if changed and not (if_changed == "reevaluate" and isinstance(again, Mapping)):
        return _of_other_rows(known, if_changed, again if isinstance(again, Notice) else None)
    table = again if changed and isinstance(again, Mapping) else before.table
    if not changed and before.predicted and before.predicted == current.predicted:
        return _of_one_file(known)
    if table is None:
        if before.trouble:
            told = f"baseline: {before.trouble}"
            return replace(known, how="invalid", rows=_alone(known, told), trouble=told, settle=before.hint)
        return replace(known, rows=pair(current.model, None, current.table), trouble="the baseline has no predictions")
    return _paired(known, table)


def _lost(before: ModelResults, current: ModelResults) -> str:
    """What ties the numbers of the current side to its model less than those of the baseline were tied to theirs.

    A change that could take this away could choose its own numbers.
    """
    if before.is_measured and not current.is_measured and current.recorded.keys() - {MODEL_BYTES}:
        return f"no stage makes {current.model.metrics}, as one did at the baseline, so anybody may have written it"
    if current.table is None:
        return ""
    if before.made_from == "model" and current.made_from == "stages":
        return f"{current.model.predictions} does not come from the model any more, as at the baseline"
    if before.made_from and not current.made_from:
        which = few(current.unmade) or current.model.predictions
        return f"no stage makes {which}, as one did at the baseline, so nothing ties it to the model"
    return _lost_seeds(before, current)


def _lost_seeds(before: ModelResults, current: ModelResults) -> str:
    """That the current side has too few seeds to speak of its recipe, as the baseline does: it could be a lucky one."""
    if before.table is None or current.table is None:
        return ""
    from mlgit.evaluation import prediction_files
    from mlgit.statistics.recipes import FEWEST_SEEDS

    then, now = (prediction_files.distinct_files(each) for each in (before.table, current.table))
    if now >= FEWEST_SEEDS or then < FEWEST_SEEDS:
        return ""
    copies = prediction_files.files_of(current.table) - now
    told = f" and {count(copies, 'copy')} of them" if copies else ""
    return f"there are predictions of {count(now, 'seed')}{told}, and the baseline has {then}: that says nothing of the recipe"


def _without_rows(known: ModelPair) -> ModelPair:
    if known.current.trouble:
        return replace(known, how="invalid", trouble=known.current.trouble, settle=known.current.hint)
    if known.baseline is None:
        return replace(known, how="first")
    if known.baseline.table is not None or known.baseline.trouble:  # else a change could hide behind single numbers
        told = f"the current side has no predictions of {known.name}, and the baseline has"
        return replace(
            known, how="invalid", trouble=told, settle=f"declare {known.model.where}.predictions in mlgit.yaml again"
        )
    if known.is_changed:
        told = "the test set changed, and there are only single numbers"
        return replace(known, how="unpaired", trouble=told, settle="declare models.NAME.predictions and id in mlgit.yaml")
    return known


def _of_one_file(known: ModelPair) -> ModelPair:
    """Both sides have the same predictions, byte for byte: whatever names the rows, each lies beside itself."""
    from mlgit.evaluation.paired_rows import PairedRows

    assert known.current.table is not None
    return replace(known, how="paired", rows=PairedRows(known.model, known.current.table, known.current.table))


def _paired(known: ModelPair, table: Table) -> ModelPair:
    from mlgit.evaluation.paired_rows import pair

    assert known.current.table is not None
    rows = pair(known.model, table, known.current.table, hides_keys=known.hides_keys)
    trouble = rows.trouble or _labels_differ(rows)
    if trouble:
        hint = _how_to_name(known) or "let both sides predict the same rows with the same labels, each row named once"
        if not known.model.id:
            hint = f"add {known.model.where}.id to mlgit.yaml: the column of the predictions that names a row"
        return replace(known, how="invalid", rows=replace(rows, trouble=trouble), trouble=trouble, settle=hint)
    if name := _fact_that_differs(rows):
        told, hint = f"{name} is not the same on both sides", f"change {name} in a pull request of its own"
        return replace(known, how="invalid", rows=replace(rows, trouble=told), trouble=told, settle=hint)
    return replace(known, how="re-evaluated" if known.is_changed else "paired", rows=rows)


def _of_other_rows(known: ModelPair, if_changed: IfChanged, failed: Notice | None) -> ModelPair:
    """Values of both sides can be shown, but no interval of their difference: the rows are not the same."""
    told, hint = "the test set changed", "change the test set in a pull request of its own"
    if failed is not None:
        told, hint = f"{told}, and the baseline's model was not judged on the new rows: {failed.message}", failed.hint
    elif not known.model.test:
        told += _how_changed(known)
        hint = f"declare {known.model.where}.test in mlgit.yaml, so that the baseline's model is judged on the new rows"
        hint = _how_to_name(known) or hint
    how: Pairing = "invalid" if if_changed == "invalid" else "unpaired"
    return replace(known, how=how, rows=_alone(known, told), trouble=told, settle=hint)


def _how_to_name(known: ModelPair) -> str:
    """What names every row, where the key does not; '' where it does."""
    table, model = known.current.table, known.model
    names = None if table is None else table.get(model.id)
    if names is None or len(distinct(names)) == len(names):
        return ""
    keys = ", ".join([*model.keys, "try" if model.query else "COLUMN"])
    told = "let a column number the tries of a case" if model.query else "add a column that tells them apart"
    return f"name each row once: {told}, and write {model.where}.id: [{keys}] in mlgit.yaml"


def _alone(known: ModelPair, trouble: str) -> PairedRows:
    from mlgit.evaluation.paired_rows import PairedRows

    assert known.current.table is not None
    before = known.baseline.table if known.baseline else None
    return PairedRows(known.model, known.current.table, before if before is not None else {}, trouble)


def _how_changed(known: ModelPair) -> str:
    before = known.baseline.table if known.baseline else None
    if before is None or known.current.table is None:
        return ""
    from mlgit.evaluation.paired_rows import pair

    rows = pair(known.model, before, known.current.table, hides_keys=known.hides_keys)
    found = rows.trouble or _labels_differ(rows)
    return f" ({found})" if found else ""


def _fact_that_differs(rows: PairedRows) -> str:
    """The column of weights, queries, groups or times that both sides have and that differs: no model has a say in it, and a
    change could make its hard rows count less, or more of them count as one."""
    model = rows.model
    facts = dict.fromkeys((model.weight, model.query, model.cluster, model.order))
    sides = (rows.baseline or {}, rows.current)
    return next((each for each in facts if each and all(each in side for side in sides) and not rows.is_same(each)), "")


def _labels_differ(rows: PairedRows) -> str:
    if rows.baseline is None or rows.model.label not in rows.baseline or rows.model.label not in rows.current:
        return ""
    from mlgit.statistics import paired

    try:
        paired.same_labels(rows.baseline[rows.model.label], rows.current[rows.model.label])
    except MlgitError as error:
        return error.message
    return ""
