"""Finds where a comparison starts: a revision that the user names, or the point where the default branch was left."""

from __future__ import annotations

from mlgit.adapters.git import git, refs
from mlgit.errors import MlgitError
from mlgit.revision.refs import ComparisonStart, RevisionRef
from mlgit.revision.revisions import Revisions

# without a look to be kept: the disk may be full
_STATUS = ("--no-optional-locks", "status", "--porcelain")

WORKSPACE = RevisionRef().name


def point(revisions: Revisions, word: str, *, command: str = "diff") -> RevisionRef:
    """What the user means by a word: the workspace, or a revision.

    Raises MlgitError for an unknown revision.
    """
    if word == WORKSPACE:
        return RevisionRef()
    if ".." in word:
        raise MlgitError(f"'{word}' is a range, not a revision", f"name the two sides: `mlgit {command} BASE HEAD`")
    return RevisionRef(word, revisions.resolve(word))


def start(
    revisions: Revisions, *, base: str | None, head: RevisionRef, into: str | None = None, command: str = "gate"
) -> ComparisonStart:
    """Where `diff`, `gate` and `ci run` begin: the revision that the user names, else where the current side left its branch.

    That is the default branch, or `into`, the ref of another branch that the change is to go to; the tip of that branch has
    the rules that judge. On the default branch itself it is the commit before if the tree is clean, for a comparison with
    itself would always pass, and HEAD if it is not.
    Raises MlgitError without commits, for histories without a common commit, and where the default branch is not in this clone.
    """
    if base is not None:
        named = point(revisions, base, command=command)
        return ComparisonStart(named, "named", rules=RevisionRef(into, revisions.resolve(into)) if into else None)
    if not revisions.head:
        raise MlgitError("no commit yet, so there is nothing to compare with", "`git commit` makes the first one")
    if into:
        rules = RevisionRef(into, revisions.resolve(into))
        return ComparisonStart(_left(revisions, head, rules, command=command), "merge base", rules=rules)
    branch = revisions.branches.default
    if branch is None and git.line(revisions.project.git_root, "remote"):
        raise MlgitError(
            "the default branch is not in this clone, so it is not known what to compare with",
            f"`git fetch origin main:refs/remotes/origin/main` brings it; or name the base: `mlgit {command} BASE`",
        )
    if branch is None:
        found, tip = RevisionRef("HEAD", revisions.head), None
    else:
        tip = RevisionRef(branch, revisions.branches.commit_of(branch))
        is_on_it = not head.commit and refs.same_branch(revisions.branches.current, branch)
        found = RevisionRef("HEAD", revisions.head) if is_on_it else _left(revisions, head, tip, command=command)
    if _is_itself(revisions, found, head, branch):
        return _before(revisions, found)
    return ComparisonStart(found, "merge base", rules=tip)


def _left(revisions: Revisions, head: RevisionRef, tip: RevisionRef, *, command: str) -> RevisionRef:
    """Where a side left a branch. Raises MlgitError for histories without a common commit."""
    found = git.merge_base(revisions.project.git_root, head.commit or revisions.head, tip.commit)
    if found is None:
        raise MlgitError(
            f"{head.name if head.commit else 'HEAD'} and {tip.name} have no common commit here",
            f"`git fetch --unshallow` completes a shallow clone; or name the base: `mlgit {command} BASE`",
        )
    return RevisionRef(tip.name if tip.commit == found else f"merge base with {tip.name}", found)


def _is_itself(revisions: Revisions, found: RevisionRef, head: RevisionRef, default: str | None) -> bool:
    """Whether the current side, on the default branch or on none, is what it would be compared with."""
    if head.commit:
        return head.commit == found.commit
    branch = revisions.branches.current
    is_on_another = branch is not None and default is not None and not refs.same_branch(branch, default)
    if is_on_another or revisions.head != found.commit:
        return False
    return not git.run(revisions.project.root, *_STATUS, "--untracked-files=no", "--", ".").text.strip()


def _before(revisions: Revisions, found: RevisionRef) -> ComparisonStart:
    """The first parent of a commit; the commit itself, alone, where it has none.

    Raises MlgitError where a shallow clone ends there.
    """
    # the commit itself tells its parents, also where a shallow clone does not have them
    parents = revisions.objects.parents(found.commit)
    name = f"{found.name}~1" if found.name == "HEAD" else f"the commit before {found.name}"
    if parents and not revisions.objects.has(parents[0]):
        raise MlgitError(
            f"{name} is not in this shallow clone, so there is nothing to compare with", "`git fetch --unshallow` completes it"
        )
    if parents:
        return ComparisonStart(RevisionRef(name, parents[0]), "named")
    return ComparisonStart(found, "merge base", is_alone=True)
