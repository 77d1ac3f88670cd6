"""Puts a trial into the working tree: parameters, lock and metrics, and what it made."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.git import git, merging, placed_files, sharing
from mlgit.adapters.git.merging import Entry
from mlgit.adapters.git.placed_files import STRANGE, SUBMODULE
from mlgit.adapters.system import locks
from mlgit.errors import MlgitError
from mlgit.experiments import trial_refs
from mlgit.experiments.trial_refs import TrialRef
from mlgit.render.text import few
from mlgit.revision.revisions import Revisions

_NOBODY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "mlgit"), ("EMAIL", "mlgit"), ("DATE", "@0 +0000"))
}


@dataclass(frozen=True, slots=True)
class TrialApplied:
    """What was written, or would be: files that Git keeps and outputs that DVC keeps, by path from the repository's top and the
    project's root."""

    name: str
    commit: str
    files: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "name": self.name,
            "commit": self.commit,
            "files": list(self.files),
            "outputs": list(self.outputs),
            "notes": list(self.notes),
        }


def apply_trial(word: str, *, files_only: bool = False, force: bool = False, dry_run: bool = False) -> TrialApplied:
    """Have the working tree as a trial left its own. HEAD and index stay; what the trial did not change stays, too.

    Where HEAD has gone on since the trial's baseline, what the trial changed is merged into it. Raises MlgitError, with nothing
    touched, where a change that is not committed would be lost (unless `force`), and where an output is in no cache here
    (unless `files_only`).
    """
    project = projects.find()
    root = project.git_root
    lock = locks.held(project.own_folder / "run.lock", timeout=0, busy="an `mlgit run` is at work in this clone")
    with lock, Revisions(project) as revisions:
        head = git.resolve(root, "HEAD")
        chosen = trial_refs.find(root, word, prefer=head)
        wanted = merged(root, chosen, head)
        chosen_files, left = _files(root, chosen, head, wanted, force=force)
        outputs = {} if files_only else _outputs(revisions, chosen, head, wanted, force=force)
        notes = [f"changed here, and left as it is: {few(left)}"] if left else []
        done = TrialApplied(chosen.name, chosen.commit, tuple(chosen_files), tuple(outputs), tuple(notes), dry_run)
        if dry_run:
            return done
        with placed_files.staged(root, chosen_files, tree=wanted, workshop=project.own_folder / "apply") as put:
            for path, content in outputs.items():
                revisions.cache.checkout(content, str(project.root / path))
            put()
    return done


def merged(root: Path, chosen: TrialRef, head: str) -> str:
    """A commit with the files of HEAD and what the trial changed. Raises MlgitError where both changed the same."""
    if chosen.baseline == head:
        return chosen.commit
    trees = [git.resolve(root, each) for each in (chosen.baseline, head, chosen.commit)]
    base, ours, theirs = (git.line(root, "rev-parse", f"{each}^{{tree}}") for each in trees)
    found = merging.merge(root, base=base, ours=ours, theirs=theirs)
    if found.stages:
        raise MlgitError(
            f"{chosen.name} began at {chosen.baseline[:7]}, and HEAD has changed the same since: {few(found.stages)}",
            f"`mlgit exp promote {chosen.name}` makes a branch of it where it began, to be merged or rebased",
        )
    return git.run(root, "commit-tree", found.tree, "-p", head, stdin=b"merged\n", env=_NOBODY).text.strip()


def _files(root: Path, chosen: TrialRef, head: str, wanted: str, *, force: bool) -> tuple[dict[str, Entry | None], list[str]]:
    """The files to write, with what they are to be; and those that are changed here and that the trial does not touch.

    What another trial left here, by an earlier `apply`, is no change of the user: it is kept by that trial.
    """
    changes = placed_files.differences(root, head, wanted)
    changes = {path: sides for path, sides in changes.items() if not _is_left_out(path, sides)}
    paths = dict.fromkeys([*changes, *sharing.uncommitted(root)])
    targets = placed_files.entries(root, wanted, paths)
    here = placed_files.lying(root, paths)
    different = [path for path in paths if not _same(here[path], targets.get(path))]
    before = placed_files.entries(root, head, different)
    own = [path for path in different if not _same(here[path], before.get(path)) and here[path] is not None]
    known = _left_by_trials(root, {path: here[path] for path in own})
    own = [path for path in own if path not in known]
    if lost := [path for path in own if path in changes]:
        if not force:
            raise MlgitError(
                f"changed here and not committed: {few(lost)}; nothing was replaced",
                "commit or stash the changes; --force replaces them",
            )
        own = [path for path in own if path not in changes]
    return {path: targets.get(path) for path in different if path not in own}, own


def _is_left_out(path: str, sides: tuple[Entry | None, Entry | None]) -> bool:
    """Whether a path is none to write: DVC has put what it keeps for itself into a commit, and submodules are not ours."""
    return "/.dvc/tmp/" in f"/{path}" or any(side is not None and side[0] == SUBMODULE for side in sides)


def _same(one: Entry | None, other: Entry | None) -> bool:
    """Whether both are one content; the mode of a program is lost on some disks."""
    if one is None or other is None:
        return one is other
    return one[1] == other[1] and one != STRANGE and (one[0] == "120000") == (other[0] == "120000")


def _left_by_trials(root: Path, found: Mapping[str, Entry | None]) -> set[str]:
    """The paths whose content is that of a trial."""
    asked = {path: entry[1] for path, entry in found.items() if entry is not None and entry != STRANGE and "\n" not in path}
    if not asked:
        return set()
    rows = [(path, each.commit) for each in trial_refs.listed(root) for path in asked]
    listed = "".join(f"{commit}:{path}\n" for path, commit in rows)
    done = git.run(root, "cat-file", "--batch-check=%(objectname)", stdin=os.fsencode(listed))
    return {path for (path, _), oid in zip(rows, done.text.split("\n"), strict=False) if oid == asked[path]}


def _outputs(revisions: Revisions, chosen: TrialRef, head: str, wanted: str, *, force: bool) -> dict[str, Content]:
    """The outputs that the trial has otherwise than they lie here, with their contents.

    One that does not lie here is put there only if HEAD or the workspace records another: it may never have been pulled.
    """
    here, target, before = revisions.workspace, revisions.commit(wanted), revisions.commit(head)
    cache, project = revisions.cache, revisions.project
    found: dict[str, Content] = {}
    lost: list[str] = []
    for path in _recorded(out for stage in target.pipeline.graph.stages for out in stage.outs if out.cache):
        content = target.recorded.get(path)
        if content is None:
            continue
        if os.path.lexists(project.root / path):
            lying = here.digest(path)
            if lying is not None and lying.md5 == content.md5:
                continue
            if lying is None or not cache.has_all(lying.md5):
                lost.append(path)
        elif before.recorded.get(path) == here.recorded.get(path) == content:
            continue
        found[path] = content
    _refuse(lost if not force else [], [path for path, content in found.items() if not cache.has_all(content.md5)], chosen)
    return found


def _recorded(outs: Iterable[Any]) -> list[str]:
    return [out.target for out in outs]


def _refuse(lost: Collection[str], absent: Collection[str], chosen: TrialRef) -> None:
    if lost:
        raise MlgitError(
            f"changed here, and in no cache: {few(lost)}; nothing was replaced",
            "`mlgit add` or `mlgit run` records the changes; --force replaces them",
        )
    if absent:
        raise MlgitError(
            f"what {chosen.name} made is not here: {few(absent)}; nothing was replaced",
            f"`mlgit exp pull {chosen.name}` brings it; --files-only does without it",
        )
