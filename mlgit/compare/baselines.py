"""Finds what a change is compared with: the point where it left the default branch, or a named revision, with results.

Where that has no results, the nearest ancestor that has them stands in, and it is told how far away it is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters import git, sources
from mlgit.compare import declared
from mlgit.compare.review import Baseline, Found
from mlgit.compare.snapshot import Point
from mlgit.config import Model
from mlgit.errors import MlgitError
from mlgit.pipeline.load import load
from mlgit.project import Project
from mlgit.rules import MERGE_BASE, BaselineRule

WORKSPACE = Point().name

_DAY = 24 * 60 * 60
# How many states of the locks are looked at for results: further back, nothing is like the present.
_MOST_STATES = 50


@dataclass(frozen=True, slots=True)
class Start:
    """The revision whose rules judge, and which is the baseline if it has results; `is_alone` where nothing was before it."""

    point: Point
    found: Found
    is_alone: bool = False


def point(root: Path, word: str, *, command: str = "diff") -> Point:
    """What the user means by a word: the workspace, or a revision.

    Raises MlgitError for an unknown revision.
    """
    if word == WORKSPACE:
        return Point()
    if ".." in word:
        raise MlgitError(f"'{word}' is a range, not a revision", f"name the two sides: `mlgit {command} BASE HEAD`")
    return Point(word, git.resolve(root, word))


def default_base(root: Path, *, command: str = "diff", head: str = "HEAD") -> Point:
    """Where `head` left the default branch; HEAD on the default branch, and where there is none.

    Raises MlgitError without commits, and for histories without a common commit.
    """
    if not git.has_commits(root):
        raise MlgitError("no commit yet, so there is nothing to compare with", "`git commit` makes the first one")
    branch = git.default_branch(root)
    if branch is None or (head == "HEAD" and git.current_branch(root) in (branch, branch.removeprefix("origin/"))):
        return point(root, "HEAD", command=command)
    found = git.merge_base(root, head, branch)
    if found is None:
        raise MlgitError(
            f"{head} and {branch} have no common commit here",
            f"`git fetch --unshallow` completes a shallow clone; or name the base: `mlgit {command} BASE`",
        )
    return Point(branch if git.resolve(root, branch) == found else f"merge base with {branch}", found)


def start(project: Project, *, base: str | None, head: Point) -> Start:
    """The revision that the user names, else the point where the current side left the default branch.

    Where that is the current side itself, it is the commit before: a comparison with itself would always pass. Raises
    MlgitError where the default branch is not in this clone.
    """
    if base is None:
        root = project.git_root
        if git.has_commits(root) and git.default_branch(root) is None and git.line(root, "remote"):
            raise MlgitError(
                "the default branch is not in this clone, so it is not known what to compare with",
                "`git fetch origin main:refs/remotes/origin/main` brings it; or name the base: `mlgit gate BASE`",
            )
        found = default_base(root, command="gate", head=head.commit or "HEAD")
        return _before(project, found) if _is_itself(project, found, head) else Start(found, "merge base")
    named = point(project.git_root, base, command="gate")
    if not named.commit:
        raise MlgitError("the workspace cannot be the baseline", "name a revision: `mlgit gate BASE`")
    return Start(named, "named")


def _is_itself(project: Project, found: Point, head: Point) -> bool:
    """Whether the current side, on the default branch or on none, is what it would be compared with."""
    root = project.git_root
    if head.commit:
        return head.commit == found.commit
    branch, default = git.current_branch(root), git.default_branch(root)
    is_on_another = branch is not None and default is not None and branch not in (default, default.removeprefix("origin/"))
    if is_on_another or git.resolve(root, "HEAD") != found.commit:
        return False
    return not git.run(project.root, "status", "--porcelain", "--untracked-files=no", "--", ".").text.strip()


def _before(project: Project, found: Point) -> Start:
    """The first parent of a commit; the commit itself, alone, where it has none here."""
    parents = git.line(project.git_root, "rev-list", "--parents", "--max-count=1", found.commit).split()[1:]
    name = f"{found.name}~1" if found.name == "HEAD" else f"the commit before {found.name}"
    return Start(Point(name, parents[0]), "named") if parents else Start(found, "merge base", is_alone=True)


def choose(project: Project, began: Start, rule: BaselineRule, *, models: Mapping[str, Model], head: Point) -> Baseline | None:
    """The baseline: where the comparison starts, or what `gates.baseline.ref` names, or an ancestor; None without results.

    Raises MlgitError for a ref that does not exist.
    """
    if began.is_alone:
        return None
    wanted, found = began.point, began.found
    if rule.ref != MERGE_BASE and found == "merge base":
        wanted, found = _named(project, rule.ref), "named"
    commit, distance = _with_results(project, wanted.commit, rule, models)
    if not commit:
        return None
    age = max(0, _time(project, head.commit or "HEAD") - _time(project, commit)) // _DAY
    is_old = rule.max_age is not None and age > rule.max_age
    if distance:
        return Baseline(commit[:10], commit, "nearest ancestor", distance, age, is_old)
    return Baseline(wanted.name, commit, found, 0, age, is_old)


def _named(project: Project, ref: str) -> Point:
    try:
        return Point(ref, git.resolve(project.git_root, ref))
    except MlgitError as error:
        raise MlgitError(
            f"mlgit.yaml: gates.baseline.ref: unknown revision '{ref}'", f"`git fetch` may bring it; {error.hint}"
        ) from error


def _with_results(project: Project, wanted: str, rule: BaselineRule, models: Mapping[str, Model]) -> tuple[str, int]:
    """The commit with results and its distance from the wanted one; ('', 0) where there is none."""
    if _has_results(project, wanted, models):
        return wanted, 0
    if rule.fallback == "none":
        return "", 0
    for commit in _states(project, wanted, models):
        if _has_results(project, commit, models):
            return commit, int(git.line(project.git_root, "rev-list", "--first-parent", "--count", f"{commit}..{wanted}"))
    return "", 0


def _states(project: Project, wanted: str, models: Mapping[str, Model]) -> Iterator[str]:
    """The commits just before the results changed, newest first, on the first-parent line."""
    files = [f"{project.prefix}{path}" for path in _files(models)]
    locks = [f":(top,glob){project.prefix}**/dvc.lock", *(f":(top,literal){path}" for path in files)]
    args = ["--first-parent", "--format=%H %P", f"--max-count={_MOST_STATES}", wanted, "--", *locks]
    for line in git.run(project.git_root, "log", "--no-show-signature", *args).text.splitlines():
        _, *parents = line.split()
        if parents:  # none: the first commit, or the edge of a shallow clone
            yield parents[0]


def _has_results(project: Project, commit: str, models: Mapping[str, Model]) -> bool:
    """Whether a commit says what a model scored: its predictions or metrics are recorded, or in Git."""
    with suppress(MlgitError):  # a pipeline that cannot be read has no results
        source = sources.Revision(project.git_root, commit, prefix=project.prefix)
        recorded = declared.recorded(load(source), source.document)
        return any(path in recorded or source.size(path) is not None for path in _files(models))
    return False


def _files(models: Mapping[str, Model]) -> list[str]:
    found = [posixpath.normpath(path) for each in models.values() for path in (each.predictions, each.metrics) if path]
    return [path for path in found if declared.is_inside(path)]


def _time(project: Project, revision: str) -> int:
    return int(git.line(project.git_root, "log", "-1", "--no-show-signature", "--format=%ct", revision, "--"))
