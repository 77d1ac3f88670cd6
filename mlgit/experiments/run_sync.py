"""Runs, experiments and logged models of two clones that went apart, brought together: the same merge, whoever makes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mlgit.adapters.git import shared_refs
from mlgit.adapters.git.loose_objects import FILE, FOLDER
from mlgit.adapters.git.ref_updates import RefMove, RefMovedError
from mlgit.errors import MlgitError
from mlgit.experiments import record_merge, run_codec
from mlgit.experiments.record_refs import AUTHOR, Repository
from mlgit.experiments.run import EXPERIMENTS, MODELS, RUNS

_FILES = {RUNS: run_codec.RUN_FILE, EXPERIMENTS: run_codec.EXPERIMENT_FILE, MODELS: run_codec.MODEL_FILE}
_DECODERS: Mapping[str, Callable[..., object]] = {
    run_codec.RUN_FILE: run_codec.decode_run,
    run_codec.EXPERIMENT_FILE: run_codec.decode_experiment,
    run_codec.MODEL_FILE: run_codec.decode_model,
}
_WHEN = re.compile(rb"^committer .*> ([0-9]+) ", re.MULTILINE)
_PARENT = re.compile(r"^parent ([0-9a-f]+)$", re.MULTILINE)
_DEEPEST = 2000  # edits of one record


class _Side(NamedTuple):
    """A commit of a record, when it was made, and those before it that hold the record too, the newest first."""

    commit: str
    when: int
    before: tuple[str, ...]


def meet(root: Path, remote: str, there: Mapping[str, str]) -> None:
    """Bring records together that were written here and on a remote, each on its own; `there` are the refs of the remote.

    What the remote has newer is taken over, what is newer here is left to be pushed.
    """
    here = shared_refs.listed(root, shared_refs.RUN_SPACES)
    differing = [ref for ref, oid in here.items() if there.get(ref, oid) != oid]
    if not differing:
        return
    repository = Repository(root)
    shared_refs.bring(root, remote, differing)
    moves = []
    for ref in differing:
        with suppress(MlgitError):  # what is no record of mlgit's stays apart, and is told so
            merged = _merged(repository, ref, here[ref], there[ref])
            moves += [RefMove(ref, merged, here[ref])] if merged else []
    for start in range(0, len(moves), 1000):
        with suppress(RefMovedError):  # written to at this moment: the next push or pull meets it
            repository.updates.move(moves[start : start + 1000])


def _merged(repository: Repository, ref: str, mine: str, theirs: str) -> str:
    """The commit that has what both have: theirs where it continues mine, '' where mine does."""
    file = next(name for space, name in _FILES.items() if ref.startswith(space))
    sides = [_side(repository, commit, file) for commit in (mine, theirs)]
    if theirs in sides[0].before:
        return ""
    if mine in sides[1].before:
        return theirs
    older, newer = sorted(sides, key=lambda side: (side.when, side.commit))
    base = next((each for each in older.before if each in newer.before), "")
    commits = [base, older.commit, newer.commit]
    fields = record_merge.merge(*(_fields(repository, each, file) for each in commits))
    objects = repository.objects
    rows = {name: row for each in commits[1:] for name, row in _rows(repository, each).items()}
    rows[file] = (FILE, objects.blob(run_codec.document(fields)))
    points = record_merge.lines(*(_points(repository, each, file) for each in commits[1:]))
    if points.count(b"\n") > len(fields.get("metrics", {})):
        rows[run_codec.METRICS_FILE] = (FILE, objects.blob(points))
    if run_codec.FILES_FILE in rows:
        lists = [_files(repository, each) for each in commits]
        files = record_merge.merge(*lists)
        rows[run_codec.FILES_FILE] = (FILE, objects.blob(run_codec.encode_files(files)))
        rows[run_codec.ARTIFACTS] = (FOLDER, _small(repository, commits[1:], lists[1:], files))
    tree = objects.tree((name, mode, oid) for name, (mode, oid) in rows.items())
    signature = f"{AUTHOR} {newer.when} +0000"
    parents = sorted((mine, theirs))
    return objects.commit(tree, message="Bring two clones together", signature=signature, parents=parents)


def _side(repository: Repository, commit: str, file: str) -> _Side:
    """Walk back from a commit of a record as far as it is one."""
    before: list[str] = []
    waiting, when = [commit], 0
    seen = {commit}
    while waiting:
        asked = waiting
        found = repository.pipe.ask([name for each in asked for name in (each, f"{each}:{file}")])
        waiting = []
        for each, row, content in zip(asked, found[::2], found[1::2], strict=True):
            if row is None or content is None or row.kind != "commit":
                continue
            head = row.content.partition(b"\n\n")[0]
            if each == commit:
                match = _WHEN.search(head)
                when = int(match[1]) if match else 0
            before.append(each)
            parents = [parent for parent in _PARENT.findall(head.decode(errors="replace")) if parent not in seen]
            seen.update(parents)
            waiting += parents
        if len(before) > _DEEPEST:
            raise MlgitError(f"{commit[:10]}: more than {_DEEPEST} commits of one record", "`git log` shows them")
    if not before:
        raise MlgitError(f"{commit[:10]} holds no {file}", "`git log` tells who wrote it")
    return _Side(commit, when, tuple(before))


def _json(repository: Repository, commit: str, name: str) -> dict[str, Any]:
    content = _content(repository, commit, name)
    try:
        found = json.loads(content) if content else {}
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"{name} at {commit[:10]} is not what mlgit writes", "`git show` shows it") from error
    return found if isinstance(found, dict) else {}


def _fields(repository: Repository, commit: str, file: str) -> dict[str, Any]:
    """A record as JSON, once it was seen to be one: who can write to the remote can put anything there."""
    content = _content(repository, commit, file)
    if not content:
        return {}
    _DECODERS[file](content, where=f"{file} at {commit[:10]}")
    return _json(repository, commit, file)


def _files(repository: Repository, commit: str) -> dict[str, Any]:
    content = _content(repository, commit, run_codec.FILES_FILE)
    where = f"{run_codec.FILES_FILE} at {commit[:10]}"
    return dict(run_codec.decode_files(content, where=where)) if content else {}


def _points(repository: Repository, commit: str, file: str) -> bytes:
    """The points of a run; without a file of them, each metric has the one that the run's file tells."""
    content = _content(repository, commit, run_codec.METRICS_FILE)
    if content:
        return content
    rows = _json(repository, commit, file).get("metrics", {}).items()
    return b"".join(f"{run_codec.compact([key, *row])}\n".encode("utf-8", "surrogatepass") for key, row in rows)


def _content(repository: Repository, commit: str, name: str) -> bytes:
    found = repository.pipe.ask([f"{commit}:{name}"])[0] if commit else None
    return found.content if found else b""


def _rows(repository: Repository, commit: str) -> dict[str, tuple[str, str]]:
    found = repository.pipe.ask([f"{commit}^{{tree}}"])[0]
    return repository.objects.rows(found.content) if found else {}


def _small(repository: Repository, commits: list[str], lists: list[dict[str, Any]], files: Mapping[str, Any]) -> str:
    """The folder of small files, from that of whichever side lists a file so."""
    blobs: dict[str, str] = {}
    for commit, listed in zip(commits, lists, strict=True):
        paths = [each for each in listed if files.get(each) == listed[each] and "\n" not in each]
        found = repository.pipe.ask([f"{commit}:{run_codec.ARTIFACTS}/{each}" for each in paths])
        blobs |= {path: row.oid for path, row in zip(paths, found, strict=True) if row and row.kind == "blob"}
    return repository.objects.folder(blobs)
