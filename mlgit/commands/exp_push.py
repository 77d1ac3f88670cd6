"""Publishes trials: what they made goes to the DVC remote first, then their refs to the Git remote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import project as projects
from mlgit.adapters.git import git, sharing
from mlgit.commands.push import PushResult, with_data
from mlgit.errors import EXIT_NO, EXIT_YES, MlgitError
from mlgit.experiments import trial_exchange, trial_refs
from mlgit.experiments.trial_refs import TrialRef
from mlgit.render.text import count


@dataclass(frozen=True, slots=True)
class TrialsPushed:
    """What went, or would go, to the remote.

    `same` are those that were there, `other` those that have other files there, and `refused` those that the remote did not
    take, with its reason. `n_objects` and `n_bytes` are of objects that were not in the DVC remote.
    """

    remote: str
    sent: tuple[TrialRef, ...] = ()
    same: tuple[TrialRef, ...] = ()
    other: tuple[tuple[TrialRef, str], ...] = ()
    refused: tuple[tuple[TrialRef, str], ...] = ()
    n_objects: int = 0
    n_bytes: int = 0
    notes: tuple[str, ...] = ()
    is_planned: bool = False

    @property
    def exit_code(self) -> int:
        """1 where a trial was not sent because another one is there, or was refused."""
        return EXIT_NO if self.other or self.refused else EXIT_YES

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "dry_run": self.is_planned,
            "remote": self.remote,
            "sent": [each.name for each in self.sent],
            "same": [each.name for each in self.same],
            "other": [{"name": each.name, "commit": each.commit, "there": commit} for each, commit in self.other],
            "refused": [{"name": each.name, "reason": reason} for each, reason in self.refused],
            "objects": self.n_objects,
            "bytes": self.n_bytes,
            "notes": list(self.notes),
        }


def push_trials(
    words: Sequence[str] = (),
    *,
    remote: str | None = None,
    refs_only: bool = False,
    allow_missing: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> TrialsPushed:
    """Publish the trials that `words` name, or all: data first, then all refs by one push.

    A trial that has other files there is left out, unless `force` replaces it. Raises MlgitError, with nothing published,
    where data is neither here nor in the DVC remote (unless `allow_missing`).
    """
    project = projects.find()
    root = project.git_root
    name = sharing.remote_of(root, remote=remote, branch=git.current_branch(root) or "")
    here, head = trial_refs.listed(root), git.head(root)
    chosen = [trial_refs.choose(here, word, prefer=head) for word in words] if words else list(here)
    sides = trial_exchange.beside(root, name, dict.fromkeys(chosen), trial_exchange.look(root, name), theirs=False)
    new = [*sides.missing, *((each for each, _ in sides.other) if force else ())]
    plan = PushResult(name)
    if not refs_only and (new or sides.same):
        commits = [each.commit for each in (*new, *sides.same)]
        try:
            plan = with_data(project, plan, commits, allow_missing=allow_missing, dry_run=dry_run)
        except MlgitError as error:
            raise MlgitError(error.message, f"{error.hint}; --refs-only publishes the trials without what they made") from error
    refused = {} if dry_run else trial_exchange.send(root, name, new, force=force)
    return TrialsPushed(
        name,
        sent=tuple(each for each in new if each.ref not in refused),
        same=sides.same,
        other=() if force else sides.other,
        refused=tuple((each, refused[each.ref]) for each in new if each.ref in refused),
        n_objects=plan.n_objects,
        n_bytes=plan.n_bytes,
        notes=(*plan.notes, *_data_alone(refs_only, new)),
        is_planned=dry_run,
    )


def _data_alone(refs_only: bool, new: Sequence[TrialRef]) -> list[str]:
    if not refs_only or not new:
        return []
    return [f"what {count(len(new), 'trial')} made was not sent: `mlgit exp push` without --refs-only does"]
