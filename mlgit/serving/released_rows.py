"""Rows that a release was tested with and what was predicted for them, so that a server can be asked the same.

A tag holds no rows: they are the first of the released predictions, joined with the test data by their id.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.revision import fetching, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import chunks, formats

MOST = 10
# More is not fetched and not read through for ten rows.
LARGEST = 256 << 20

_ANSWERS = ("prediction", "score")
_DECIMALS = re.compile(r"[+-]?([0-9]*)\.([0-9]{1,40})(?:[eE]([+-]?[0-9]{1,3}))?")
# A number of 64 bits that was not rounded has so many digits, or few by chance.
_IN_FULL = 15

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReleasedRows:
    """Rows with the answers that were recorded for them; none where `untested` says why."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    ids: tuple[str, ...] = ()
    answers: dict[str, Any] = field(default_factory=dict)
    untested: str = ""

    def document(self) -> dict[str, Any]:
        """The rows as JSON: schema 1.

        `prediction` and `score` are what was recorded for each row, null where nothing was; `precision` says by how much
        each may differ from what the model said, for it was written with so many decimals: 0 where all were kept.
        """
        return {
            "schema": 1,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "ids": list(self.ids),
            **self.answers,
        }


def read(revision: Revision, model: Model) -> ReleasedRows:
    """The first rows of a model's predictions at a revision, as the test data has them.

    What is not here is fetched. Nothing that goes wrong is an error: `untested` tells it.
    """
    lacking = next((key for key in ("predictions", "id", "test") if not getattr(model, key)), "")
    if lacking:
        return ReleasedRows(untested=f"mlgit.yaml names no `{lacking}` under models.{model.name}")
    predictions, *tests = (posixpath.normpath(path) for path in (model.predictions, *model.test))
    try:
        _bring(revision, [predictions, *tests])
        answered = _answered(revision, predictions, model)
        found: dict[str, Row] = {}
        for path in tests:
            found |= {name: row for name, row in _rows(revision, path, model.id, {*answered} - {*found}) if name not in found}
    except MlgitError as error:
        return ReleasedRows(untested=error.message)
    ids = tuple(name for name in answered if name in found)
    if not ids:
        return ReleasedRows(untested=f"no row of {', '.join(tests)} has an id of the first rows of {predictions}")
    joined = _joined(ids, answered, found, without={model.id, model.label})
    has_answers = any(joined.answers[what] is not None for what in _ANSWERS)
    return joined if has_answers else ReleasedRows(untested=f"the first rows of {predictions} hold no prediction")


def _joined(ids: tuple[str, ...], answered: dict[str, Row], found: dict[str, Row], *, without: set[str]) -> ReleasedRows:
    columns = tuple(name for name in dict.fromkeys(name for each in ids for name in found[each]) if name not in without)
    rows = tuple(tuple(found[each].get(name) for name in columns) for each in ids)
    answers: dict[str, Any] = {"precision": {}}
    for what in _ANSWERS:
        values = [answered[each].get(what) for each in ids]
        answers[what] = None if all(value is None for value in values) else values
        answers["precision"][what] = None if answers[what] is None else [answered[each][f"{what} precision"] for each in ids]
    return ReleasedRows(columns, rows, ids, answers)


def _bring(revision: Revision, paths: list[str]) -> None:
    for path in paths:
        if not recorded_paths.is_inside(path) or formats.of(path) is None:
            raise MlgitError(f"{path}: no table of the project")
        content = revision.digest(path)
        if content is not None and content.size > LARGEST:
            raise MlgitError(f"{path}: larger than {LARGEST >> 20} MiB")
    if trouble := fetching.fetch(revision, paths):
        raise MlgitError(trouble)


def _answered(revision: Revision, path: str, model: Model) -> dict[str, Row]:
    """What was predicted for the first rows, by their id; ids that stand there twice are passed over."""
    written = {model.id, model.prediction, model.score}
    texts, values = (_first(revision, path, texts=each) for each in (written, {model.id}))
    if model.id not in texts:
        raise MlgitError(f"{path}: no column '{model.id}'")
    if not {model.prediction, model.score} & texts.keys():
        raise MlgitError(f"{path}: neither a column '{model.prediction}' nor '{model.score}'")
    ids = [_id(each) for each in texts[model.id]]
    once = [place for place, name in enumerate(ids) if name and ids.count(name) == 1][:MOST]
    found: dict[str, Row] = {ids[place]: {} for place in once}
    for what, column in (("prediction", model.prediction), ("score", model.score)):
        if column in texts:
            for place, precision in zip(once, _precisions([texts[column][each] for each in once]), strict=True):
                found[ids[place]] |= {what: plain(values[column][place]), f"{what} precision": precision}
    return found


def _first(revision: Revision, path: str, *, texts: Iterable[str]) -> Row:
    """The first rows of a table, as columns by name."""
    with _opened(revision, path) as source:
        pieces = chunks.chunks(source, path=path, texts=frozenset(texts), literally=True, most=LARGEST)
        for piece in pieces:
            if any(len(values) for values in piece.values()):
                return {name: list(values[: 20 * MOST]) for name, values in piece.items()}
    raise MlgitError(f"{path}: no rows")


def _rows(revision: Revision, path: str, id_column: str, wanted: set[str]) -> Iterator[tuple[str, Row]]:
    """The rows of a table whose id is wanted, first ones first; values as JSON has them."""
    missing = set(wanted)
    if not missing:
        return
    with _opened(revision, path) as source:
        for piece in chunks.chunks(source, path=path, texts={id_column}, most=LARGEST):
            if id_column not in piece:
                raise MlgitError(f"{path}: no column '{id_column}'")
            for place, value in enumerate(piece[id_column]):
                name = _id(value)
                if name in missing:
                    missing.remove(name)
                    yield name, {each: plain(values[place]) for each, values in piece.items()}
            if not missing:
                return


@contextmanager
def _opened(revision: Revision, path: str) -> Iterator[bytes | BinaryIO]:
    """A file of a revision; its bytes are those that are recorded."""
    place = revision.contents.place(path)
    if place is not None:
        with open(place, "rb") as stream:
            yield stream
        return
    content = revision.contents.read(path, most=LARGEST)
    if content is None:
        raise MlgitError(f"{path}: not in the commit, and not recorded there")
    yield content


def _id(value: Any) -> str:
    """An id as text; '' for a missing one."""
    found = plain(value)
    return "" if found is None else str(found)


def plain(value: Any) -> Any:
    """A value of a table as JSON has it: None, a truth value, a number or a text."""
    found = value.item() if hasattr(value, "item") else value
    if found is None or found != found:  # NaN, and the missing values of pandas' dates
        return None
    if isinstance(found, bool | int | str):
        return found
    if isinstance(found, float):
        return found if abs(found) != float("inf") else None
    if hasattr(found, "isoformat"):
        return found.isoformat()
    if isinstance(found, list | tuple):
        return [plain(each) for each in found]
    return str(found)


def _precisions(texts: list[Any]) -> list[float]:
    """Half a unit of the last decimal of each number that was written as text; 0 for what was not rounded."""
    known = [_DECIMALS.fullmatch(text) if isinstance(text, str) else None for text in texts]
    if any(found and len((found[1] + found[2]).lstrip("0")) >= _IN_FULL for found in known):
        return [0.0] * len(texts)  # short ones are so by themselves
    each = [0.5 * 10.0 ** (int(found[3] or 0) - len(found[2])) if found else 0.0 for found in known]
    return [found or max(each) for found in each]
