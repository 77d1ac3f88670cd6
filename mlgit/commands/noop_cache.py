"""What one command keeps for the next: the pipeline as it was read, and the answer that nothing is stale."""

from __future__ import annotations

import functools
import os
from contextlib import suppress

from mlgit.adapters.dvc import settings
from mlgit.adapters.system import fork_pool, stat_signature
from mlgit.commands.open_project import Opened
from mlgit.errors import MlgitError
from mlgit.pipeline import noop, resolved
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.model import Stage
from mlgit.pipeline.searched import names

_NEVER = (".git", ".dvc")  # a project of its own begins there
_PART = 200  # stages that are worth a process
_MOST = 1000  # folders; to look into more takes longer than it saves


def remember(opened: Opened, *, all_current: bool, earlier: noop.Look | None = None) -> None:
    """Keep what the next command can start from, where that can be written; without it only time is lost.

    `earlier` is what this command has seen of stages that it left alone.
    """
    with suppress(MlgitError, OSError):
        _remember(opened, all_current=all_current, earlier=earlier)


def _remember(opened: Opened, *, all_current: bool, earlier: noop.Look | None) -> None:
    """Keep the pipeline as it is now, and the answer if nothing is stale.

    People edit while a long run goes on: what changed meanwhile is looked at again, or nothing is kept.
    """
    root, written = opened.project.root, opened.book.written
    pipeline = opened.pipeline._replace(entries=opened.ledger.entries, locks=opened.book.texts())
    searched = _searched_now(opened)
    if searched is None:
        noop.forget(str(root))
        return
    stages = pipeline.graph.stages
    saved = None
    if written and not pipeline.foreign:  # what DVC wrote anew may be plain now
        save = functools.partial(
            resolved.save, root, pipeline, read=opened.read, folders=searched, since=opened.since, written=written
        )
        saved = fork_pool.beside(save) if len(stages) > _PART else save()
    changing = any(stage.exotic or stage.always_changed or stage.is_callback for stage in stages)
    try:
        if not all_current or changing or opened.ignores or not _keep_answer(opened, pipeline, searched, earlier):
            noop.forget(str(root))
    finally:
        if saved:
            saved()


def _searched_now(opened: Opened) -> dict[str, list[str]] | None:
    """The searched folders with their names as they are now; None where pipeline files have come or gone since the search.

    Outputs and .gitignore lines of a run may come, and folders that hold no pipeline file; those count as searched.
    """
    made = {out.target for stage in opened.pipeline.graph.stages for out in stage.outs}
    found: dict[str, list[str]] = {}
    waiting = list(opened.searched)
    while waiting:
        folder = waiting.pop()
        found[folder] = names(f"{opened.project.root}/{folder}")
        for name in set(found[folder]).symmetric_difference(opened.searched.get(folder, ())):
            if name.startswith(".gitignore(") or f"{folder}{name}" in made:
                continue
            path = f"{opened.project.root}/{folder}{name}"
            if name in _NEVER or len(found) > _MOST or os.path.islink(path) or not os.path.isdir(path):
                return None
            waiting.append(f"{folder}{name}/")
    return found


def _keep_answer(opened: Opened, pipeline: Pipeline, searched: dict[str, list[str]], earlier: noop.Look | None) -> bool:
    root, written, stages = str(opened.project.root), opened.book.written, pipeline.graph.stages
    read = [path for path in opened.read if os.path.exists(f"{root}/{path}")]
    absent = [f"{root}/{path}" for path in set(opened.read).difference(read)]
    ignores = [f"{folder}{name}" for folder in searched for name in (".gitignore", ".dvcignore")]
    ignores = [path for path in ignores if (opened.project.root / path).exists()]
    paths = [f"{root}/{path}" for path in (*read, *ignores)]
    exclude = opened.project.git_root / ".git/info/exclude"
    paths += [str(path) for path in (*settings.files_of(opened.project.dvc_folder), exclude) if path.is_file()]
    contents = {stage.address: _contents(stage, root) for stage in stages}
    cached = [path for stage in stages for path in _objects(opened, stage)]
    paths += [path for each in contents.values() for path in each]
    seen = noop.look(
        [*paths, *cached],
        flat=[f"{root}/.dvc", *_cache_folders(opened, cached)],
        searched={f"{root}/{folder}": found for folder, found in searched.items()},
        absent=absent,
        since=opened.since,
        earlier=earlier,
    )
    if seen is None:
        return False
    if not all(
        resolved.is_as_read(path, stat_signature.of(f"{root}/{path}"), since=opened.since, written=written) for path in read
    ):
        return False
    touched = [stage for stage in stages if not seen.newer.isdisjoint(contents[stage.address])]
    if _is_any_stale(opened, touched):
        return False
    noop.save(root, seen, stages=len(stages), frozen=sum(stage.frozen for stage in stages))
    return True


def _is_any_stale(opened: Opened, stages: list[Stage]) -> bool:
    """Whether one of the stages is stale, as their files are now; of many, several processes look at a part each."""
    size = max(_PART, -(-len(stages) // fork_pool.MOST_PARTS))

    def look(number: int) -> bool:
        return any(opened.ledger.reasons(stage) for stage in stages[number * size : (number + 1) * size])

    return any(fork_pool.spread(-(-len(stages) // size), look))


def untouched(opened: Opened, kept: noop.Kept) -> dict[int, set[str]]:
    """The stages that are up to date for sure, with what that rests on: they were, and nothing of it has changed since.

    What a stage reads may still be made anew by this run, so stages are left out that need one that is left out.
    """
    root, graph = str(opened.project.root), opened.pipeline.graph
    read = {f"{root}/{path}" for path in opened.read if os.path.exists(f"{root}/{path}")}
    rests = [{*_contents(stage, root), *_objects(opened, stage)} for stage in graph.stages]
    searched = {f"{root}/.dvc", *(f"{root}/{folder}" for folder in opened.searched)}
    known = searched.union(*rests)
    before = kept.paths
    if not opened.kept or not read <= before or not kept.changed.isdisjoint(read) or not kept.changed <= known:
        return {}
    found: dict[int, set[str]] = {}
    for number, rest in enumerate(rests):
        if rest <= before and rest.isdisjoint(kept.changed) and all(each in found for each in graph.needs[number]):
            found[number] = rest
    return found


def _contents(stage: Stage, root: str) -> list[str]:
    inputs = [f"{root}/{target}" for _, target in stage.inputs()] if not stage.frozen else []
    return inputs + [f"{root}/{out.target}" for out in stage.outs]


def _objects(opened: Opened, stage: Stage) -> list[str]:
    """The cache objects of a stage's recorded outputs."""
    entry = opened.ledger.entries.get(stage.address)
    cached = {out.path for out in stage.outs if out.cache}
    return [opened.cache.path(item.digest.md5) for item in (entry.outs if entry else ()) if item.path in cached]


def _cache_folders(opened: Opened, cached: list[str]) -> list[str]:
    """The folders of the cache where files of folders lie: too many to name each, but none can go unseen."""
    return opened.cache.folders() if any(path.endswith(".dir") for path in cached) else []
