"""A predictor of the released commit's own code: it runs only where the command line asks for it.

`MODULE:NAME` is looked up in the files of the release, and in their `src` folder. NAME is

- a function of a table, `def predict(frame)`, or of a table and the path of the model, `def predict(frame, model)`;
- a class (or whatever else is called with the path of the model once), whose objects have `predict(frame)`, and may have
  `predict_proba(frame)`, `classes_` (the labels of its columns) and `columns` (the names that `frame` is to have).

`frame` is a pandas DataFrame with the types that a reader of CSV gives. What comes back has an entry for each of its rows. A
ValueError refuses the request; any other error is one of the server's.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.serving.estimator import as_array, handed
from mlgit.serving.rows import METHODS, Method, RefusedRequestError

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_COMMITTED = "modules are those of the released commit, at its top and in its `src`: what came later needs a version of its own"
_SWITCH = threading.RLock()


@dataclass(slots=True, eq=False)
class ReleasedCode:
    """The modules of one release. Those of another have the same names: what is imported while it answers is of its own."""

    roots: tuple[str, ...]
    modules: dict[str, ModuleType] = field(default_factory=dict)

    def enter(self) -> None:
        """Have names mean the modules of this release."""
        if _Active.code is self:
            return
        with _SWITCH:
            if _Active.code is not None:
                _Active.code.leave()
            sys.path[:0] = self.roots
            sys.dont_write_bytecode = True  # a release is what its commit holds, and nothing more
            importlib.invalidate_caches()
            sys.modules.update(self.modules)
            _Active.code = self

    def leave(self) -> None:
        """Put the modules of this release aside."""
        inside = {name: each for name, each in list(sys.modules.items()) if self._has(each)}
        self.modules.update(inside)
        for name in inside:
            del sys.modules[name]
        sys.path[:] = [each for each in sys.path if each not in self.roots]
        _Active.code = None

    def _has(self, module: ModuleType | None) -> bool:
        places = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
        return any(isinstance(each, str) and each.startswith(tuple(f"{root}/" for root in self.roots)) for each in places)


class _Active:
    """Whose modules have their names at present."""

    code: ReleasedCode | None = None


@dataclass(frozen=True, slots=True)
class FunctionPredictor:
    """What answers by the released commit's code: a function for each method, of a table with these columns."""

    code: ReleasedCode
    asked: Mapping[Method, Callable[[Any], Any]]
    columns: tuple[str, ...] | None
    classes: tuple[Any, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[Method, ...]:
        """What it can be asked."""
        return tuple(self.asked)

    def predict(self, data: Any, *, method: Method) -> np.ndarray:
        """One row of the answer for each row. Raises RefusedRequestError where the code raises ValueError."""
        frame = handed(data, form="table", columns=self.columns, types=self.types)
        self.code.enter()
        try:
            answer = as_array(self.asked[method](frame))
        except ValueError as error:
            raise RefusedRequestError(
                "the predictor does not take these values", error_code="INVALID_PARAMETER_VALUE"
            ) from error
        if answer.ndim == 0 or len(answer) != len(frame):
            rows = len(answer) if answer.ndim else 0
            raise RuntimeError(f"the predictor gave {rows} answers for {len(frame)} rows")
        return answer


def opened(name: str, *, code: Path, model: Path, columns: Sequence[str], types: Sequence[str] = ()) -> FunctionPredictor:
    """The predictor of this name, with the columns that it asks for, else with `columns`, whose logical types are `types`.

    Raises MlgitError where there is none, and for what its module raises.
    """
    if not _NAME.fullmatch(name):
        raise MlgitError(f"--predictor {name}: not MODULE:NAME", "for example --predictor churn.serving:predict")
    if not code.is_dir():
        raise MlgitError(
            f"--predictor {name}: the release has no code", "serve a tag, or package it with --predictor, so that it has"
        )
    roots = tuple(str(each) for each in (code.resolve(), code.resolve() / "src") if each.is_dir())
    found = ReleasedCode(roots)
    try:
        found.enter()
        asked, owner = _asked(_looked_up(name), model)
    except MlgitError as error:
        raise MlgitError(f"--predictor {name}: {error.message}", error.hint) from error
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {str(error)[:300]}"
        raise MlgitError(f"--predictor {name}: {what}", _COMMITTED) from error
    own = getattr(owner, "columns", None) if owner is not None else None
    own = getattr(owner, "feature_names_in_", None) if own is None else own
    names = tuple(str(each) for each in own) if own is not None else tuple(columns)
    if not names:
        raise MlgitError(
            f"--predictor {name}: nothing says which columns it takes",
            "name a `contract` under `serving:` in mlgit.yaml, or give its class `columns`",
        )
    known = dict(zip(columns, types, strict=False))
    classes = getattr(owner, "classes_", None)
    handed([], form="table", columns=names)  # has pandas imported now, and not while the first request waits
    labels = tuple(np.asarray(classes).tolist()) if classes is not None else ()
    return FunctionPredictor(found, asked, names, labels, tuple(known.get(each, "") for each in names))


def _looked_up(name: str) -> Any:
    module, _, inner = name.partition(":")
    found: Any = importlib.import_module(module)
    for each in inner.split("."):
        found = getattr(found, each)
    return found


def _asked(found: Any, model: Path) -> tuple[dict[Method, Callable[[Any], Any]], Any]:
    """The functions of a table, by method, and the object that they belong to, None for a function."""
    if inspect.isfunction(found):
        needed = len(inspect.signature(found).parameters)
        if needed not in (1, 2):
            raise MlgitError(f"a function of {needed} arguments", "write it as `predict(frame)` or `predict(frame, model)`")
        return {"predict": found if needed == 1 else lambda frame: found(frame, str(model))}, None
    if not callable(found):
        raise MlgitError("neither a function nor a class", "name a function of a table, or a class with `predict`")
    made = found(str(model))
    asked = {each: getattr(made, each) for each in METHODS if callable(getattr(made, each, None))}
    if "predict" not in asked:
        raise MlgitError("its objects have no `predict`", "add `def predict(self, frame)`")
    return asked, made
