"""Brings what others pushed: commits by a fast-forward, tags of models, and the data that belongs to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import project as projects
from mlgit.adapters.dvc import remote as remotes
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.git import sharing
from mlgit.adapters.system import locks
from mlgit.errors import MlgitError, near_miss
from mlgit.experiments import run_sync
from mlgit.monitoring import verdict_sync
from mlgit.registry import publish
from mlgit.render.text import count, few
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.scaffold import pristine, state


@dataclass(frozen=True, slots=True)
class PullResult:
    """What came, or would come: the commit the branch went on to ('': none), and the outputs that were put in place."""

    remote: str
    branch: str
    commit: str = ""
    outputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "remote": self.remote,
            "branch": self.branch,
            "commit": self.commit or None,
            "outputs": list(self.outputs),
            "notes": list(self.notes),
        }


def pull(targets: Sequence[str] = (), *, remote: str | None = None, dry_run: bool = False, force: bool = False) -> PullResult:
    """Fetch, take the current branch on, and put the data of its commit into the workspace, or that of `targets` only.

    Raises MlgitError, with the workspace as it was, where the branches went apart, and where data was changed here and is in
    no cache (unless `force`).
    """
    project = projects.find()
    root = project.git_root
    branch = sharing.current(root, remote=remote)
    there = sharing.refs_of(root, branch.remote)
    pristine.join(root, branch.remote, there.get(state.REF, ""))
    verdict_sync.meet(root, branch.remote, there)
    run_sync.meet(root, branch.remote, there)
    notes = tuple(sharing.fetch(root, branch, there))
    tip = sharing.ahead(root, branch, there)
    if not dry_run:
        publish.receive(root, branch.remote)
    lock = locks.held(project.own_folder / "run.lock", timeout=0, busy="an `mlgit run` is at work in this clone")
    with lock, Revisions(project) as revisions:
        wanted = revisions.at(RevisionRef(tip[:7], tip)) if tip else revisions.workspace
        found = _to_restore(revisions, wanted, targets, force=force)
        if dry_run:
            return PullResult(branch.remote, branch.name, tip, tuple(found), notes, is_planned=True)
        _bring(revisions, wanted, found)
        if tip:
            sharing.forward(root, branch, tip)
            found = _after(revisions, targets, force=force)
        for path, content in found.items():
            revisions.cache.checkout(content, str(project.root / path))
        notes += _not_pushed(revisions.workspace)
    return PullResult(branch.remote, branch.name, tip, tuple(found), notes)


def _not_pushed(here: Revision) -> tuple[str, ...]:
    """Notes of outputs that nobody pushes, and that are not here."""
    outs = [out.target for stage in here.pipeline.graph.stages for out in stage.outs if not out.push]
    absent = [path for path in outs if not os.path.lexists(here.project.root / path)]
    return (f"not in a DVC remote of this project: {few(absent)}; `mlgit run` makes or imports them",) if absent else ()


def _after(revisions: Revisions, targets: Sequence[str], *, force: bool) -> dict[str, Content]:
    """What is to be put in place once the commits came: locks that are not committed may record other data than they do."""
    revisions.reopen_workspace()
    found = _to_restore(revisions, revisions.workspace, targets, force=force)
    _bring(revisions, revisions.workspace, found)
    return found


def _to_restore(revisions: Revisions, wanted: Revision, targets: Sequence[str], *, force: bool) -> dict[str, Content]:
    """The outputs, with the content they are recorded with, that lie otherwise in the workspace.

    Raises MlgitError where one holds what is in no cache: it would be lost.
    """
    here = revisions.workspace
    found: dict[str, Content] = {}
    lost: list[str] = []
    for path in _chosen(wanted, targets):
        content = wanted.recorded[path]
        if os.path.lexists(here.project.root / path):
            lying = here.digest(path)
            if lying is not None and lying.md5 == content.md5:
                continue
            if lying is None or not revisions.cache.has_all(lying.md5):
                lost.append(path)
        found[path] = content
    if lost and not force:
        raise MlgitError(
            f"changed here, and in no cache: {few(lost)}; nothing was replaced",
            "`mlgit add` or `mlgit run` records the changes; --force replaces them",
        )
    return found


def _chosen(wanted: Revision, targets: Sequence[str]) -> list[str]:
    """The paths of recorded outputs that a target names: the path, a folder above it, or the stage that makes it."""
    stages = wanted.pipeline.graph.stages
    has = wanted.cache.has_all
    outs = [
        (stage, out.target)
        for stage in stages
        for out in stage.outs
        if out.cache and out.target in wanted.recorded and (out.push or has(wanted.recorded[out.target].md5))
    ]
    names = {name for stage, path in outs for name in (path, stage.name, stage.address) if name}
    for target in targets:
        if not any(target.rstrip("/") == name or name.startswith(f"{target.rstrip('/')}/") for name in names):
            raise MlgitError(f"no output and no stage '{target}'" + near_miss(target, names), "`mlgit dag` shows the stages")
    asked = {target.rstrip("/") for target in targets}
    return [
        path
        for stage, path in outs
        if not asked or asked & {path, stage.name, stage.address} or any(path.startswith(f"{each}/") for each in asked)
    ]


def _bring(revisions: Revisions, wanted: Revision, found: dict[str, Content]) -> None:
    """Fetch what the cache lacks of contents. Raises MlgitError for what is in no remote."""
    cache = revisions.cache
    lacking = {path: content for path, content in found.items() if not cache.has_all(content.md5)}
    if not lacking:
        return
    routes = wanted.routes((path, content.md5) for path, content in wanted.recorded.items())
    there = remotes.connect(revisions.project.dvc_folder, cache, routes=routes)
    if there is None:
        raise MlgitError(
            f"no DVC remote to fetch {count(len(lacking), 'output')} from, such as {next(iter(lacking))}",
            "`mlgit remote add -d NAME URL` names one",
        )
    gone = remotes.bring(there, cache, lacking.values())
    if gone:
        names = few(path for path, content in lacking.items() if content in gone)
        raise MlgitError(
            f"the DVC remote does not have {names}", "`mlgit push` where they were made, or `mlgit run` makes them"
        )
