"""Which form of its rows a model takes: found by asking it of rows whose answers are known, not guessed from its types.

An array of floats is the fastest. It is taken where the model answers as it did where it was judged, and the same as it
answers a table with names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.serving import contract_checks, estimator, self_test
from mlgit.serving.estimator import Form, LoadedEstimator
from mlgit.serving.inputs import Inputs
from mlgit.serving.loaded import Predictor
from mlgit.serving.release import Release
from mlgit.serving.rows import Method, RefusedRequestError
from mlgit.serving.self_test import RecordedRows
from mlgit.validation.contract import Contract

# Values to ask with where nothing is recorded, by the contract's type.
_PROBES: dict[str, tuple[Any, ...]] = {
    "integer": (0, 1, 2),
    "number": (0.0, 1.0, 0.5),
    "boolean": (False, True, True),
    "string": ("a", "b", "a b"),
    "": (0.0, 1.0, 0.5),
}


_MEND = "mend the predictor in the project and release it; a difference of rounding passes with --self-test-rtol"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A form that a model was asked in: what it answered by method, or why it answered nothing, and what differs.

    `tested` is of how many recorded rows it was asked.
    """

    estimator: LoadedEstimator
    answers: dict[Method, np.ndarray]
    refused: str = ""
    differs: str = ""
    tested: int = 0


def chosen(
    model: Any, *, release: Release, contract: Contract | None, recorded: RecordedRows | None, rtol: float
) -> tuple[LoadedEstimator, Inputs, int]:
    """The model in the form that it takes, its inputs, and how many recorded rows it answers as recorded.

    Raises MlgitError where it answers otherwise in every form, naming a row and both values.
    """
    methods, classes = estimator.opened(model, name=release.file)
    candidates = [
        LoadedEstimator(model, form, columns, methods, classes, _types(contract, columns or (), recorded, form=form))
        for columns, form in _candidates(model, release, contract, recorded)
    ]
    attempts = [_attempt(each, release=release, recorded=recorded, rtol=rtol) for each in candidates]
    best = _best(attempts)
    if best is None:
        raise _none(attempts, release=release)
    _refuse_several(attempts, best, name=f"{release.model} {release.version}")
    found = best.estimator
    estimator.settle(model, without_names=found.form in ("numbers", "objects", "texts"))
    again = _attempt(found, release=release, recorded=recorded, rtol=rtol)
    if again.differs or (again.refused and best.answers):
        raise MlgitError(f"{release.file}: {again.refused or again.differs}", "this is a defect of mlgit: please report it")
    width = 0 if found.columns else estimator.width_of(model)
    names = found.columns or ()
    takes: contract_checks.Takes = found.form if found.form in ("numbers", "texts") else ""
    inputs = contract_checks.compiled(contract, names=names, takes=takes, width=width, types=found.types)
    return found, inputs, best.tested


def _refuse_several(attempts: Sequence[_Attempt], best: _Attempt, *, name: str) -> None:
    """Raise MlgitError where a model of one text answers as recorded whichever column it is given: none is guessed."""
    texts = [
        each.estimator.columns[0]
        for each in attempts
        if each.estimator.form == "texts" and each.estimator.columns and not each.refused and not each.differs
    ]
    if best.estimator.form == "texts" and len(texts) > 1:
        raise MlgitError(
            f"{name}: the model takes one text, and it may be any of {', '.join(texts[:10])}",
            "name a `contract` under `serving:` in mlgit.yaml that has the one, or mark the others `absentAtServing: true`",
        )


def _best(attempts: Sequence[_Attempt]) -> _Attempt | None:
    """The first form in which the model answers as recorded and, if it is an array, as it answers a table.

    Where nothing is recorded, values that were made up are no reason to refuse: a table, or what comes nearest, is taken.
    """
    good = [each for each in attempts if not each.refused and not each.differs]
    if good:
        alike = (each for each in good if all(_agree(each, other) for other in good if _is_reference(other, each)))
        return next(alike, good[-1])
    if any(each.tested or each.refused.startswith("NotFittedError") for each in attempts):
        return None
    return next((each for each in attempts if each.estimator.form == "table"), attempts[0])


