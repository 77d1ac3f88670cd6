"""Drafts a contract from data, or brings one up to what the data shows."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project
from mlgit.adapters.formats import documents, edits
from mlgit.adapters.system import files
from mlgit.commands.data_paths import refuse_input
from mlgit.config import NAME as CONFIG
from mlgit.config import Config
from mlgit.config import parse as parse_config
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.render.yaml_text import key
from mlgit.tables import formats
from mlgit.validation import contract_text, infer, parse, profiling, source
from mlgit.validation.contract import Contract
from mlgit.validation.profile import TableProfile

ENDING = ".odcs.yaml"
_HEAD = """\
What {data} must be, drafted from {rows:,} rows by `mlgit data infer`: look it over, and add what else you know.
The form is the Open Data Contract Standard: https://bitol-io.github.io/open-data-contract-standard/
yaml-language-server: $schema=https://raw.githubusercontent.com/bitol-io/open-data-contract-standard/main/schema/odcs-json-schema-v3.1.0.json"""


@dataclass(frozen=True, slots=True)
class InferResult:
    """A contract for `data`: its `text`, and the file it was written to, '' for none.

    `is_mapped`: mlgit.yaml says that it is for this data, `was_mapped`: since now. `entry` is the line for it.
    """

    data: str
    rows: int
    columns: int
    text: str
    document_: Mapping[str, Any]
    file: str = ""
    is_mapped: bool = False
    was_mapped: bool = False
    entry: str = ""
    notes: tuple[str, ...] = ()
    following: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "data": self.data,
            "rows": self.rows,
            "file": self.file or None,
            "contract": self.document_,
            "mapped": self.is_mapped,
            "notes": list(self.notes),
            "next": list(self.following),
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """The project that data lies in, and its path there; no project, and no path, where it lies in none."""

    project: Project | None
    config: Config
    path: str = ""


def infer_contract(path: str, *, output: str = "", ids: Collection[str] = (), force: bool = False) -> InferResult:
    """A contract drafted from a file, or a folder of parts; written to `output`, if one is named, and entered in mlgit.yaml.

    `ids` are columns that name rows. What a contract for this data, or the one that is replaced, classifies stays classified:
    none of its values is written. Raises MlgitError where such a contract cannot be read, for what is no table or has no rows,
    for a file that is there already (unless `force`, which replaces no table and nothing that is read), and where DuckDB is
    not installed.
    """
    place = _placed(path)
    if output:
        config = [(str(place.project.root / CONFIG), CONFIG)] if place.project else []
        refuse_input(output, [(path, path), *config])
    if output and os.path.lexists(output) and formats.of(os.path.realpath(output)):
        raise MlgitError(f"{output}: there already, and a table", f"name another file, such as {_stem(path)}{ENDING}")
    if output and os.path.lexists(output) and not force:
        hint = f"`mlgit data infer {shlex.quote(path)} --update {shlex.quote(output)}` adds to it, --force replaces it"
        raise MlgitError(f"{output}: there already", hint)
    earlier = _earlier(place, output)
    table = look(path)
    named = {*ids, *_declared(place)}
    missing = [each for each in ids if each not in {column.name for column in table.columns}]
    if missing:
        raise MlgitError(f"{path}: no column '{missing[0]}'", "columns: " + ", ".join(each.name for each in table.columns[:20]))
    stem = _stem(path)
    draft = infer.infer(table, name=_name(output) or stem, ids=named, stem=stem, earlier=earlier)
    text = contract_text.text(draft.document, head=_HEAD.format(data=_one_line(place.path or path), rows=table.rows))
    _check(text, draft.document, name=output or "the draft")
    found = InferResult(path, table.rows, len(table.columns), text, draft.document, notes=draft.notes)
    return _written(found, place, output) if output else found


def properties(path: str, table: TableProfile, *, contract: Contract, ids: Collection[str] = ()) -> list[Mapping[str, Any]]:
    """What is drafted for each column of a table that has a contract."""
    place, stem = _placed(path), _stem(path)
    earlier = [contract, *_earlier(place, "")]
    draft = infer.infer(table, name=stem, ids={*ids, *_declared(place)}, stem=stem, earlier=earlier)
    found: list[Mapping[str, Any]] = draft.document["schema"][0]["properties"]
    return found


def look(path: str) -> TableProfile:
    """What a table holds. Raises MlgitError for one without rows: nothing can be told of it."""
    parts = source.parts_of(path, name=path)
    found = source.read_either(lambda anew: _profile(parts, anew=anew), name=path)
    if not found.rows:
        what = "no rows" if found.columns else "empty"
        raise MlgitError(f"{path}: {what}, so nothing can be told of its columns", "infer from a file with rows")
    return found


def _profile(parts: Sequence[source.Part], *, anew: bool) -> TableProfile:
    with source.opened(parts, anew=anew) as (session, read):
        return profiling.profile(session, read)


