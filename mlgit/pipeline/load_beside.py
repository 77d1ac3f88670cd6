"""A pipeline beside one that is loaded already: between two revisions little changes, and only that is parsed.

Where every file that declares stages is the same, so is the graph; and of a lock, laid out as DVC writes it, only the stages
whose text differs are read. Anything else is left to `load`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from mlgit.errors import MlgitError
from mlgit.pipeline import lock
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.load import Source
from mlgit.pipeline.lock import LockText
from mlgit.pipeline.model import Entry

_STAGE = re.compile(r"^  ([A-Za-z0-9_@./-]+):$", re.MULTILINE)
# What an alias stands for may be told in the text of another stage.
_ALIAS = re.compile(r"(?<![^\s\[{,])\*[A-Za-z0-9_-]")
_ANCHOR_OR_ALIAS = re.compile(r"(?<![^\s\[{,])[&*][A-Za-z0-9_-]")
# Read on the way, and not for what stages are: ignore files say which files are looked for, and those are compared.
_IGNORE_FILES = {".gitignore", ".dvcignore", "exclude", "ignore"}
_SETTINGS = (".git/", ".dvc/")


Parsed = Mapping[str, Mapping[str, Any]]


class SharingSource(Source, Protocol):
    """A source whose parsed documents another one can take over."""

    def parsed(self) -> Mapping[str, Any]:
        """The documents that are parsed already, by path."""

    def take_parsed(self, parsed: Mapping[str, Any]) -> None:
        """Take over what another source has parsed, for files whose text is the same in both."""


class Loaded(NamedTuple):
    """A pipeline, where it came from, and every file that was read for it."""

    pipeline: Pipeline
    source: SharingSource
    read: tuple[str, ...]


class _Differs(Exception):  # noqa: N818 - no error: the pipeline has to be loaded by itself
    """That too much differs."""


def load_beside(source: SharingSource, known: Loaded) -> Pipeline | None:
    """The pipeline of a source, where all that differs from a loaded one is what its locks record; None where more does.

    Raises MlgitError for a lock that DVC would not accept.
    """
    files = source.pipeline_files()
    if not _declares_the_same(source, known, files):
        return None
    graph, before = known.pipeline.graph, known.pipeline
    tracked = [stage.address for stage in graph.stages if stage.is_source and stage.address in before.entries]
    entries = {address: before.entries[address] for address in tracked}
    foreign: dict[str, Entry] = {}
    locks: dict[str, LockText] = {}
    try:
        for name in before.locks:
            locks[name] = _lock(source, name, known, entries, foreign)
    except _Differs:
        return None
    source.take_parsed({path: document for path, document in known.source.parsed().items() if path in files})
    # which stages only DVC understands depends on their locks
    return Pipeline(graph, entries, foreign, locks) if foreign.keys() == before.foreign.keys() else None


def _declares_the_same(source: Source, known: Loaded, files: Iterable[str]) -> bool:
    """Whether the same pipeline files are there, and everything that was read for their stages has the same text."""
    declaring = {path for path in known.read if posixpath.basename(path) == "dvc.yaml" or path.endswith(".dvc")}
    if set(files) != declaring:
        return False
    if any(source.text(path) != known.source.text(path) for path in declaring):
        return False
    declared = "".join(source.text(path) or "" for path in declaring)
    others = [path for path in known.read if path not in declaring and _is_input(path, known, declared)]
    return all(source.text(path) == known.source.text(path) for path in others)


def _is_input(path: str, known: Loaded, declared: str) -> bool:
    """Whether stages may depend on a file; `declared` is the text of all pipeline files."""
    name = posixpath.basename(path)
    if path in known.pipeline.locks or path.startswith(_SETTINGS) or name in _IGNORE_FILES:
        return False
    return name in declared or not (path.startswith("../") or name == "mlgit.yaml")


def _lock(source: Source, name: str, known: Loaded, entries: dict[str, Entry], foreign: dict[str, Entry]) -> LockText:
    before, text = known.pipeline.locks[name], source.text(name)
    stages = [stage for stage in known.pipeline.graph.stages if not stage.is_source and stage.lock_file == name]
    if text is None or before.whole or not lock.is_usual(before):
        raise _Differs
    if not all(piece.startswith(f"  {stage}:\n") for stage, piece in before.pieces.items()):
        raise _Differs
    pieces = _pieces(text, before.head)
    refers = bool(_ALIAS.search(text))
    declared = {stage.name: stage.address for stage in stages}
    own = known.pipeline
    changed = {
        stage: piece
        for stage, piece in pieces.items()
        if before.pieces.get(stage) != piece
        or (refers and _ANCHOR_OR_ALIAS.search(piece))
        or (stage in declared and declared[stage] not in own.entries and declared[stage] not in own.foreign)
    }
    if len(changed) > len(pieces) // 2:
        raise _Differs
    parsed = _parsed(source, name, before.head, changed)
    for stage, address in declared.items():
        if stage in changed:
            entry = lock.parse_entry(parsed[stage], name=name, stage=stage)
            if entry is None:
                foreign[address] = lock.parse_foreign(parsed[stage])
            else:
                entries[address] = entry
        elif stage in pieces and address in own.foreign:
            foreign[address] = own.foreign[address]
        elif stage in pieces:
            entries[address] = own.entries[address]
    return LockText(before.head, pieces)


def _pieces(text: str, head: str) -> dict[str, str]:
    """The text of each stage by name, for a lock with this head and nothing behind its stages."""
    if not text.startswith(head) or not text.endswith("\n") or text == head:
        raise _Differs
    names = _STAGE.findall(text, len(head))
    try:
        found, pieces, tail = lock.split(text, names, name="")
    except MlgitError as error:
        raise _Differs from error
    if found != head or tail or len(pieces) != len(names):
        raise _Differs
    return pieces


def _parsed(source: Source, name: str, head: str, pieces: Mapping[str, str]) -> Parsed:
    if not pieces:
        return {}
    text = head + "".join(pieces.values())
    try:
        document = source.parse(text, name)
    except MlgitError as error:
        raise _Differs from error
    lock.lock_text(text, document, name=name)
    bodies: Parsed = document["stages"]
    if list(bodies) != list(pieces):
        raise _Differs
    return bodies
