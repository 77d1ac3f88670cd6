"""Removes trials, here and at the remote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit import project as projects
from mlgit.adapters.git import git, sharing
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError, near_miss
from mlgit.experiments import queue, trial_exchange, trial_refs
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_refs import TrialRef
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class TrialsRemoved:
    """What was removed, or would be, here and at the remote that was named; it keeps those `refused`, and says why.

    `failed` are the names of trials that failed or were killed, of which no more was kept than how; `queued` are searches
    that were given up, by id.
    """

    here: tuple[TrialRef, ...] = ()
    failed: tuple[str, ...] = ()
    remote: str = ""
    there: tuple[TrialRef, ...] = ()
    refused: tuple[tuple[TrialRef, str], ...] = ()
    is_planned: bool = False
    queued: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where the remote keeps one."""
        return EXIT_NO if self.refused else EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "failed": list(self.failed),
            "queued": list(self.queued),
            "removed": [{"name": each.name, "ref": each.ref, "commit": each.commit} for each in self.here],
            "remote": self.remote or None,
            "removed_there": [{"name": each.name, "ref": each.ref, "commit": each.commit} for each in self.there],
            "refused": [{"name": each.name, "reason": reason} for each, reason in self.refused],
        }


def remove_trials(
    words: Sequence[str] = (),
    *,
    all_of_them: bool = False,
    sweep: str = "",
    failed: bool = False,
    queued: bool = False,
    remote: str | None = None,
    dry_run: bool = False,
) -> TrialsRemoved:
    """Remove the trials that `words` name, those of a sweep, or all: here, and at the `remote` if one is named.

    `failed` forgets those that failed or were killed (of the sweep, if one is named). `queued` gives up the searches that are
    not done (or that one): trials that run now come to their end.

    Commits stay in Git's store until it is cleaned, so a ref can be written again. Raises MlgitError for a name that is
    nowhere, with nothing removed.
    """
    project = projects.find()
    root = project.git_root
    name = sharing.remote_of(root, remote=remote) if remote else ""
    here = trial_refs.listed(root)
    there = trial_exchange.look(root, name) if name else ()
    refs = _refs(project, [*here, *there], words, sweep=sweep, all_of_them=all_of_them, failed=failed or queued)
    mine, theirs = ([each for each in side if each.ref in refs] for side in (here, there))
    common = queue.common_folder(root)
    lost = [each.name for each in queue.load(common) if failed and _is_lost(each, sweep)]
    given_up = [each for each in queue.asked(common) if queued and sweep in ("", each.id)]
    found = TrialsRemoved(
        tuple(mine), tuple(lost), name, tuple(theirs), is_planned=dry_run, queued=tuple(each.id for each in given_up)
    )
    if dry_run:
        return found
    refused = trial_exchange.remove_there(root, name, theirs) if theirs else {}
    trial_exchange.remove(root, mine)
    for each in lost:
        queue.drop_trial(common, each)
    for search in given_up:
        queue.done(common, search)
    return replace(
        found,
        there=tuple(each for each in theirs if each.ref not in refused),
        refused=tuple((each, refused[each.ref]) for each in theirs if each.ref in refused),
    )


def _is_lost(each: Trial, sweep: str) -> bool:
    return each.status in ("failed", "killed") and sweep in ("", each.facts.sweep)


def _refs(
    project: Project, known: Sequence[TrialRef], words: Iterable[str], *, sweep: str, all_of_them: bool, failed: bool
) -> set[str]:
    if all_of_them:
        return {each.ref for each in known}
    head = git.head(project.git_root)
    by_ref = list({each.ref: each for each in known}.values())
    found = {trial_refs.choose(by_ref, word, prefer=head).ref for word in words}
    if sweep and not failed:
        trials = trial_refs.load(project, known).trials
        of_sweep = {each.ref for each in trials if each.facts.sweep == sweep}
        if not of_sweep:
            guess = near_miss(sweep, {each.facts.sweep for each in trials})
            raise MlgitError(f"no trial is of a sweep '{sweep}'{guess}", "`mlgit exp list --json` names the sweep of each")
        found |= of_sweep
    return found
