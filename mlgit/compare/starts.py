"""Finds where a comparison starts: a revision that the user names, or the point where the default branch was left."""

from __future__ import annotations

from pathlib import Path

from mlgit.adapters import git
from mlgit.compare.snapshot import Point, Start
from mlgit.errors import MlgitError
from mlgit.project import Project

WORKSPACE = Point().name


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
    if branch is None or (head == "HEAD" and git.same_branch(git.current_branch(root), branch)):
        return point(root, "HEAD", command=command)
    found = git.merge_base(root, head, branch)
    if found is None:
        raise MlgitError(
            f"{head} and {branch} have no common commit here",
            f"`git fetch --unshallow` completes a shallow clone; or name the base: `mlgit {command} BASE`",
        )
    return Point(branch if git.resolve(root, branch) == found else f"merge base with {branch}", found)


def start(project: Project, *, base: str | None, head: Point, into: str | None = None) -> Start:
    """The revision that the user names, else the point where the current side left the default branch.

    `into` is a ref of another branch that the change is to go to: its rules judge.
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
        return _before(project, found) if _is_itself(project, found, head) else Start(found, "merge base", rules=_tip(root))
    named = point(project.git_root, base, command="gate")
    if not named.commit:
        raise MlgitError("the workspace cannot be the baseline", "name a revision: `mlgit gate BASE`")
    return Start(named, "named", rules=Point(into, git.resolve(project.git_root, into)) if into else None)


def _tip(root: Path) -> Point | None:
    branch = git.default_branch(root)
    return None if branch is None else Point(branch, git.resolve(root, branch))


def _is_itself(project: Project, found: Point, head: Point) -> bool:
    """Whether the current side, on the default branch or on none, is what it would be compared with."""
    root = project.git_root
    if head.commit:
        return head.commit == found.commit
    branch, default = git.current_branch(root), git.default_branch(root)
    is_on_another = branch is not None and default is not None and not git.same_branch(branch, default)
    if is_on_another or git.resolve(root, "HEAD") != found.commit:
        return False
    return not git.run(project.root, "status", "--porcelain", "--untracked-files=no", "--", ".").text.strip()


def _before(project: Project, found: Point) -> Start:
    """The first parent of a commit; the commit itself, alone, where it has none.

    Raises MlgitError where a shallow clone ends there.
    """
    parents = git.line(project.git_root, "rev-list", "--parents", "--max-count=1", found.commit).split()[1:]
    name = f"{found.name}~1" if found.name == "HEAD" else f"the commit before {found.name}"
    if not parents and "\nparent " in git.run(project.git_root, "cat-file", "commit", found.commit).text.partition("\n\n")[0]:
        raise MlgitError(
            f"{name} is not in this shallow clone, so there is nothing to compare with", "`git fetch --unshallow` completes it"
        )
    return Start(Point(name, parents[0]), "named") if parents else Start(found, "merge base", is_alone=True)
