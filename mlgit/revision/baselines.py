"""Finds the results that a change is compared with: those of where the comparison starts, or of what the rules name.

Where that has no results, the nearest ancestor that has them stands in, and it is told how far away it is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.model_settings import Model, folder_of, is_pattern
from mlgit.revision import recorded_paths
from mlgit.revision.refs import Baseline, ComparisonStart, HowFound, RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.rules import MERGE_BASE, BaselineRule

_DAY = 24 * 60 * 60
# How many states of the locks are looked at for results: further back, nothing is like the present.
_MOST_STATES = 50


def choose(
    revisions: Revisions,
    began: ComparisonStart,
    rule: BaselineRule,
    *,
    models: Mapping[str, Model],
    tables: Iterable[str] = (),
    head: RevisionRef,
) -> Baseline | None:
    """The baseline: where the comparison starts, or what `gates.baseline.ref` names, or an ancestor; None without results.

    Results are those of models; where no commit has any, the `tables` that rules are about are what is compared.
    Raises MlgitError for a ref that does not exist.
    """
    if began.is_alone:
        return None
    wanted = began.point
    found: HowFound = began.found
    if rule.ref != MERGE_BASE and found == "merge base":
        wanted, found = _named(revisions, rule.ref), "named"
    commit, distance = _with_results(revisions, wanted.commit, rule, _files(models))
    if not commit:
        commit, distance = _with_results(revisions, wanted.commit, rule, _inside(tables))
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


def _with_results(revisions: Revisions, wanted: str, rule: BaselineRule, files: list[str]) -> tuple[str, int]:
    """The commit with results and its distance from the wanted one; ('', 0) where there is none."""
    if _has_results(revisions, wanted, files):
        return wanted, 0
    if rule.fallback == "none" or not files:
        return "", 0
    for commit in _states(revisions, wanted, files):
        if _has_results(revisions, commit, files):
            return commit, int(
                git.line(revisions.project.git_root, "rev-list", "--first-parent", "--count", f"{commit}..{wanted}")
            )
    return "", 0


def _states(revisions: Revisions, wanted: str, files: list[str]) -> Iterator[str]:
    """The commits just before the results changed, newest first, on the first-parent line."""
    prefix = revisions.project.prefix
    locks = [
        f":(top,glob){prefix}**/dvc.lock",
        *(f":(top,{'glob' if is_pattern(path) else 'literal'}){prefix}{path}{end}" for path in files for end in ("", ".dvc")),
    ]
    args = ["--first-parent", "--format=%H %P", f"--max-count={_MOST_STATES}", wanted, "--", *locks]
    for line in git.run(revisions.project.git_root, "log", "--no-show-signature", *args).text.splitlines():
        _, *parents = line.split()
        if parents:  # none: the first commit, or the edge of a shallow clone
            yield parents[0]


def _has_results(revisions: Revisions, commit: str, files: list[str]) -> bool:
    """Whether a commit has one of these files: recorded, or in Git."""
    with suppress(MlgitError):  # a pipeline that cannot be read has no results
        revision = revisions.commit(commit)
        return any(recorded_paths.matching(revision.recorded, path) or _is_in_git(revision, path) for path in files)
    return False


def _is_in_git(revision: Revision, path: str) -> bool:
    if not is_pattern(path):
        return revision.files.size(path) is not None
    return bool(recorded_paths.matching(revision.files.below(folder_of(path)), path))


def _files(models: Mapping[str, Model]) -> list[str]:
    return _inside(path for each in models.values() for path in (*each.declared_predictions, each.metrics) if path)


def _inside(paths: Iterable[str]) -> list[str]:
    return [path for path in map(posixpath.normpath, paths) if recorded_paths.is_inside(path)]
