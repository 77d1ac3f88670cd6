"""Publishes what is committed: data, then commits, then tags of models, then what was watched and tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.dvc import remote as remotes
from mlgit.adapters.dvc.remote import Remote
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git, shared_refs, sharing
from mlgit.adapters.git.sharing import Branch
from mlgit.commands import committed_data
from mlgit.commands.committed_data import CommittedData
from mlgit.commands.model import unpublished_tags
from mlgit.errors import MlgitError
from mlgit.experiments import run_sync, run_transfer
from mlgit.experiments.runs import RunStore
from mlgit.monitoring import verdict_sync
from mlgit.project import Project
from mlgit.registry import read
from mlgit.render.text import count, few
from mlgit.revision.revisions import Revisions
from mlgit.scaffold import pristine, state

_TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class PushResult:
    """What went, or would go, to the Git remote and to the DVC remotes; `is_planned`: nothing was sent.

    `branch` is '' where only tags went; `n_objects` and `n_bytes` are of objects that were not there.
    """

    remote: str
    branch: str = ""
    commit: str = ""
    n_commits: int = 0
    n_objects: int = 0
    n_bytes: int = 0
    tags: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "remote": self.remote,
            "branch": self.branch or None,
            "commit": self.commit or None,
            "commits": self.n_commits,
            "objects": self.n_objects,
            "bytes": self.n_bytes,
            "tags": list(self.tags),
            "refs": list(self.refs),
            "notes": list(self.notes),
        }


def push_tags(*, remote: str | None = None, dry_run: bool = False) -> PushResult:
    """Publish the tags of models that are only in this clone, with the log, and nothing else."""
    root, name = read.root_of(Path.cwd()), remote or "origin"
    if dry_run:
        there = _tags_of(sharing.refs_of(root, name))
        return PushResult(name, tags=tuple(unpublished_tags.missing_there(root, there)), is_planned=True)
    sent = unpublished_tags.send(root, name)
    return PushResult(name, tags=sent.names, notes=sent.notes)


def push(*, remote: str | None = None, dry_run: bool = False, allow_missing: bool = False) -> PushResult:
    """Publish the current branch and the tags of models: the data that they record goes first, and what fails ends it.

    Raises MlgitError, with nothing published, where data is neither here nor in its DVC remote (unless `allow_missing`),
    where an object is damaged, and where the Git remote has commits that are not here.
    """
    project = projects.find()
    root = project.git_root
    branch = sharing.current(root, remote=remote)
    there = sharing.refs_of(root, branch.remote)
    tip = there.get(f"refs/heads/{branch.name}", "")
    if tip and not git.is_ancestor(root, tip, branch.commit):
        raise sharing.overtaken(branch)
    tags = unpublished_tags.missing_there(root, _tags_of(there))
    tips = [branch.commit, *sharing.commits_of(root, tags)]
    plan = PushResult(
        branch.remote,
        branch.name,
        branch.commit,
        n_commits=len(sharing.unpushed(root, [branch.commit], there)),
        tags=tuple(tags),
        is_planned=True,
    )
    commits = sharing.recording(root, tips, there)
    plan = with_data(project, plan, commits, allow_missing=allow_missing, dry_run=dry_run)
    for other in _others(project, tips, there):
        try:
            plan = with_data(other, plan, commits, allow_missing=allow_missing, dry_run=dry_run)
        except MlgitError as error:
            raise MlgitError(f"in {other.root.relative_to(root)}: {error.message}", error.hint) from error
    plan = _with_files(project, plan, there, dry_run=dry_run)
    if dry_run:
        return replace(plan, notes=(*plan.notes, *_left_out(root)))
    return _publish(root, branch, plan, there, is_new=tip != branch.commit)


def _others(project: Project, tips: list[str], there: Mapping[str, str]) -> list[Project]:
    """The other projects of a repository whose records change by what is pushed: their bytes go along with the records."""
    root = project.git_root
    folders = [each for each in sharing.projects(root) if each != project.prefix and (root / each).is_dir()]
    return [Project(root / each, root) for each in folders if sharing.recording_below(root, tips, there, each)]


def _publish(root: Path, branch: Branch, plan: PushResult, there: Mapping[str, str], *, is_new: bool) -> PushResult:
    if is_new:
        sharing.push(root, branch)
    sent = unpublished_tags.send(root, branch.remote)
    pristine.join(root, branch.remote, there.get(state.REF, ""))
    verdict_sync.meet(root, branch.remote, there)
    run_sync.meet(root, branch.remote, there)
    refs, refused = shared_refs.push(root, branch.remote, there)
    if is_new and not plan.n_commits:  # a branch that begins where another one is
        refs = [f"refs/heads/{branch.name}", *refs]
    notes = (*plan.notes, *sent.notes, *refused, *_left_out(root))
    if is_new and not branch.is_followed:
        notes = (f"'{branch.name}' follows '{branch.remote}/{branch.name}' from now on", *notes)
    return replace(plan, tags=sent.names, refs=tuple(refs), notes=notes, is_planned=False)


def with_data(project: Project, plan: PushResult, commits: list[str], *, allow_missing: bool, dry_run: bool) -> PushResult:
    """The plan with the data of commits, which is sent, and looked for where it went; with `dry_run` it is only looked for.

    Raises MlgitError where data is neither here nor there (unless `allow_missing`), and where no DVC remote is named for it.
    """
    with Revisions(project) as revisions:
        data = committed_data.of(revisions, commits)
        if not data.sizes:
            return replace(plan, notes=(*plan.notes, *data.notes))
        cache = revisions.cache
        there = remotes.connect(project.dvc_folder, cache, routes=data.routes)
        if there is None:
            path, _ = next(iter(data.places.values()))
            told = f"no DVC remote for the data of {count(len(data.sizes), 'output')}, such as {path}"
            raise MlgitError(told, "`mlgit remote add -d NAME URL` names one")
        there.refuse_unconfigured()
        lacking = there.lacking(data.sizes)
        lost = _lost(data, cache, {md5 for md5 in lacking if not cache.has(md5)})
        notes = [*plan.notes, *data.notes, *_refuse_lost(data, lost, allow_missing=allow_missing)]
        to_send = {md5: names for md5, names in lacking.items() if md5 not in lost and cache.has(md5)}
        n_objects, n_bytes = plan.n_objects + len(to_send), plan.n_bytes + _bytes(cache, to_send)
        plan = replace(plan, n_objects=n_objects, n_bytes=n_bytes, notes=tuple(notes))
        if to_send and not dry_run:
            there.establish()
            there.send(to_send)
            _require_arrived(there, to_send)
    return plan


def _with_files(project: Project, plan: PushResult, there: Mapping[str, str], *, dry_run: bool) -> PushResult:
    """Send the large files of runs that the Git remote lacks, or only look what there is to send."""
    root = project.git_root
    if not dry_run:
        RunStore(root).seal_lost()
    here = shared_refs.listed(root, shared_refs.RUN_SPACES)
    new = [ref for ref, oid in here.items() if there.get(ref) != oid]
    if not new:
        return plan
    moved = run_transfer.send(root, project.dvc_folder, refs=set(new), dry_run=dry_run)
    n_objects, n_bytes = plan.n_objects + moved.n_files, plan.n_bytes + moved.n_bytes
    return replace(plan, n_objects=n_objects, n_bytes=n_bytes, notes=(*plan.notes, *moved.notes))


def _bytes(cache: Cache, md5s: Iterable[str]) -> int:
    return sum(Path(cache.path(md5)).stat().st_size for md5 in md5s)


def _lost(data: CommittedData, cache: Cache, nowhere: set[str]) -> list[str]:
    """The recorded files that are nowhere, and the folders of which a file is."""
    if not nowhere:
        return []
    parts = {md5: {each.md5 for each in cache.members(md5) or ()} if md5.endswith(".dir") else set() for md5 in data.sizes}
    return [md5 for md5, inside in parts.items() if md5 in nowhere or inside & nowhere]


def _refuse_lost(data: CommittedData, lost: list[str], *, allow_missing: bool) -> list[str]:
    """What is neither in the cache nor in the remotes: refused by the paths it is recorded for, or noted."""
    if not lost:
        return []
    names = few(f"{path} ({commit[:7]})" for path, commit in (data.places[md5] for md5 in lost))
    told = f"{count(len(lost), 'output')} in neither the cache nor the DVC remote: {names}"
    if allow_missing:
        return [told]
    raise MlgitError(
        f"{told}; nothing was pushed",
        "`mlgit push` where they were made, or `mlgit run` makes them again; --allow-missing publishes the commits without",
    )


def _require_arrived(there: Remote, sent: Mapping[str, tuple[str, ...]]) -> None:
    """What a record says is there has to be there: an object may have left the cache while others were sent."""
    left = there.lacking(sent)
    if left:
        raise MlgitError(f"{count(len(left), 'object')} did not arrive, such as {next(iter(left))}", "push again")


def _tags_of(there: Mapping[str, str]) -> dict[str, str]:
    return {ref.removeprefix(_TAGS): oid for ref, oid in there.items() if ref.startswith(_TAGS)}


def _left_out(root: Path) -> list[str]:
    changed = sorted(sharing.uncommitted(root), key=lambda path: not path.endswith(("dvc.lock", ".dvc")))
    return [f"not committed, so not sent: {few(changed)}"] if changed else []
