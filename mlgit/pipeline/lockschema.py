"""What a dvc.lock may hold: DVC refuses the whole file for one key too many, also in a stage that is declared no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit.errors import MlgitError

_LOCK_KEYS = {"schema", "stages", "datasets"}
_ENTRY_KEYS = {"cmd", "deps", "params", "outs"}
_DIGEST = (str, int, type(None))
_ROW_TYPES: dict[str, tuple[type, ...]] = {
    "path": (str,),
    "hash": (str,),
    "md5": _DIGEST,
    "etag": _DIGEST,
    "checksum": _DIGEST,
    "size": (int,),
    "nfiles": (int,),
    "isexec": (bool,),
    "version_id": (str,),
    "cloud": (dict,),
    "files": (list,),
    "dataset": (dict,),
}


def check(document: Any, *, name: str) -> None:
    """Raise MlgitError for what DVC's schema of a lock does not allow."""
    hint = f"restore the file: `git checkout -- {name}`"
    if not isinstance(document, Mapping):
        raise MlgitError(f"{name}: expected a mapping with 'schema' and 'stages'", hint)
    if document.get("schema") != "2.0":
        found = f"found {document['schema']!r}" if "schema" in document else "it is missing"
        raise MlgitError(f"{name}: schema: expected '2.0', {found}", hint)
    unknown = next((key for key in document if key not in _LOCK_KEYS), None)
    if unknown is not None:
        indented = isinstance(document[unknown], Mapping) and "cmd" in document[unknown]
        raise MlgitError(
            f"{name}: '{unknown}': unknown key", f"indent it: it is a stage, below `stages:`; or {hint}" if indented else hint
        )
    stages = document.get("stages", {})
    if not isinstance(stages, Mapping):
        raise MlgitError(f"{name}: stages: expected the stages by name, found {stages!r}", hint)
    for stage, body in stages.items():
        fault = _fault(body)
        if fault:
            raise MlgitError(f"{name}: stages.{stage}{fault}", hint)


def _fault(body: Any) -> str:
    """What is wrong with one stage of a lock, after its name; '' for nothing."""
    if not isinstance(body, Mapping):
        return f": not a lock entry: {body!r}"
    unknown = next((key for key in body if key not in _ENTRY_KEYS), None)
    if unknown is not None:
        return f".{unknown}: unknown key"
    if not isinstance(body.get("cmd"), str | list):
        return ".cmd: not a lock entry: cmd is not a command" if "cmd" in body else ": not a lock entry: no 'cmd'"
    params = body.get("params", {})
    if not isinstance(params, Mapping):
        return f".params: expected values by file, found {params!r}"
    for file, values in params.items():
        if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
            return f".params.{file}: expected values by name"
    for key in ("deps", "outs"):
        if not isinstance(body.get(key, []), list):
            return f".{key}: expected a list"
        for number, row in enumerate(body.get(key, ())):
            fault = _fault_of_row(row)
            if fault:
                return f".{key}.{number}{fault}"
    return ""


def _fault_of_row(row: Any) -> str:
    if not isinstance(row, Mapping) or not isinstance(row.get("path"), str):
        return ": not recorded as DVC does it: no path"
    for key, value in row.items():
        if key not in _ROW_TYPES:
            return f".{key}: unknown key"
        if not isinstance(value, _ROW_TYPES[key]):
            return f".{key}: not recorded as DVC does it: {value!r}"
    return ""
