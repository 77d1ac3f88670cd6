"""What differs between two trials, or between a trial and its baseline: parameters, metrics, data and stages."""

from __future__ import annotations

from mlgit import project as projects
from mlgit.adapters.git import git
from mlgit.commands.diff import DiffResult, between
from mlgit.errors import MlgitError
from mlgit.experiments import trial_refs
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revisions import Revisions


def diff(one: str, other: str | None = None) -> DiffResult:
    """What differs from trial `one` to trial `other`; with one word alone, from the baseline of that trial to it.

    Words are names of trials or revisions. Raises MlgitError for what is neither.
    """
    with Revisions(projects.find()) as revisions:
        if other is not None:
            return between(revisions, _point(revisions, one), _point(revisions, other))
        root = revisions.project.git_root
        trial = trial_refs.find(root, one, prefer=git.head(root))
        return between(revisions, RevisionRef("baseline", trial.baseline), RevisionRef(trial.name, trial.commit))


def _point(revisions: Revisions, word: str) -> RevisionRef:
    """A trial by its name, else a revision; of a word that is neither it is said which trial is close."""
    root = revisions.project.git_root
    try:
        trial = trial_refs.find(root, word, prefer=git.head(root))
    except MlgitError as unknown:
        try:
            return RevisionRef(word, revisions.resolve(word))
        except MlgitError:
            raise unknown from None
    return RevisionRef(trial.name, trial.commit)
