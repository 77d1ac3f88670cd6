"""Finds the results that a change is compared with: those of where the comparison starts, or of what the rules name.

Where that has no results, the nearest ancestor that has them stands in, and it is told how far away it is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress

from mlgit.adapters.git import git
from mlgit.config import Model
from mlgit.errors import MlgitError
from mlgit.revision import recorded_paths
from mlgit.revision.refs import Baseline, ComparisonStart, HowFound, RevisionRef
from mlgit.revision.revisions import Revisions
from mlgit.rules import MERGE_BASE, BaselineRule

_DAY = 24 * 60 * 60
# How many states of the locks are looked at for results: further back, nothing is like the present.
_MOST_STATES = 50


def choose(
    revisions: Revisions, began: ComparisonStart, rule: BaselineRule, *, models: Mapping[str, Model], head: RevisionRef
) -> Baseline | None:
    """The baseline: where the comparison starts, or what `gates.baseline.ref` names, or an ancestor; None without results.

    Raises MlgitError for a ref that does not exist.
    """
    if began.is_alone:
        return None
    wanted = began.point
    found: HowFound = began.found
    if rule.ref != MERGE_BASE and found == "merge base":
        wanted, found = _named(revisions, rule.ref), "named"
    commit, distance = _with_results(revisions, wanted.commit, rule, models)
    if not commit:
        return None
    times = revisions.objects
    age = max(0, times.commit_time(head.commit or revisions.head) - times.commit_time(commit)) // _DAY
    is_old = rule.max_age is not None and age > rule.max_age
    if distance:
        return Baseline(commit[:10], commit, "nearest ancestor", distance, age, is_old)
    return Baseline(wanted.name, commit, found, 0, age, is_old)


def _named(revisions: Revisions, ref: str) -> RevisionRef:
    try:
        return RevisionRef(ref, revisions.resolve(ref))
    except MlgitError as error:
        raise MlgitError(
            f"mlgit.yaml: gates.baseline.ref: unknown revision '{ref}'", f"`git fetch` may bring it; {error.hint}"
        ) from error


def _with_results(revisions: Revisions, wanted: str, rule: BaselineRule, models: Mapping[str, Model]) -> tuple[str, int]:
    """The commit with results and its distance from the wanted one; ('', 0) where there is none."""
    if _has_results(revisions, wanted, models):
        return wanted, 0
    if rule.fallback == "none":
        return "", 0
    for commit in _states(revisions, wanted, models):
        if _has_results(revisions, commit, models):
            return commit, int(
                git.line(revisions.project.git_root, "rev-list", "--first-parent", "--count", f"{commit}..{wanted}")
            )
    return "", 0


def _states(revisions: Revisions, wanted: str, models: Mapping[str, Model]) -> Iterator[str]:
    """The commits just before the results changed, newest first, on the first-parent line."""
    files = [f"{revisions.project.prefix}{path}" for path in _files(models)]
    locks = [f":(top,glob){revisions.project.prefix}**/dvc.lock", *(f":(top,literal){path}" for path in files)]
    args = ["--first-parent", "--format=%H %P", f"--max-count={_MOST_STATES}", wanted, "--", *locks]
    for line in git.run(revisions.project.git_root, "log", "--no-show-signature", *args).text.splitlines():
        _, *parents = line.split()
        if parents:  # none: the first commit, or the edge of a shallow clone
            yield parents[0]


def _has_results(revisions: Revisions, commit: str, models: Mapping[str, Model]) -> bool:
    """Whether a commit says what a model scored: its predictions or metrics are recorded, or in Git."""
    with suppress(MlgitError):  # a pipeline that cannot be read has no results
        revision = revisions.commit(commit)
        paths = _files(models)
        return any(recorded_paths.covering(revision.recorded, path) or revision.files.size(path) is not None for path in paths)
    return False


def _files(models: Mapping[str, Model]) -> list[str]:
    found = [posixpath.normpath(path) for each in models.values() for path in (each.predictions, each.metrics) if path]
    return [path for path in found if recorded_paths.is_inside(path)]
