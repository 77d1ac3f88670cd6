"""Brings a contract up to what data shows, in its own text: comments, order and rules stay."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.adapters.formats import documents, edits
from mlgit.adapters.system import files
from mlgit.commands import data_infer
from mlgit.errors import MlgitError
from mlgit.validation import contract_text, evolution, judge, parse, source, versions, widening
from mlgit.validation.check_changes import ContractChange
from mlgit.validation.contract import Contract
from mlgit.validation.widening import Edit, Widening


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What became of a contract: its version `before` and now, what changed, and what was kept though the data breaks it."""

    data: str
    file: str
    before: str
    version: str
    changes: tuple[ContractChange, ...] = ()
    kept: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "data": self.data,
            "file": self.file,
            "before": self.before,
            "version": self.version,
            "changes": [{"path": each.path, "direction": each.direction, "sentence": each.sentence} for each in self.changes],
            "kept": list(self.kept),
        }


def update_contract(path: str, file: str, *, ids: Collection[str] = ()) -> UpdateResult:
    """Bring the contract in a file up to the data at a path; without a change, the file is not written.

    Raises MlgitError for what is no contract, and where a value cannot be changed in its place.
    """
    content = files.read_bytes(Path(file), name=file)
    text = files.decode(content, name=file)
    document = documents.parse_yaml(text, name=file)
    contract = parse.parse(document, name=file)
    table = data_infer.look(path)
    known = {str(each.get("physicalName") or each.get("name")) for each in document["schema"][0].get("properties") or []}
    added = [each for each in data_infer.properties(path, table, contract=contract, ids=ids) if each["name"] not in known]
    found = widening.widen(document, contract=contract, table=table)
    if not found.edits and not added:
        return UpdateResult(path, file, contract.version, contract.version, kept=_kept(path, contract, found))
    changed = _added(_edited(text, found.edits, name=file), document, added, name=file)
    now = parse.parse(documents.parse_yaml(changed, name=file), name=file)
    seen = evolution.evolved(path, contract, now)
    # one that is no three numbers stays: nobody can say what comes next
    version = versions.next_version(contract.version, seen.needed("consumer")) or contract.version
    if version != contract.version:
        version = f"v{version}" if contract.version.startswith("v") else version
        changed = edits.set_value(changed, "version", version, name=file)
    mark = "\ufeff" if content.startswith(codecs.BOM_UTF8) else ""
    files.write_atomic(Path(file), (mark + changed).encode())
    return UpdateResult(path, file, contract.version, version, seen.changes, _kept(path, now, found))


def _kept(path: str, contract: Contract, found: Widening) -> tuple[str, ...]:
    """What the data breaks in the contract as it is now."""
    return found.broken(judge.judge(contract, source.parts_of(path, name=path), data=path))


def _edited(text: str, wanted: Iterable[Edit], *, name: str) -> str:
    for each in wanted:
        text = edits.set_value(text, each.key, each.value, name=name)
    return text


def _added(text: str, document: Mapping[str, Any], properties: Sequence[Mapping[str, Any]], *, name: str) -> str:
    """With columns behind those that are there."""
    if not properties:
        return text
    if not document["schema"][0].get("properties"):
        raise MlgitError(f"{name}: schema[0].properties: no column yet, so none can be added", "write the first one by hand")
    key = "schema.0.properties"
    rows = [(dict(each), "\n".join(contract_text.column(each, indent=0))) for each in properties]
    try:
        return edits.append_rows(text, key, rows, name=name)
    except MlgitError:  # a list in one line
        return edits.set_value(text, key, [*edits.value_at(text, key, name=name), *properties], name=name)
