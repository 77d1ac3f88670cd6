"""A model of scikit-learn's kind that answers: how rows are handed to it, so that it answers as it did where it was judged."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.serving.rows import METHODS, Method, RefusedRequestError

# How rows reach a model: as one array of floats, as a list of texts, as an array of objects, as a table with names, and as a
# table whose texts are categories.
_TEXTS = ("string", "date", "timestamp", "time")
Form = Literal["numbers", "texts", "objects", "table", "categories"]


@dataclass(frozen=True, slots=True)
class LoadedEstimator:
    """A fitted model and the form in which it is given rows. `types` are the contract's logical types of its columns."""

    model: Any
    form: Form
    columns: tuple[str, ...] | None
    methods: tuple[Method, ...]
    classes: tuple[Any, ...] = ()
    types: tuple[str, ...] = ()

    def predict(self, data: Any, *, method: Method) -> np.ndarray:
        """One row of the answer for each row. Raises RefusedRequestError for values that the model does not take."""
        ask = getattr(self.model, method)
        try:
            rows = handed(data, form=self.form, columns=self.columns, types=self.types)
            # what is known to be finite need not be looked through by every step of a pipeline
            with _quick(is_finite=self.form == "numbers" and bool(np.isfinite(rows).all())):
                found = ask(rows)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            # what is wrong stands in a message that repeats the values
            raise RefusedRequestError("the model does not take these values", error_code="INVALID_PARAMETER_VALUE") from error
        return as_array(found)


def as_array(found: Any) -> np.ndarray:
    """Predictions as an array: those of several labels may be sparse, others a Series or a list."""
    if isinstance(found, np.ndarray):
        return found
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)


@contextmanager
def _quick(*, is_finite: bool) -> Iterator[None]:
    import sklearn

    with sklearn.config_context(assume_finite=is_finite, skip_parameter_validation=True):
        yield


def handed(data: Any, *, form: Form, columns: Sequence[str] | None, types: Sequence[str] = ()) -> Any:
    """Rows in a form that a model takes."""
    if form == "numbers":
        return np.array(data, dtype=np.float64)
    rows = data.tolist() if isinstance(data, np.ndarray) else data
    if form == "texts":
        return [each[0] for each in rows]
    if form == "objects":
        found = np.empty((len(rows), len(rows[0]) if len(rows) else 0), dtype=object)
        for place, row in enumerate(rows):
            found[place] = row
        return found
    return _table(rows, columns or (), types, with_categories=form == "categories")


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[str], types: Sequence[str], *, with_categories: bool) -> Any:
    """A table whose columns have the types that a reader of CSV gives them."""
    import pandas as pd

    found = pd.DataFrame(rows, columns=_index(tuple(columns)))
    mixed = [place for place, dtype in enumerate(found.dtypes) if isinstance(dtype, np.dtype) and dtype.kind == "O"]
    for place in mixed:
        values = [math.nan if row[place] is None else row[place] for row in rows]
        found.isetitem(place, pd.Series(values, dtype=_dtype(values, types[place] if types else "")))
    if with_categories:
        found = found.astype({name: "category" for name, dtype in found.dtypes.items() if dtype.kind not in "iufb"})
    return found


@lru_cache(maxsize=64)
def _index(columns: tuple[str, ...]) -> Any:
    import pandas as pd

    return pd.Index(columns)


def _dtype(values: Sequence[Any], kind: str) -> Any:
    """The type of a column of which nothing but mixed or missing values are known."""
    kinds = {type(each) for each in values if each == each}
    if kinds == {str} or (not kinds and kind in _TEXTS):
        return "str"
    return "float64" if kinds <= {int, float} else object


def opened(model: Any, *, name: str) -> tuple[tuple[Method, ...], tuple[Any, ...]]:
    """What a model can be asked, and its classes. Raises MlgitError for what answers nothing."""
    methods = tuple(each for each in METHODS if callable(getattr(model, each, None)))
    if "predict" not in methods or isinstance(model, type):
        what = f"{type(model).__module__}.{type(model).__qualname__}".removeprefix("builtins.")
        raise MlgitError(
            f"{name}: what it holds is a {what}, which has no `predict`",
            "serve it with --predictor MODULE:FUNCTION, which reads it and answers",
        )
    classes = getattr(model, "classes_", None)
    if isinstance(classes, list):  # several answers a row, each with classes of its own
        return ("predict",), ()
    return methods, tuple(classes.tolist()) if isinstance(classes, np.ndarray) and classes.ndim == 1 else ()


def names_of(model: Any) -> tuple[str, ...] | None:
    """The names of a model's inputs, where it was trained with names."""
    names = getattr(model, "feature_names_in_", None)
    return tuple(str(each) for each in names) if names is not None else None


def width_of(model: Any) -> int:
    """How many inputs a model has, 0 where it does not say."""
    try:
        return int(getattr(model, "n_features_in_", 0))
    except (AttributeError, TypeError, ValueError):
        return 0


def settle(model: Any, *, without_names: bool) -> None:
    """Have a model, and all that lies in it, use one thread: a server has many requests for as many cores.

    Without names: it is given arrays, and would warn of every one that it was trained with a table.
    """
    if without_names:  # what keeps its names out of reach, as LightGBM does, would warn of each request
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
    waiting, seen = [model], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, (list, tuple)):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, np.ndarray) and each.dtype == object:
            waiting += each.ravel().tolist()
        elif hasattr(each, "get_params"):
            inner = vars(each)
            if "n_jobs" in inner:
                each.n_jobs = 1
            if without_names:
                inner.pop("feature_names_in_", None)
            waiting += inner.values()


@contextmanager
def quiet() -> Iterator[None]:
    """What libraries warn of while forms are tried is said by the outcome."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
