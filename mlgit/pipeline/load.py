"""A whole pipeline from the files that declare it, whether they lie in the workspace or in a revision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mlgit.errors import MlgitError
from mlgit.pipeline import graph, lock, parse
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.lock import LockText
from mlgit.pipeline.model import Entry, Stage

_OLD = "a lock entry of DVC 2 or with a cloud version"


class Source(Protocol):
    """Where pipeline files come from. Paths are relative to the project's `root`, with forward slashes."""

    root: Path

    def pipeline_files(self) -> list[str]:
        """Every dvc.yaml and .dvc file that is not ignored, in the order DVC finds them."""

    def text(self, path: str) -> str | None:
        """The text of a file, or None where there is none."""

    def document(self, path: str) -> Any:
        """The parsed content of a file, by its ending; {} for an empty or missing one."""

    def parse(self, text: str, name: str) -> Any:
        """The parsed content of a text, by the ending of its name."""

    def resolve(self, path: str, document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The stages of a pipeline file with all templating done, in order."""


def load(source: Source) -> Pipeline:
    """Read, resolve, connect and check all pipeline files and their locks.

    Raises MlgitError, naming file and place, for anything DVC would not accept.
    """
    stages: list[Stage] = []
    entries: dict[str, Entry] = {}
    foreign: dict[str, Entry] = {}
    locks: dict[str, LockText] = {}
    folders: list[str] = []
    for file in source.pipeline_files():
        if any(file.startswith(folder) for folder in folders):
            continue  # below an output: DVC does not look there
        if file.endswith(".dvc"):
            found, entry = parse.source(_data_file(source, file), file=file, root=str(source.root))
            new = [found]
            if entry is not None:
                entries[found.address] = entry
        else:
            new = _pipeline_file(source, file)
            name = file.removesuffix(".yaml") + ".lock"
            locks[name] = _lock(source, name, new, entries, foreign)
            new = [each._replace(exotic=each.exotic or _OLD) if each.address in foreign else each for each in new]
        stages += new
        folders += [f"{out.target}/" for each in new for out in each.outs]
    return Pipeline(graph.build(stages), entries, foreign, locks)


def _data_file(source: Source, file: str) -> Mapping[str, Any]:
    document = source.document(file)
    if not isinstance(document, Mapping) or not isinstance(document.get("outs", []), list):
        raise MlgitError(f"{file}: not a .dvc file", "`dvc add` writes such files")
    return document


def _pipeline_file(source: Source, file: str) -> list[Stage]:
    document = source.document(file)
    parse.check_file(document, name=file)
    plain = document.get("stages") or {}
    templated = parse.needs_templating(document, source.text(file) or "")
    bodies = source.resolve(file, document) if templated else plain
    root = str(source.root)
    return [parse.stage(str(name), body, file=file, root=root) for name, body in bodies.items()]


def _lock(source: Source, name: str, stages: list[Stage], entries: dict[str, Entry], foreign: dict[str, Entry]) -> LockText:
    text = source.text(name)
    if text is None:
        return LockText(lock.HEADER, {})
    if not text.strip():
        raise MlgitError(f"{name}: empty, which no DVC command accepts", f"restore the file: `git checkout -- {name}`")
    document = source.document(name)
    found = lock.lock_text(text, document, name=name)
    bodies = document.get("stages") or {}
    for stage in stages:
        if stage.name in bodies:
            entry = lock.parse_entry(bodies[stage.name], name=name, stage=stage.name)
            if entry is None:
                foreign[stage.address] = lock.parse_foreign(bodies[stage.name])
            else:
                entries[stage.address] = entry
    return found
