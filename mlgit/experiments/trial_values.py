"""Parameters and metrics of many commits at once, as `dvc exp show` finds them, out of Git's objects.

Trials of one baseline share nearly everything. Folders are read by their trees, each once; which files hold values is worked
out once for all commits with the same pipeline files; each distinct file is parsed once. Only a commit whose metrics are in
DVC's cache, or whose pipeline files change with its parameters, is opened by itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlgit.adapters.formats import documents
from mlgit.adapters.formats.alike import AlikeTexts
from mlgit.adapters.git.trees import FolderEntry, Trees, described
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments import value_files
from mlgit.experiments.value_files import ValueFiles
from mlgit.pipeline import parse
from mlgit.pipeline.graph import Graph, Pipeline
from mlgit.pipeline.lock import LockText
from mlgit.revision import collect, recorded_paths
from mlgit.revision.collect import METRIC_ENDINGS
from mlgit.revision.contents import LARGEST_DOCUMENT
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.revision.values import metric_values, parameter_values, settled

_NEVER = {".git", ".hg", ".dvc"}
# So many pipeline files, and files in a folder of metrics, are looked at; a tree can be made to name more than anybody has.
_MOST_FILES = 10_000
_MOST_METRIC_FILES = 200
_MOST_LISTED = 1_000_000
# All values of one command together.
_MOST_VALUES = 5_000_000
_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class CommitValues:
    """Parameters and metrics of a commit by file and dotted name; `notes` say what could not be read, and why.

    `is_final` unless something may come to light later: content that the cache lacks.
    """

    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_final: bool = True


class _Declared(NamedTuple):
    """The pipeline files below a folder, with their blobs, the folders that DVCLive wrote, and how many files there are."""

    files: tuple[tuple[str, str], ...] = ()
    live: tuple[str, ...] = ()
    n_files: int = 0


class _Wanted(NamedTuple):
    """A file of a commit: what it is read for, where it lies, and its blob."""

    kind: str
    path: str
    blob: str
    keys: tuple[str, ...] = ()


def read(revisions: Revisions, roots: Mapping[str, str]) -> dict[str, CommitValues]:
    """The values of commits; `roots` gives the tree of each commit. What cannot be read becomes a note."""
    return _Reader(revisions).read(roots)


class _Reader:
    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions
        self._trees = Trees(revisions.objects)
        self._declared: dict[str, _Declared] = {}
        self._layouts: dict[tuple[Any, ...], ValueFiles | None] = {}
        self._deciding: dict[tuple[Any, ...], Mapping[str, Collection[str]]] = {}
        self._parsed: dict[_Wanted, Mapping[str, Any] | str] = {}
        self._alike: dict[tuple[str, tuple[str, ...]], tuple[AlikeTexts, Mapping[str, Any]]] = {}
        self._near: list[str] = []
        self._left = _MOST_VALUES

    def read(self, roots: Mapping[str, str]) -> dict[str, CommitValues]:
        folders = self._project_folders(roots)
        self._trees.fetch(dict.fromkeys(folders.values()))
        found: dict[str, CommitValues] = {}
        commits = list(folders)
        for start in range(0, len(commits), _AT_A_TIME):
            self._near = [folders[commit] for commit in commits[start : start + _AT_A_TIME]]
            asked = {commit: self._wanted(commit, folders[commit]) for commit in commits[start : start + _AT_A_TIME]}
            self._parse(each for wanted in asked.values() if not isinstance(wanted, CommitValues) for each in wanted[0])
            for commit, wanted in asked.items():
                found[commit] = wanted if isinstance(wanted, CommitValues) else self._values(*wanted)
        missing = CommitValues(notes=("not in this clone",), is_final=False)
        return {commit: found.get(commit, missing) for commit in roots}

    def _project_folders(self, roots: Mapping[str, str]) -> dict[str, str]:
        """The tree of the project's folder of each commit; a commit that lacks it is left out."""
        self._trees.fetch(dict.fromkeys(roots.values()), deepest=1)
        place = self._revisions.project.prefix.rstrip("/")
        at = {commit: self._trees.at(root, place) for commit, root in roots.items()}
        return {commit: entry.oid for commit, entry in at.items() if entry and entry.is_folder}

    def _wanted(self, commit: str, folder: str) -> tuple[list[_Wanted], list[str]] | CommitValues:
        """The files to read of a commit and what is missing, or its values where it had to be opened by itself."""
        declared = self._below(folder)
        known = self._layout(commit, folder, declared)
        if known is None:
            return self._opened(commit, folder)
        wanted, notes = [], [known.trouble] if known.trouble else []
        for target in known.metrics:
            entry = self._trees.at(folder, target)
            if entry is None and known.may_be_cached(target):
                return self._opened(commit, folder)
            wanted += [_Wanted("metric", path, each.oid) for path, each in self._metric_files(target, entry)]
            notes += [] if entry else [f"{target}: no such file"]
        parameters = dict(known.parameters or {recorded_paths.PARAMETERS: ()})
        for metrics, params in self._undeclared(folder, declared.live, known):
            wanted.append(_Wanted("metric", metrics, self._blob(folder, metrics)))
            parameters.setdefault(params, ())
        for path, keys in parameters.items():
            if blob := self._blob(folder, path):
                wanted.append(_Wanted("param", path, blob, keys))
        return wanted, notes

    def _metric_files(self, target: str, entry: FolderEntry | None) -> Iterator[tuple[str, FolderEntry]]:
        if entry is None:
            return
        if not entry.is_folder:
            yield target, entry
            return
        number_of = 0
        folders = [(target, entry)]
        while folders:
            path, found = folders.pop()
            for name, each in self._trees.folder(found.oid).items():
                number_of += 1
                if number_of > _MOST_FILES:
                    return
                if each.is_folder:
                    folders.append((f"{path}/{name}", each))
                elif name.endswith(METRIC_ENDINGS):
                    yield f"{path}/{name}", each

    def _blob(self, folder: str, path: str) -> str:
        entry = self._trees.at(folder, path) if recorded_paths.is_inside(path) else None
        return entry.oid if entry and entry.is_file else ""

    def _undeclared(self, folder: str, live: Iterable[str], known: ValueFiles) -> Iterator[tuple[str, str]]:
        """Metrics and parameters of DVCLive that no pipeline file names."""
        for path in live:
            metrics = f"{path}/metrics.json"
            if not any(metrics == each or metrics.startswith(f"{each}/") for each in known.metrics):
                yield metrics, value_files.live_parameters(metrics)

    def _below(self, folder: str, *, is_top: bool = True) -> _Declared:
        if folder not in self._declared:
            entries = self._trees.folder(folder)
            found, live, n_files = [], [], len(entries)
            for name, entry in entries.items():
                if self._is_own(name, entry):
                    inner = self._below(entry.oid, is_top=False)
                    n_files += inner.n_files
                    found += [(f"{name}/{path}", blob) for path, blob in inner.files]
                    live += [f"{name}/{path}".rstrip("/") for path in inner.live]
                elif entry.is_file and (name == "dvc.yaml" or name.endswith(".dvc")):
                    found.append((name, entry.oid))
            live += [""] if not is_top and self._is_live(folder) else []
            self._declared[folder] = _Declared(tuple(found[:_MOST_FILES]), tuple(live[:_MOST_METRIC_FILES]), n_files)
        return self._declared[folder]

    def _is_own(self, name: str, entry: FolderEntry) -> bool:
        """Whether it is a folder of the project, and none of a project inside of it."""
        return entry.is_folder and name not in _NEVER and ".dvc" not in self._trees.folder(entry.oid)

    def _is_live(self, folder: str) -> bool:
        """Whether DVCLive wrote a folder: metrics beside tables of plots."""
        metrics, plots = self._trees.at(folder, "metrics.json"), self._trees.at(folder, "plots/metrics")
        return bool(metrics and metrics.is_file and plots and plots.is_folder)

    def _layout(self, commit: str, folder: str, declared: _Declared) -> ValueFiles | None:
        """Where the values of a commit are; None where that depends on more than its pipeline files."""
        if len(declared.files) >= _MOST_FILES or declared.n_files > _MOST_LISTED:
            return ValueFiles(trouble="too many files to look through")
        key: tuple[Any, ...] = declared.files
        if key in self._deciding:
            key = (*key, *self._decided(folder, self._deciding[key]))
        if key not in self._layouts:
            revision = self._revision(commit, folder)
            try:
                found, decides = _layout_of(revision)
                if decides and key == declared.files:
                    self._deciding[declared.files] = decides
                    key = (*key, *self._decided(folder, decides))
                self._layouts[key] = found
            except (MlgitError, RecursionError) as error:
                trouble = ValueFiles(trouble=_said(error))
                if not _is_templated(revision, declared):  # else it may be right with other parameters
                    self._layouts[declared.files] = trouble
                return trouble
        return self._layouts[key]

    def _decided(self, folder: str, decides: Mapping[str, Collection[str]]) -> Iterator[Any]:
        """The values of a commit that decide where its values are."""
        for path, names in decides.items():
            wanted = _Wanted("param", path, self._blob(folder, path))
            if wanted.blob and wanted not in self._parsed:
                near = (_Wanted("param", path, self._blob(each, path)) for each in self._near)
                self._parse([wanted, *(each for each in near if each.blob)])
            found = self._parsed.get(wanted, {})
            for key, value in {} if isinstance(found, str) else found.items():
                if any(key == name or key.startswith(f"{name}.") for name in names):
                    yield path, key, repr(value)

    def _revision(self, commit: str, folder: str) -> Revision:
        self._revisions.objects.take_tree(commit, self._files(folder), under=self._revisions.project.prefix)
        return self._revisions.commit(commit)

    def _files(self, folder: str) -> dict[str, tuple[str, str, int]]:
        """Every file of the project, as `git.list_tree` tells it; sizes are told when a file is read."""
        found: dict[str, tuple[str, str, int]] = {}
        folders = [(self._revisions.project.prefix, folder)]
        while folders:
            path, oid = folders.pop()
            for name, entry in self._trees.folder(oid).items():
                if self._is_own(name, entry):
                    folders.append((f"{path}{name}/", entry.oid))
                elif not entry.is_folder:
                    found[f"{path}{name}"] = (entry.mode, entry.oid, -1)
        return found

    def _opened(self, commit: str, folder: str) -> CommitValues:
        """The values of a commit that is read like one side of a comparison."""
        try:
            params, metrics, notes = collect.values(self._revision(commit, folder))
        except (MlgitError, RecursionError) as error:
            return CommitValues(notes=(_said(error),), is_final=False)
        return self._counted(CommitValues(params, metrics, notes, is_final=not notes))

    def _parse(self, wanted: Iterable[_Wanted]) -> None:
        new = [each for each in dict.fromkeys(wanted) if each not in self._parsed]
        sizes = described(self._revisions.objects.root, [each.blob for each in new])
        small = [oid for oid, (kind, size) in sizes.items() if kind == "blob" and size <= LARGEST_DOCUMENT]
        for start in range(0, len(small), _AT_A_TIME):
            contents = self._revisions.objects.blobs(small[start : start + _AT_A_TIME])
            self._parsed.update({each: self._content(each, contents[each.blob]) for each in new if each.blob in contents})
        for each in new:
            if each not in self._parsed:
                is_large = each.blob in sizes
                self._parsed[each] = f"{each.path}: " + (
                    "too large to read" if is_large else "its content is not in this clone"
                )

    def _content(self, wanted: _Wanted, content: bytes) -> Mapping[str, Any] | str:
        """The values of a file, by what it has in common with one of this name that was parsed before."""
        if wanted.kind != "param" or not wanted.path.endswith((".yaml", ".yml")):
            return _parsed(wanted, content)
        text = content.decode("utf-8", "replace")
        known = self._alike.get((wanted.path, wanted.keys))
        found = known[0].values(text) if known else None
        if known is not None and found is not None:
            return {**known[1], **{name: settled(value) for name, value in found.items() if name in known[1]}}
        parsed = _parsed(wanted, content)
        if not isinstance(parsed, str):
            self._alike[wanted.path, wanted.keys] = AlikeTexts(text), parsed
        return parsed

    def _values(self, wanted: Sequence[_Wanted], notes: Sequence[str]) -> CommitValues:
        read: dict[str, dict[str, Mapping[str, Any]]] = {"metric": {}, "param": {}}
        told = list(notes)
        for each in wanted:
            found = self._parsed[each]
            if isinstance(found, str):
                told.append(found)
            else:
                read[each.kind][each.path] = found
        return self._counted(CommitValues(read["param"], read["metric"], tuple(dict.fromkeys(told))))

    def _counted(self, found: CommitValues) -> CommitValues:
        self._left -= sum(map(len, (*found.params.values(), *found.metrics.values())))
        return found if self._left >= 0 else CommitValues(notes=("not read: too many values in all",), is_final=False)


