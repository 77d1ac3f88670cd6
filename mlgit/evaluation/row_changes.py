"""What became of the rows that a model is judged on, whoever judges them: gone, new, or held to another label."""

from __future__ import annotations

from typing import Any

from mlgit import lazy_numpy as np
from mlgit.evaluation import prediction_files
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.model_results import Table
from mlgit.evaluation.results import RowChanges
from mlgit.render.text import count
from mlgit.statistics.rows import Coded, are_texts, differ


def changes(joined: ModelPair) -> RowChanges | None:
    """How the current rows differ from those of the baseline, by name; None where they do not, or have no names."""
    before, now = joined.baseline.table if joined.baseline else None, joined.current.table
    if before is None or now is None or (joined.how == "paired" and not joined.is_changed):
        return None
    id_column, label = joined.model.id, joined.model.label
    if not all(name in table for name in (id_column, label) for table in (before, now)):
        return None
    old, new = _labels(before, id_column, label), _labels(now, id_column, label)
    common = old.keys() & new.keys()
    relabelled = sum(old[key] != new[key] for key in common)
    return RowChanges(len(old), len(old) - len(common), len(new) - len(common), relabelled)


def _labels(table: Table, id_column: str, label: str) -> dict[str, Any]:
    labels = np.asarray(table[label])
    values = (labels.astype(float) if labels.dtype.kind in "biuf" else labels).tolist()
    return dict(zip(map(str, np.asarray(table[id_column]).tolist()), map(str, values), strict=True))


def remarks(joined: ModelPair) -> list[str]:
    """What predictions should not be: the truth in every row, or those of another model."""
    found = []
    table, model = joined.current.table, joined.model
    if table is not None and model.label in table and len(table[model.label]):
        label = table[model.label]
        names = [name for name in (model.prediction, model.score) if name in table and name != model.label]
        copied = [name for name in names if _is_same(label, table[name])]
        found += [
            f"the {name} is the label in {'the only row' if len(label) == 1 else f'each of {len(label)} rows'}"
            for name in copied
        ]
    before = joined.baseline
    if before and before.artifact and joined.current.artifact not in ("", before.artifact):
        if before.predicted and before.predicted == joined.current.predicted:
            found.append("the predictions are byte for byte those of the baseline, though the model is another")
        elif joined.rows is not None and joined.rows.are_same:
            found.append("the predictions are those of the baseline in every row, though the model is another")
    if before and before.table is not None and table is not None:
        files = [prediction_files.files_of(each) for each in (before.table, table)]
        if files[1] < files[0]:
            told = f"the predictions are of {count(files[1], 'seed')}, and those of the baseline of {files[0]}"
            found.append(f"{told}: fewer tell less")
        if copies := files[1] - prediction_files.distinct_files(table):
            found.append(
                f"{copies} of {files[1]} files of predictions say in every row what another one says: is the seed used?"
            )
    return found


def _is_same(label: Any, said: Any) -> bool:
    if isinstance(label, Coded) and isinstance(said, Coded) and label.are_texts == said.are_texts:
        return not differ(label, said).any()
    label, said = np.asarray(label), np.asarray(said)
    if label.dtype.kind in "biuf" and said.dtype.kind in "biuf":
        return bool(np.array_equal(label.astype(float), said.astype(float)))
    if label.dtype.kind == said.dtype.kind == "O" and are_texts(label) and are_texts(said):
        return bool(np.array_equal(label, said))
    return label.shape == said.shape and all(str(one) == str(other) for one, other in zip(label, said, strict=True))