def tested(predictor: Predictor, *, release: Release, recorded: RecordedRows | None, rtol: float) -> int:
    """How many recorded rows a predictor answers as recorded. Raises MlgitError where it answers otherwise, or not at all."""
    rows = recorded.only(predictor.columns or ()) if recorded and _is_judged(recorded) else None
    if recorded is None or not rows:
        return 0
    name = f"{release.model} {release.version}"
    try:
        answers = {each: predictor.predict(rows, method=each) for each in predictor.methods}
    except Exception as error:
        cause = error.__cause__ or error
        what = f"{type(cause).__name__}: {str(cause)[:300]}"
        raise MlgitError(f"{name}: the predictor does not answer recorded rows: {what}", _MEND) from error
    if differs := difference(predictor, answers, release=release, recorded=recorded, rtol=rtol):
        raise MlgitError(f"{name} answers otherwise than recorded: {differs}", _MEND)
    return len(rows)


def _candidates(
    model: Any, release: Release, contract: Contract | None, recorded: RecordedRows | None
) -> Iterator[tuple[tuple[str, ...] | None, Form]]:
    names, width = estimator.names_of(model), estimator.width_of(model)
    known = contract_checks.names_of(contract, without=(release.id, release.label)) if contract else ()
    seen = tuple(each for each in recorded.columns if each not in (release.id, release.label)) if recorded else ()
    if names is not None:
        names = _as_in_tables(names, (*known, *seen))
        forms: tuple[Form, ...] = ("numbers", "table", "categories")
        yield from ((names, form) for form in forms)
        return
    if width:
        columns = next((each for each in (known, seen) if len(each) == width), None)
        yield columns, "numbers"
        yield columns, "objects"
        return
    texts = [each for each in known if contract and _is_text(contract, each)] or list(_texts(recorded, seen))
    yield from (((name,), "texts") for name in texts)
    if not texts:
        yield None, "texts"
    if known:
        yield known, "table"


def _as_in_tables(names: tuple[str, ...], columns: Sequence[str]) -> tuple[str, ...]:
    """The names of a model as tables and requests have them: LightGBM keeps a name with `_` for each space in it."""
    known: dict[str, set[str]] = {}
    for each in columns:
        known.setdefault(re.sub(r"\s", "_", each), set()).add(each)
    return tuple(each if each in columns or len(same := known.get(each, set())) != 1 else min(same) for each in names)


def _is_text(contract: Contract, name: str) -> bool:
    column = contract.column(name)
    return column is not None and column.type in ("string", "")


def _texts(recorded: RecordedRows | None, names: Sequence[str]) -> Iterator[str]:
    """The columns that hold texts in all recorded rows."""
    for name in names:
        rows = recorded.only((name,)) if recorded else None
        if rows and all(isinstance(each[0], str) for each in rows):
            yield name


def _types(contract: Contract | None, names: Sequence[str], recorded: RecordedRows | None, *, form: Form) -> tuple[str, ...]:
    """The logical types of these columns: the contract's; without one, what is sure is that a text is one."""
    if contract is not None:
        return contract_checks.types_of(contract, names)
    texts = set(names if form == "texts" else _texts(recorded, names))
    return tuple("string" if each in texts else "" for each in names)


def _is_judged(recorded: RecordedRows) -> bool:
    return bool(recorded.rows) and (recorded.predictions is not None or recorded.scores is not None)


def _rows(found: LoadedEstimator, recorded: RecordedRows | None) -> tuple[list[tuple[Any, ...]], bool]:
    """Rows to ask of, and whether they are recorded ones."""
    if recorded and recorded.rows:
        if found.columns is not None and (rows := recorded.only(found.columns)) is not None:
            return rows, True
        if found.columns is None and len(recorded.columns) == estimator.width_of(found.model):
            return list(recorded.rows), True
    if found.form == "texts":
        return [("a",), ("b",), ("a b",)], False
    width = len(found.columns) if found.columns else estimator.width_of(found.model)
    types = found.types or ("",) * width
    return [tuple(_PROBES.get(kind, _PROBES["string"])[row] for kind in types) for row in range(3)], False