def _layout_of(revision: Revision) -> tuple[ValueFiles | None, Mapping[str, Collection[str]]]:
    """Where the values of a commit are, and which parameters, by file, decide that; None where it cannot be told which."""
    pipeline = _without_templating(revision) or revision.pipeline
    listed = {path: revision.files.sections(path) for path in recorded_paths.pipeline_files(pipeline)}
    decides: dict[str, Collection[str]] = {}
    for path in listed:
        document = revision.files.document(path)
        if not value_files.is_fixed(document):
            names = value_files.depends_on(document)
            if names is None:
                return None, {}
            decides[posixpath.join(posixpath.dirname(path), recorded_paths.PARAMETERS)] = names
    found = ValueFiles(
        tuple(each for each in recorded_paths.metric_files(pipeline, listed) if recorded_paths.is_inside(each)),
        recorded_paths.parameter_files(pipeline, listed),
        frozenset(out.target for stage in pipeline.graph.stages for out in stage.outs if out.cache),
    )
    return found, decides


def _is_templated(revision: Revision, declared: _Declared) -> bool:
    contents = revision.objects.blobs(blob for _, blob in declared.files)
    return any(b"${" in content for content in contents.values())


def _without_templating(revision: Revision) -> Pipeline | None:
    """The stages as far as they tell where values are, where only the rest is templated: DVC's resolver takes its time."""
    source, stages, locks = revision.files, [], {}
    for file in source.pipeline_files():
        if file.endswith(".dvc"):
            stages.append(parse.source(source.document(file), file=file, root=str(source.root))[0])
            continue
        document = source.document(file)
        parse.check_file(document, name=file)
        told = value_files.telling(document)
        if told is None:
            return None
        stages += [parse.stage(name, body, file=file, root=str(source.root)) for name, body in told.items()]
        locks[file.removesuffix(".yaml") + ".lock"] = LockText("", {})
    return Pipeline(Graph(tuple(stages), (), ()), {}, {}, locks)


def _parsed(wanted: _Wanted, content: bytes) -> Mapping[str, Any] | str:
    """The values of a file, or why it has none."""
    try:
        document = documents.parse(files.decode(content, name=wanted.path), name=posixpath.normpath(wanted.path))
        return metric_values(document) if wanted.kind == "metric" else parameter_values(document, wanted.keys)
    except MlgitError as error:
        return error.message
    except (ValueError, RecursionError) as error:
        return f"{wanted.path}: cannot be read: {error}"


def _said(error: Exception) -> str:
    return error.message if isinstance(error, MlgitError) else "nested too deeply"
