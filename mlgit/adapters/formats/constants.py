"""The constants of a Python file, read without running it."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from mlgit.errors import MlgitError


def parse(text: str, *, name: str) -> dict[str, Any]:
    """The constants of a Python parameter file, without running it.

    As in DVC: assignments of literals at module level, in the bodies of classes (as nested mappings), and of
    `self.x` in their `__init__`; anything else in the file is passed over.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's code, which is not run here
            tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise MlgitError(f"{name}: line {line}: {getattr(error, 'msg', error)}") from error
    except (MemoryError, RecursionError) as error:
        raise MlgitError(f"{name}: nested too deeply") from error
    try:
        return _constants(tree.body)
    except TypeError as error:
        raise MlgitError(
            f"{name}: a key or member that is a list, a mapping or a set: {error}", "correct it: no Python can run it"
        ) from error


def _constants(body: list[ast.stmt], *, of_self: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = _constants(statement.body)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found.update(_constants(statement.body, of_self=True))
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            found.update(_assigned(statement.targets[0], statement.value, of_self=of_self))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            found.update(_assigned(statement.target, statement.value, of_self=of_self))
    return found


def _assigned(target: ast.expr, value: ast.expr, *, of_self: bool) -> dict[str, Any]:
    if isinstance(target, ast.Name) and not of_self:
        name = target.id
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        name = target.attr
    else:
        return {}
    try:
        return {name: ast.literal_eval(value)}
    except (ValueError, MemoryError, RecursionError):
        return {}
