"""Holds data against the contracts that mlgit.yaml names for it."""

from __future__ import annotations

import datetime
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc.objects import file_md5
from mlgit.adapters.formats import documents
from mlgit.adapters.system import digests, files
from mlgit.commands.data_paths import refuse_incomplete, refuse_input, refuse_outside
from mlgit.errors import MlgitError, near_miss
from mlgit.project import Project
from mlgit.validation import document, judge, parse, source
from mlgit.validation.contract import Contract
from mlgit.validation.finding import ContractOutcome, ContractResult, worst

_EXIT = {"pass": errors.EXIT_YES, "warn": errors.EXIT_YES, "fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Every table with what became of its contract, in the order of mlgit.yaml or of the command line.

    `digests` are those of the data by its name, as DVC computes them; empty where nobody asked. `is_one`: of one named table.
    `accepting` is what to type, for each, to bring its contract up to the data.
    """

    results: tuple[ContractResult, ...]
    digests: Mapping[str, str]
    is_one: bool = False
    accepting: tuple[str, ...] = ()

    @property
    def outcome(self) -> ContractOutcome:
        """The worst of all."""
        return worst(each.outcome for each in self.results)

    @property
    def exit_code(self) -> int:
        """0 where the data keeps its contracts, warnings or not; 1 where it breaks one; 2 where nobody can say."""
        return _EXIT[self.outcome]

    def document(self, *, is_recorded: bool = False) -> dict[str, Any]:
        """The result as one JSON document: that of the one table that was asked for, or all under `results`.

        One that is recorded holds no age: for the same data it changes only where a freshness rule comes to another outcome.
        """
        found = [
            document.document(each, digest=self.digests.get(each.data, ""), with_age=not is_recorded) for each in self.results
        ]
        return {"schema": 1} | (found[0] if self.is_one else {"verdict": self.outcome, "results": found})


def check_data(
    paths: Sequence[str] = (), *, contract: str | None = None, with_digests: bool = False, output: str | None = None
) -> DataCheck:
    """Hold data against contracts: each of `paths`, or all of `data:` in mlgit.yaml.

    `contract` is a file to use instead of those in mlgit.yaml; then no project is needed. The document is written to the file
    `output`, if one is named, whatever became of the contracts. Raises MlgitError where there is nothing to hold against
    anything, for a contract or data that cannot be read, and for an `output` that is one of them.
    """
    pairs = _given(paths, contract) if contract is not None else _declared(paths)
    if output is not None:
        read_too = [] if contract is not None else [(str(projects.find().root / projects.CONFIG), projects.CONFIG)]
        refuse_input(output, [*read_too, *(each for pair in pairs for each in (pair[:2], pair[2:]))])
        with_digests = True
    now = datetime.datetime.now(datetime.UTC)
    results, known = [], {}
    for path, name, file, shown in pairs:
        read = load_contract(file, name=shown)
        parts = source.parts_of(path, name=name)
        results.append(judge.judge(read, parts, data=name, now=now))
        if with_digests:
            known[name] = _digest(path)
    found = DataCheck(tuple(results), known, len(paths) == 1, tuple(_accepting(path, file) for path, _, file, _ in pairs))
    if output is not None:
        os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
        files.write_atomic(Path(output), document.recorded(found.document(is_recorded=True)) + "\n")
    return found


def _accepting(path: str, file: str) -> str:
    return f"mlgit data infer {_typed(path)} --update {_typed(file)}"


def _typed(path: str) -> str:
    """A path as it is typed in the current folder."""
    near = os.path.relpath(path) if os.path.isabs(path) else path
    return shlex.quote(f"./{near}" if near.startswith("-") else near)


def load_contract(path: str, *, name: str) -> Contract:
    """The contract in a file. Raises MlgitError for one that is not there, is faulty, or asks for nothing."""
    if not os.path.exists(path):
        raise MlgitError(f"{name}: no such contract", "`mlgit data infer PATH -o FILE` writes one")
    found = parse.parse(documents.parse_yaml(files.read_text(Path(path), name=name), name=name), name=name)
    judge.refuse_without_checks(found)
    return found


_Pair = tuple[str, str, str, str]  # data and its name, contract and its name


def _given(paths: Sequence[str], contract: str) -> list[_Pair]:
    if not paths:
        raise MlgitError(
            f"{contract}: which data has to keep it?", f"type `mlgit data check PATH --contract {_typed(contract)}`"
        )
    folders = [each for each in paths if os.path.isdir(each)]
    if folders and (project := _project()):
        for each in folders:
            refuse_incomplete(project, _inside(project, each))
    return [(path, path.rstrip("/") or path, contract, contract) for path in paths]


def _project() -> Project | None:
    """The project around the current folder; None where there is none."""
    try:
        return projects.find()
    except MlgitError:
        return None


def _declared(paths: Sequence[str]) -> list[_Pair]:
    project = projects.find()
    contracts = projects.load_config(project).contracts
    if not contracts:
        raise MlgitError(
            f"{projects.CONFIG}: data: no data has a contract",
            "`mlgit data infer PATH -o schemas/NAME.odcs.yaml` writes one; name it under `data:`, or type `--contract FILE`",
        )
    wanted = [_inside(project, path) for path in paths] or list(contracts)
    return [_pair(project, contracts, each) for each in wanted]


def _inside(project: Project, path: str) -> str:
    """A path as mlgit.yaml writes it."""
    return os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path)), project.root)


def _pair(project: Project, contracts: Mapping[str, str], path: str) -> _Pair:
    """Data with its contract; a part of a folder has to keep that of the folder."""
    above = [each for each in contracts if path == each or path.startswith(f"{each}/")]
    if not above:
        raise MlgitError(
            f"{path}: no contract under `data:` in {projects.CONFIG}" + near_miss(path, contracts),
            f"name it there, or type `mlgit data check {_typed(str(project.root / path))} --contract FILE`",
        )
    file = contracts[max(above, key=len)]
    refuse_outside(project, path)
    refuse_outside(project, file)
    refuse_incomplete(project, path)
    return str(project.root / path), path, str(project.root / file), file


def _digest(path: str) -> str:
    """MD5 of a file; of a folder, that of its files with their names, as DVC computes it."""
    if not os.path.isdir(path):
        return file_md5(path)
    below = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return digests.listing_md5((os.path.relpath(each, path), file_md5(each)) for each in below)
