"""Brings the trials that others pushed, and what they made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit import project as projects
from mlgit.adapters.dvc import remote as remotes
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.remote import RemoteUnreachableError
from mlgit.adapters.git import git, sharing
from mlgit.commands import committed_data
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from mlgit.experiments import run_transfer, trial_exchange, trial_refs
from mlgit.experiments.run import RUNS, is_run_id
from mlgit.experiments.trial_refs import TrialRef
from mlgit.project import Project
from mlgit.render.text import count, few
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class TrialsPulled:
    """What came, or would come; `same` are those that were here, `other` those that have other files here (their commit).

    `n_objects` are the outputs that came into the cache, and `gone` the paths of those that the DVC remote has not; `n_files`
    are the files of runs that came.
    """

    remote: str
    brought: tuple[TrialRef, ...] = ()
    same: tuple[TrialRef, ...] = ()
    other: tuple[tuple[TrialRef, str], ...] = ()
    n_objects: int = 0
    gone: tuple[str, ...] = ()
    n_files: int = 0
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    @property
    def exit_code(self) -> int:
        """1 where a trial was not brought because another one is here, and where outputs are nowhere."""
        return EXIT_NO if self.other or self.gone else EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "remote": self.remote,
            "brought": [each.name for each in self.brought],
            "same": [each.name for each in self.same],
            "other": [{"name": each.name, "commit": commit, "there": each.commit} for each, commit in self.other],
            "objects": self.n_objects,
            "gone": list(self.gone),
            "files": self.n_files,
            "notes": list(self.notes),
        }


def pull_trials(
    words: Sequence[str] = (),
    *,
    remote: str | None = None,
    refs_only: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> TrialsPulled:
    """Bring the trials of the remote that `words` name, or all: their refs by one fetch, and what they made into the cache.

    A word may be the id of a run that is here: then its large files are brought. Without words those of all runs are.

    A trial that has other files here stays, unless `force` replaces it. Raises MlgitError where a remote does not answer.
    """
    project = projects.find()
    root = project.git_root
    name = sharing.remote_of(root, remote=remote, branch=git.current_branch(root) or "")
    there, head = trial_exchange.look(root, name), git.head(root)
    runs = {word: f"{RUNS}{word}" for word in words if is_run_id(word) and git.has_ref(root, f"{RUNS}{word}")}
    named = [trial_refs.choose(there, word, prefer=head) for word in words if word not in runs]
    chosen = named if words else list(there)
    sides = trial_exchange.beside(root, name, dict.fromkeys(chosen), trial_refs.listed(root), theirs=True)
    new = [*sides.missing, *((each for each, _ in sides.other) if force else ())]
    if dry_run:
        return TrialsPulled(name, tuple(new), sides.same, () if force else sides.other, is_planned=True)
    trial_exchange.bring(root, name, new, force=force)
    found = TrialsPulled(name, tuple(new), sides.same, () if force else sides.other)
    if refs_only:
        return found
    found = _with_data(project, found)
    return _with_files(project, found, refs=[*runs.values()] if words else None)


def _with_files(project: Project, found: TrialsPulled, *, refs: Sequence[str] | None) -> TrialsPulled:
    """The result with the large files of runs that code logged, which `mlgit pull` brings without them."""
    if refs is not None and not refs:
        return found
    try:
        moved = run_transfer.bring(project.git_root, project.dvc_folder, refs=refs)
    except RemoteUnreachableError:
        raise
    except MlgitError as error:
        if refs:
            raise
        return replace(found, notes=(*found.notes, f"{error.message}: {error.hint}"))
    return replace(found, n_files=moved.n_files, notes=(*found.notes, *moved.notes))


def _with_data(project: Project, found: TrialsPulled) -> TrialsPulled:
    """The result with what the trials made, those that were here too: a pull that was interrupted goes on."""
    here = {each.ref: each.commit for each in trial_refs.listed(project.git_root)}
    commits = [here[each.ref] for each in (*found.brought, *found.same) if each.ref in here]
    if not commits:
        return found
    with Revisions(project) as revisions:
        data = committed_data.of(revisions, commits, patient=True)
        cache = revisions.cache
        lacking = [Content(md5, size) for md5, size in data.sizes.items() if not cache.has_all(md5)]
        there = remotes.connect(project.dvc_folder, cache, routes=data.routes) if lacking else None
        gone = remotes.bring(there, cache, lacking) if there else lacking
    paths = tuple(dict.fromkeys(data.places[each.md5][0] for each in gone))
    told = [f"the DVC remote does not have {few(paths)}"] if gone else []
    if lacking and there is None:
        told = [f"no DVC remote to fetch {count(len(lacking), 'output')} from: `mlgit remote add -d NAME URL` names one"]
    return replace(found, n_objects=len(lacking) - len(gone), gone=paths, notes=(*data.notes, *told))
