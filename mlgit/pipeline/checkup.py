"""A project looked over for damage: the cache, locks and leftovers of killed processes, pipeline files, lost outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlgit.adapters.dvc import cache_check
from mlgit.adapters.dvc.cache_check import Stock
from mlgit.adapters.dvc.dvc_stages import BorrowedStages
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.formats import documents
from mlgit.errors import MlgitError
from mlgit.pipeline import sources
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.load import load
from mlgit.pipeline.model import Digest, Output, Stage

Kind = Literal["object", "listing", "leftover", "lock", "file", "output", "tag", "config", "environment", "remote"]


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing wrong: what, where, and what to type; `mendable` by `--fix`, and whether it was `fixed`."""

    kind: Kind
    path: str
    message: str
    hint: str = ""
    mendable: bool = False
    fixed: bool = False


class Checkup:
    """One look over a project. `approve` raises MlgitError for outputs that no command accepts; `tick` is told how
    far the look through the cache has come, 0 to 1."""

    def __init__(
        self,
        root: Path,
        *,
        source: sources.WorkspaceFiles,
        fingerprints: Fingerprints,
        cache: Cache,
        approve: Callable[[Iterable[Stage]], None],
        borrowed: BorrowedStages,
        tick: Callable[[float], None] | None = None,
    ) -> None:
        self._root = root
        self._source = source
        self._fingerprints = fingerprints
        self._cache = cache
        self._approve = approve
        self._borrowed = borrowed
        self._tick = tick

    def run(self, *, deep: bool) -> list[Damage]:
        """Everything that is wrong; nothing is changed. `deep` reads every object of the cache."""
        files, pipeline = self._files()
        stock = cache_check.look(self._cache.objects, deep=deep, tick=self._tick)
        users = _users(pipeline, stock) if pipeline else {}
        found = [*self._objects(stock, users), *self._listings(stock, users), *self._leftovers(stock), *self._locks(), *files]
        return found + (self._outputs(pipeline, stock) if pipeline else [])

    def objects(self, *, deep: bool) -> list[Damage]:
        """What is wrong with the objects of the cache, whatever they are used for: a cache that came from elsewhere."""
        stock = cache_check.look(self._cache.objects, deep=deep, tick=self._tick)
        return self._objects(stock, {})

    def fix(self, findings: Iterable[Damage]) -> list[Damage]:
        """Mend what can be mended without losing anything: the findings, with what was fixed marked."""
        return [replace(each, fixed=True) if each.mendable and self._mend(each) else each for each in findings]

    def _mend(self, finding: Damage) -> bool:
        try:
            if finding.kind == "lock":
                cache_check.clear_entries(self._root / ".dvc")
            else:
                os.unlink(self._root / finding.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _shown(self, path: str) -> str:
        """A path from the root where it lies below it, else absolute."""
        return os.path.relpath(path, self._root) if path.startswith(f"{self._root}/") else path

    def _files(self) -> tuple[list[Damage], Pipeline | None]:
        """What is wrong in pipeline files, each on its own and then together."""
        found = []
        for path in self._source.pipeline_files():
            try:
                load(_One(self._source, path))
            except MlgitError as error:
                hint = error.hint or _restore(path)
                found.append(Damage("file", path, error.message, hint))
        if found:
            return found, None
        try:
            pipeline = load(self._source)
            self._source.refuse_hidden()
            self._approve(pipeline.graph.stages)
            return self._parameters(pipeline), pipeline
        except MlgitError as error:
            return [Damage("file", "dvc.yaml", error.message, error.hint)], None

    def _parameters(self, pipeline: Pipeline) -> list[Damage]:
        """What is wrong in the files that stages read parameters from."""
        found = []
        for path in dict.fromkeys(each.target for stage in pipeline.graph.stages for each in stage.params):
            try:
                if (self._root / path).is_file():
                    documents.load(self._root / path, name=path)
            except MlgitError as error:
                found.append(Damage("file", path, error.message.removeprefix(f"{path}: "), error.hint or _restore(path)))
        return found

    def _objects(self, stock: Stock, users: Mapping[str, str]) -> list[Damage]:
        found = []
        for md5 in sorted({*stock.damaged, *stock.broken}):
            what = "holds other bytes than its name says" if md5 in stock.damaged else "is not a list of files"
            found.append(
                Damage(
                    "object",
                    self._shown(self._cache.path(md5)),
                    f"the object {what}{_of(md5, users)}",
                    "`mlgit doctor --fix` removes it; `dvc pull` or `mlgit run` brings the content back",
                    mendable=True,
                )
            )
        return found

    def _listings(self, stock: Stock, users: Mapping[str, str]) -> list[Damage]:
        return [
            Damage(
                "listing",
                self._shown(self._cache.path(md5)),
                f"{lacking} of {total} files of the folder are not in the cache{_of(md5, users)}",
                "`dvc fetch` brings them; after pulling a part of a folder this is as it should be",
            )
            for md5, (lacking, total) in sorted(stock.incomplete.items())
        ]

    def _leftovers(self, stock: Stock) -> list[Damage]:
        folders = [f"{self._root}/{folder}" for folder in self._source.folders]
        paths = [*stock.leftovers, *cache_check.leftovers_in(self._root / ".dvc", self._cache.root, folders)]
        hint = "`mlgit doctor --fix` removes it"
        message = "left behind by a process that was killed"
        return [Damage("leftover", self._shown(path), message, hint, mendable=True) for path in dict.fromkeys(paths)]

    def _locks(self) -> list[Damage]:
        stale = cache_check.stale_entries(self._root / ".dvc")
        name = ".dvc/tmp/rwlock"
        if stale is None:
            message = "the table of busy paths is broken, and DVC refuses to work"
            return [Damage("lock", name, message, "`mlgit doctor --fix` removes it", mendable=True)]
        hint = "`mlgit doctor --fix` takes it out"
        return [
            Damage("lock", name, f"'{self._shown(path)}' is entered as in use by `{cmd}`, which is dead", hint, mendable=True)
            for path, cmd in sorted(stale.items())
        ]

    def _outputs(self, pipeline: Pipeline, stock: Stock) -> list[Damage]:
        """Outputs whose recorded content is neither in the workspace nor, sound and whole, in the cache."""
        lost = [
            (stage, out.target)
            for stage, out, digest in _recorded(pipeline)
            if not (stage.exotic or not out.cache or stock.holds(digest.md5) or self._lies_there(out, digest))
        ]
        for stage in pipeline.graph.stages:
            try:
                lost += [(stage, target) for target in self._borrowed.lost(stage.address)] if stage.exotic else []
            except MlgitError:  # told where the stage is to run
                continue
        self._borrowed.close()
        return [_lost(stage, target) for stage, target in lost]

    def _lies_there(self, out: Output, digest: Digest) -> bool:
        try:
            content = self._fingerprints.digest(out.target)
        except MlgitError:
            return False
        return content is not None and content.md5 == digest.md5


def _restore(path: str) -> str:
    return f"correct it, or `git checkout -- {path}` brings the last committed one back"


def _lost(stage: Stage, target: str) -> Damage:
    message = "the recorded content is neither in the workspace nor in the cache"
    again = "" if stage.is_source else f" fetches it, `mlgit run {stage.address}` makes it"
    return Damage("output", target, f"{message} ({stage.address})", f"`dvc pull {stage.address}`{again}")


class _One:
    """A source with one pipeline file of another."""

    def __init__(self, source: sources.WorkspaceFiles, path: str) -> None:
        self._path = path
        self.root = source.root
        self.text = source.text
        self.document = source.document
        self.resolve = source.resolve
        self.parse = source.parse

    def pipeline_files(self) -> list[str]:
        return [self._path]


def _recorded(pipeline: Pipeline) -> Iterable[tuple[Stage, Output, Digest]]:
    for stage in pipeline.graph.stages:
        entry = pipeline.entries.get(stage.address)
        digests: dict[str, Any] = {item.path: item.digest for item in entry.outs} if entry else {}
        yield from ((stage, out, digests[out.path]) for out in stage.outs if out.path in digests)


def _users(pipeline: Pipeline, stock: Stock) -> dict[str, str]:
    """Which output an object belongs to, by md5; of several the last."""
    found: dict[str, str] = {}
    for _, out, digest in _recorded(pipeline):
        found.update(dict.fromkeys(stock.members.get(digest.md5, ()), out.target))
        found[digest.md5] = out.target
    return found


def _of(md5: str, users: Mapping[str, str]) -> str:
    return f" (of '{users[md5]}')" if md5 in users else ""