def _attempt(found: LoadedEstimator, *, release: Release, recorded: RecordedRows | None, rtol: float) -> _Attempt:
    rows, is_recorded = _rows(found, recorded)
    is_judged = is_recorded and recorded is not None and _is_judged(recorded)
    tested = len(rows) if is_judged else 0
    try:
        with estimator.quiet():
            answers = {each: found.predict(rows, method=each) for each in found.methods}
    except Exception as error:
        cause = (error.__cause__ or error) if isinstance(error, RefusedRequestError) else error
        return _Attempt(found, {}, refused=f"{type(cause).__name__}: {cause}", tested=tested)
    if not is_judged or recorded is None:
        return _Attempt(found, answers)
    differs = difference(found, answers, release=release, recorded=recorded, rtol=rtol)
    return _Attempt(found, answers, differs=differs, tested=tested)


def difference(
    predictor: Predictor,
    answers: dict[Method, np.ndarray],
    *,
    release: Release,
    recorded: RecordedRows,
    rtol: float,
) -> str:
    """What the first recorded row is that is answered otherwise, '' where none is."""
    scores = None
    classes = predictor.classes
    if "predict_proba" in answers and len(classes) >= 2 and recorded.scores is not None:
        place = next((at for at, each in enumerate(classes) if self_test.is_same(release.positive, each, rtol=0)), None)
        if place is None and release.positive is None and len(classes) == 2:
            place = 1
        scores = answers["predict_proba"][:, place].tolist() if place is not None else None
    predictions = answers["predict"].tolist()
    return self_test.difference(recorded, predictions=predictions, scores=scores, rtol=rtol, is_exact=bool(classes))


def _is_reference(other: _Attempt, attempt: _Attempt) -> bool:
    return attempt.estimator.form == "numbers" and other.estimator.form == "table"


def _agree(one: _Attempt, other: _Attempt) -> bool:
    """Whether both forms are answered alike, to the last bits of a float."""
    for method, found in one.answers.items():
        wanted = other.answers[method]
        if found.shape != wanted.shape:
            return False
        if found.dtype.kind == "f" and wanted.dtype.kind == "f":
            if not np.allclose(found, wanted, rtol=1e-12, atol=0, equal_nan=True):
                return False
        elif found.tolist() != wanted.tolist():
            return False
    return True


def _none(attempts: Sequence[_Attempt], *, release: Release) -> MlgitError:
    """Why no form will do: what differs where it was answered at all, else what the last form was refused with."""
    texts = [each.estimator.columns[0] for each in attempts if each.estimator.form == "texts" and each.estimator.columns]
    differs = next((each.differs for each in attempts if each.differs), "")
    if differs:
        what = f"{release.model} {release.version} answers otherwise than recorded: {differs}"
        if len(texts) > 1:
            what += f" (asked of {', '.join(texts[:5])})"
        return MlgitError(
            what,
            "serve a project's own rule, such as a threshold, with --predictor MODULE:FUNCTION; "
            "a difference of rounding with --self-test-rtol",
        )
    refused = next((each.refused for each in reversed(attempts) if each.refused), "")
    return MlgitError(
        f"{release.model} {release.version}: the model does not answer: {refused[:500]}",
        "serve it with --predictor MODULE:FUNCTION, which hands the rows to it as it was trained",
    )


def row_for(found: Predictor, recorded: RecordedRows | None) -> list[tuple[Any, ...]]:
    """One row that the model was asked of."""
    if isinstance(found, LoadedEstimator):
        return _rows(found, recorded)[0][:1]
    rows = recorded.only(found.columns or ()) if recorded else None
    return rows[:1] if rows else []
