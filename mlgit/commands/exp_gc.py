"""Tidies up after experiments: old trials, working trees that nobody uses, files that no run names, and Git's own store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.experiments import queue, trial_exchange, trial_refs, worktrees
from mlgit.experiments.runs import RunStore
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_refs import TrialRef


@dataclass(frozen=True, slots=True)
class ExperimentsTidied:
    """What was tidied, or would be: trials removed and kept, working trees removed, and files that no run names."""

    removed: tuple[TrialRef, ...] = ()
    n_kept: int = 0
    n_worktrees: int = 0
    n_files: int = 0
    n_bytes: int = 0
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "removed": [{"name": each.name, "ref": each.ref, "commit": each.commit} for each in self.removed],
            "kept": self.n_kept,
            "worktrees": self.n_worktrees,
            "files": self.n_files,
            "bytes": self.n_bytes,
            "notes": list(self.notes),
        }


def tidy_experiments(
    *, keep: int | None = None, older_than: float | None = None, off_branches: bool = False, dry_run: bool = False
) -> ExperimentsTidied:
    """Remove the trials that all of the conditions hold for, and none without one; then tidy what nobody needs.

    `keep` spares the newest so many of each baseline, `older_than` is in seconds, `off_branches` asks for trials whose baseline
    is on no branch and no tag. Remotes and the DVC cache stay as they are.
    """
    project = projects.find()
    root = project.git_root
    common = queue.common_folder(root)
    listed = trial_refs.listed(root)
    asked = keep is not None or older_than is not None or off_branches
    trials = trial_refs.load(project, listed).trials if asked else ()
    gone = _chosen(root, trials, keep=keep, older_than=older_than, off_branches=off_branches) if asked else set()
    removed = tuple(each for each in listed if each.ref in gone)
    unnamed, notes = _unnamed(root)
    done = ExperimentsTidied(
        removed,
        n_kept=len(listed) - len(removed),
        n_worktrees=0,
        n_files=len(unnamed),
        n_bytes=sum(unnamed.values()),
        notes=tuple(notes),
        is_planned=dry_run,
    )
    if dry_run:
        return done
    trial_exchange.remove(root, removed)
    n_worktrees = worktrees.remove_all(common)
    for path in unnamed:
        path.unlink(missing_ok=True)
    # refs that are files of their own slow everything down from some thousand on; what is unreachable stays two weeks
    git.run(root, "pack-refs", "--all")
    git.run(root, "gc", "--quiet")
    return ExperimentsTidied(removed, done.n_kept, n_worktrees, n_files=done.n_files, n_bytes=done.n_bytes, notes=done.notes)


def _chosen(root: Path, trials: Sequence[Trial], *, keep: int | None, older_than: float | None, off_branches: bool) -> set[str]:
    """The refs of the trials to remove."""
    rows = sorted(trials, key=_when, reverse=True)
    if keep is not None:
        seen: dict[str, int] = {}
        spared = []
        for each in rows:
            seen[each.baseline] = seen.get(each.baseline, 0) + 1
            spared += [each.ref] if seen[each.baseline] <= keep else []
        rows = [each for each in rows if each.ref not in set(spared)]
    if older_than is not None:
        before = time.time() - older_than
        rows = [each for each in rows if _when(each) < before]
    if off_branches:
        reached = _on_branches(root, {each.baseline for each in rows})
        rows = [each for each in rows if each.baseline not in reached]
    return {each.ref for each in rows}


def _when(each: Trial) -> float:
    """When a trial was made, in seconds since 1970."""
    return float(each.committed or each.facts.started or 0)


def _on_branches(root: Path, baselines: Iterable[str]) -> set[str]:
    """Those of the commits that a branch, here or at a remote, a tag or HEAD leads to."""
    wanted = list(baselines)
    if not wanted:
        return set()
    refs = ["refs/heads", "refs/remotes", "refs/tags"]
    tips = git.run(root, "for-each-ref", "--format=%(objectname)", *refs).text.split()
    head = git.head(root)
    rows = [*wanted, *(f"^{each}" for each in [*tips, *([head] if head else [])])]
    listed = "".join(f"{row}\n" for row in rows).encode()
    off = set(git.run(root, "rev-list", "--stdin", stdin=listed).text.split())
    return set(wanted) - off


def _unnamed(root: Path) -> tuple[dict[Path, int], list[str]]:
    """The files that no run names, with their sizes; none, and a note, where not all runs can be read."""
    try:
        found = RunStore(root, keep_code=False).orphans()
        return {path: path.stat().st_size for path in found}, []
    except (MlgitError, OSError) as error:
        return {}, [f"files of runs were left as they are: {error}"]
