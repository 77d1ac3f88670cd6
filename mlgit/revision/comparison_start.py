"""Finds where a comparison starts: a revision that the user names, or the point where the default branch was left."""

from __future__ import annotations

from pathlib import Path

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.revision.refs import ComparisonStart, RevisionRef

# without a look to be kept: the disk may be full
_STATUS = ("--no-optional-locks", "status", "--porcelain")

WORKSPACE = RevisionRef().name


def point(root: Path, word: str, *, command: str = "diff") -> RevisionRef:
    """What the user means by a word: the workspace, or a revision.

    Raises MlgitError for an unknown revision.
    """
    if word == WORKSPACE:
        return RevisionRef()
    if ".." in word:
        raise MlgitError(f"'{word}' is a range, not a revision", f"name the two sides: `mlgit {command} BASE HEAD`")
    return RevisionRef(word, git.resolve(root, word))


def start(
    project: Project, *, base: str | None, head: RevisionRef, into: str | None = None, command: str = "gate"
) -> ComparisonStart:
    """Where `diff`, `gate` and `ci run` begin: the revision that the user names, else where the current side left its branch.

    That is the default branch, or `into`, the ref of another branch that the change is to go to; the tip of that branch has
    the rules that judge. On the default branch itself it is the commit before if the tree is clean, for a comparison with
    itself would always pass, and HEAD if it is not.
    Raises MlgitError without commits, for histories without a common commit, and where the default branch is not in this clone.
    """
    root = project.git_root
    if base is not None:
        named = point(root, base, command=command)
        return ComparisonStart(named, "named", rules=RevisionRef(into, git.resolve(root, into)) if into else None)
    if not git.has_commits(root):
        raise MlgitError("no commit yet, so there is nothing to compare with", "`git commit` makes the first one")
    if into:
        return ComparisonStart(
            _left(root, head, into, command=command), "merge base", rules=RevisionRef(into, git.resolve(root, into))
        )
    branch = git.default_branch(root)
    if branch is None and git.line(root, "remote"):
        raise MlgitError(
            "the default branch is not in this clone, so it is not known what to compare with",
            f"`git fetch origin main:refs/remotes/origin/main` brings it; or name the base: `mlgit {command} BASE`",
        )
    is_on_it = not head.commit and git.same_branch(git.current_branch(root), branch)
    found = point(root, "HEAD") if branch is None or is_on_it else _left(root, head, branch, command=command)
    rules = RevisionRef(branch, git.resolve(root, branch)) if branch else None
    return (
        _before(project, found)
        if _is_itself(project, found, head, branch)
        else ComparisonStart(found, "merge base", rules=rules)
    )


def _left(root: Path, head: RevisionRef, branch: str, *, command: str) -> RevisionRef:
    """Where a side left a branch. Raises MlgitError for histories without a common commit."""
    found = git.merge_base(root, head.commit or "HEAD", branch)
    if found is None:
        raise MlgitError(
            f"{head.name if head.commit else 'HEAD'} and {branch} have no common commit here",
            f"`git fetch --unshallow` completes a shallow clone; or name the base: `mlgit {command} BASE`",
        )
    return RevisionRef(branch if git.resolve(root, branch) == found else f"merge base with {branch}", found)


def _is_itself(project: Project, found: RevisionRef, head: RevisionRef, default: str | None) -> bool:
    """Whether the current side, on the default branch or on none, is what it would be compared with."""
    root = project.git_root
    if head.commit:
        return head.commit == found.commit
    branch = git.current_branch(root)
    is_on_another = branch is not None and default is not None and not git.same_branch(branch, default)
    if is_on_another or git.resolve(root, "HEAD") != found.commit:
        return False
    return not git.run(project.root, *_STATUS, "--untracked-files=no", "--", ".").text.strip()


def _before(project: Project, found: RevisionRef) -> ComparisonStart:
    """The first parent of a commit; the commit itself, alone, where it has none.

    Raises MlgitError where a shallow clone ends there.
    """
    parents = git.line(project.git_root, "rev-list", "--parents", "--max-count=1", found.commit).split()[1:]
    name = f"{found.name}~1" if found.name == "HEAD" else f"the commit before {found.name}"
    if not parents and "\nparent " in git.run(project.git_root, "cat-file", "commit", found.commit).text.partition("\n\n")[0]:
        raise MlgitError(
            f"{name} is not in this shallow clone, so there is nothing to compare with", "`git fetch --unshallow` completes it"
        )
    return (
        ComparisonStart(RevisionRef(name, parents[0]), "named")
        if parents
        else ComparisonStart(found, "merge base", is_alone=True)
    )
