"""The pristine render of a project: what its template gave, before anybody changed it. An update is merged upon it.

It is a tree of Git whose id `.mlgit-template.yaml` records, so whatever is found is checked by that id. Commits on
`refs/mlgit/template` keep it; their tree holds the render of the project at the top, and those of others in their folders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.dvc import dvc_command
from mlgit.adapters.git import git, merging, remote_tags
from mlgit.scaffold import state
from mlgit.scaffold.state import State

# Where a base was found, beside the name of a remote.
HERE, HISTORY, RENDERED, NOWHERE = "this clone", "the history", "the template", ""

_MOST_COMMITS = 50


@dataclass(frozen=True, slots=True)
class PristineRender:
    """The tree that an update is merged upon, as paths from the top of the repository, and where it was found."""

    tree: str
    found: str

    @property
    def note(self) -> str:
        """What people should know about it; '' for nothing."""
        if self.found != NOWHERE:
            return ""
        return (
            "what the template gave this project is in no clone that could be asked, and cannot be rendered anew: every file "
            "that differs from the template is shown as a conflict"
        )


def find(root: Path, recorded: State, *, prefix: str, rendered: Callable[[], str]) -> PristineRender:
    """The base of the project in the folder `prefix` ('' or ending with '/') of a repository.

    Looked for in this order: here, at the remotes, among the commits of the history, and in what the template gives today
    for the recorded version (`rendered` stores that and gives its tree, '' if it cannot). The empty tree where it is nowhere.
    """
    tree = recorded.tree
    # no render holds the state file: a tree that does is one of the project itself, and all in it would count as given
    own = (state.NAME, f"{prefix}{state.NAME}")
    found = HERE if merging.is_complete(root, tree, lacking=own) else NOWHERE
    for remote in () if found else _remotes(root):
        if fetch(root, remote) and merging.is_complete(root, tree, lacking=own):
            found = remote
            break
    if not found and tree in _of_history(root, prefix) and merging.is_complete(root, tree, lacking=own):
        found = HISTORY
    if not found and rendered() == tree:
        found = RENDERED
    if not found:
        return PristineRender(git.write_tree(root, {}), NOWHERE)
    return PristineRender(placed(root, tree, recorded, prefix=prefix), found)


def placed(root: Path, tree: str, recorded: State, *, prefix: str) -> str:
    """A render with its paths from the top of the repository: one that knows of no folder is put into that of the project."""
    return merging.graft(root, "", prefix.rstrip("/"), tree) if prefix and recorded.folder == "." else tree


def fetch(root: Path, remote: str) -> bool:
    """Bring the pristine renders that a remote has; whether it has any. The ref is set where there is none here."""
    done = git.run(root, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", remote, state.REF, check=False)
    if done.code:
        return False
    if not git.has_ref(root, state.REF):
        git.update_ref(root, state.REF, git.resolve(root, "FETCH_HEAD"), reason="mlgit template")
    return True


def _remotes(root: Path) -> list[str]:
    """The remotes, the one that most clones come from first."""
    return sorted(remote_tags.remotes(root), key=lambda name: (name != "origin", name != "upstream"))


def _of_history(root: Path, prefix: str) -> set[str]:
    """The trees of commits that may be renders: without what `mlgit new` adds to one."""
    if not git.head(root):
        return set()
    # not `git log`: what is set for people (signatures shown, kinds of patterns) changes what that says
    asked = ("rev-list", f"--max-count={_MOST_COMMITS}")
    commits = git.run(root, *asked, "--basic-regexp", "--grep=^Mlgit-Template: ", "HEAD").text.split()
    commits += git.run(root, *asked, "HEAD", "--", f":(top,literal){prefix}{state.NAME}").text.split()
    found: set[str] = set()
    for commit in dict.fromkeys(commits):
        done = git.run(root, "rev-parse", "--verify", "--quiet", f"{commit}:{prefix.rstrip('/')}", check=False)
        if done.code:
            continue
        tree = done.text.strip()
        added = dict.fromkeys((state.NAME, *dvc_command.FILES))
        kept = dict.fromkeys(path for path in added if path != ".dvcignore")
        found |= {tree, *(merging.changed_tree(root, tree, changes) for changes in (added, kept))}
    return found


def keep(root: Path, tree: str, *, prefix: str, message: str) -> str:
    """Store a commit with the render of a project on top of what `refs/mlgit/template` has; nothing points to it yet."""
    tip, _, kept = git.run(root, "for-each-ref", "--format=%(objectname) %(tree)", state.REF).text.strip().partition(" ")
    tip = tip if kept else ""  # whatever is no commit, as a remote may have it, is none of ours
    if prefix:
        whole = merging.graft(root, kept, prefix.rstrip("/"), tree)
    else:
        whole = tree
        for folder in _other_projects(root) if tip else ():
            done = git.run(root, "rev-parse", "--verify", "--quiet", f"{tip}:{folder}", check=False)
            whole = whole if done.code else merging.graft(root, whole, folder, done.text.strip())
    if kept == whole:
        return tip
    return git.write_commit(root, whole, message=message, signature=state.SIGNATURE, parents=[tip] if tip else [])


def _other_projects(root: Path) -> list[str]:
    listed = git.run(root, "ls-files", "-z", "--", f":(top,glob)*/**/{state.NAME}").text.split("\0")
    return [path.removesuffix(f"/{state.NAME}") for path in listed if path]


def tip(root: Path) -> str:
    """The commit that `refs/mlgit/template` points to; '' for none."""
    return git.run(root, "for-each-ref", "--format=%(objectname)", state.REF).text.strip()


def join(root: Path, remote: str, there: str) -> None:
    """Have here what a remote keeps as well, where the two went apart: its commit `there` becomes a parent of ours."""
    here = tip(root)
    if not here or not there or git.is_ancestor(root, there, here) or not fetch(root, remote):
        return
    if git.is_ancestor(root, here, there):
        git.update_ref(root, state.REF, there, reason="mlgit pull")
        return
    message = "Join the renders of two clones"
    tree = git.line(root, "rev-parse", f"{here}^{{tree}}")
    both = git.write_commit(root, tree, message=message, signature=state.SIGNATURE, parents=[here, there])
    git.update_ref(root, state.REF, both, reason="mlgit push")