def _check(text: str, document: Mapping[str, Any], *, name: str) -> None:
    """What is written is read back as what was meant, and is a contract."""
    found = documents.parse_yaml(text, name=name)
    if found != document:
        raise AssertionError(f"{name}: the contract is not read back as it was drafted")
    parse.parse(found, name=name)


def _placed(path: str) -> _Place:
    try:
        found = project.find()
    except MlgitError:
        return _Place(None, Config())
    full = Path(os.path.abspath(path))
    inside = full.relative_to(found.root).as_posix() if full.is_relative_to(found.root) else ""
    return _Place(found, project.load_config(found), inside)


def _declared(place: _Place) -> set[str]:
    """The columns that are said to name rows by the models that learn from this data, or are judged on it."""
    models = [each for model in place.config.models.values() for each in (model, *model.tests)]
    known = [each for each in models if place.path in map(posixpath.normpath, (*each.train, *each.test))]
    return {each.keys[0] for each in known if len(each.keys) == 1}


def _earlier(place: _Place, output: str) -> list[Contract]:
    """The contracts that this data, or a folder it is a part of, has, and the one in the file that is written, if it is one."""
    found = [
        _read(str(place.project.root / file), name=file)
        for data, file in place.config.contracts.items()
        if place.project and place.path and (place.path == data or place.path.startswith(f"{data}/"))
        if os.path.isfile(place.project.root / file)
    ]
    if output and os.path.isfile(output):
        with suppress(MlgitError):
            found.append(_read(output, name=output))
    return found


def _read(file: str, *, name: str) -> Contract:
    return parse.parse(documents.parse_yaml(files.read_text(Path(file), name=name), name=name), name=name)


def _stem(path: str) -> str:
    name = os.path.basename(os.path.abspath(path))
    return name.removesuffix(formats.ending(name)) if not os.path.isdir(path) else name


def _name(output: str) -> str:
    name = os.path.basename(output)
    return re.sub(r"\.(?:odcs\.)?ya?ml$", "", name)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _written(found: InferResult, place: _Place, output: str) -> InferResult:
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    files.write_atomic(Path(output), found.text)
    mapped, now = _map(place, output)
    inside = _inside(place, output)
    entry = f"{key(place.path)}: {key(inside)}" if place.path and inside else ""
    check = f"mlgit data check {shlex.quote(found.data)}" + ("" if mapped else f" --contract {shlex.quote(output)}")
    return InferResult(
        found.data,
        found.rows,
        found.columns,
        found.text,
        found.document_,
        file=output,
        is_mapped=mapped,
        was_mapped=now,
        entry=entry,
        notes=found.notes,
        following=(*([] if mapped or not entry else [f"# in {CONFIG}, under `data:`: {entry}"]), check),
    )


def _inside(place: _Place, output: str) -> str:
    """The path of the contract in the project, '' where it lies outside."""
    full = Path(os.path.abspath(output))
    root = place.project.root if place.project else None
    return full.relative_to(root).as_posix() if root and full.is_relative_to(root) else ""


def _map(place: _Place, output: str) -> tuple[bool, bool]:
    """Say in mlgit.yaml that this is the contract of the data: whether it is said, and whether that is new."""
    inside = _inside(place, output)
    if place.project is None or not place.path or not inside:
        return False, False
    if place.path in place.config.contracts:
        return place.config.contracts[place.path] == inside, False
    file = place.project.root / CONFIG
    if not file.exists():
        return False, False
    before = files.read_text(file, name=CONFIG)
    wanted = {**place.config.contracts, place.path: inside}
    for change in (_insert, _append):
        changed = _tried(change, before, place.path, inside)
        if changed and _contracts(changed) == wanted:
            files.write_atomic(file, changed)
            return True, True
    return False, False


def _tried(change: Callable[[str, str, str], str], text: str, path: str, contract: str) -> str:
    try:
        return change(text, path, contract)
    except MlgitError:
        return ""


def _contracts(text: str) -> Mapping[str, str] | None:
    try:
        return parse_config(documents.parse_yaml(text, name=CONFIG)).contracts
    except MlgitError:
        return None


def _insert(text: str, path: str, contract: str) -> str:
    """Into a section `data:` with entries."""
    return edits.insert_first(text, "data", entry=key(path), value=key(contract), name=CONFIG)


def _append(text: str, path: str, contract: str) -> str:
    """Below a `data:` without entries, or in a section of its own at the end."""
    line = f"  {key(path)}: {key(contract)}\n"
    empty = re.search(r"^data:[ \t]*(?:#.*)?\n", text, re.MULTILINE)
    if empty:
        return text[: empty.end()] + line + text[empty.end() :]
    gap = "" if text.endswith("\n") else "\n"
    return f"{text}{gap}\n# What data must be: `mlgit data check` judges it.\ndata:\n{line}"
