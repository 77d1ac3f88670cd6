"""What an update would do to a project: its template's old and new render and the project's last commit, merged.

Nothing is touched here but Git's store of objects; `switch` carries out what is planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.git import git, merging
from mlgit.adapters.system import bounds
from mlgit.errors import MlgitError
from mlgit.scaffold import kept_form, merge, neighbours, pristine, state
from mlgit.scaffold.manifest import Template, Value
from mlgit.scaffold.merge import Entry, FileChange, Settled, Sides
from mlgit.scaffold.pristine import PristineRender
from mlgit.scaffold.render import render
from mlgit.scaffold.state import State

_OURS = b"yours"
_SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The planned tree of the repository, and what becomes of each file.

    `touched` are the paths that change or are in conflict, `written` those of them that the tree has.
    """

    head: str
    tree: str
    changes: tuple[FileChange, ...]
    conflicts: Mapping[str, Mapping[int, Entry]]
    touched: tuple[str, ...]
    written: frozenset[str]


def stored(root: Path, template: Template, answers: Mapping[str, Value]) -> str:
    """The tree of what a template renders to, in Git's store."""
    with bounds.bounded(template.manifest.name):
        files = render(template, answers)
    return git.write_tree(root, files)


def plan(
    root: Path,
    head: str,
    *,
    base: PristineRender,
    theirs: str,
    recorded: State,
    prefix: str,
    beside: Mapping[str, bytes] | None = None,
) -> MergePlan:
    """Merge the render `theirs` (a tree, with paths from the top of the repository) into the commit `head`, upon `base`.

    `recorded` is written as the state file of the project in `prefix`, and the files `beside` (path from the top -> content)
    where there are none of their names.
    """
    ours = git.line(root, "rev-parse", f"{head}^{{tree}}")
    given, mine, wanted = (merging.entries(root, tree) for tree in (base.tree, ours, theirs))
    others = neighbours.of_others(root, mine, prefix=prefix)
    others = {path: entry for path, entry in others.items() if path not in given and path not in wanted}
    old, new = kept_form.changes(root, given, wanted, mine)
    before, after = (merging.changed_tree(root, tree, others | more) for tree, more in ((base.tree, old), (theirs, new)))
    merged = merging.merge(root, base=before, ours=ours, theirs=after)
    # nothing was renamed where nothing is gone
    renamed_here = merging.renames(root, before, ours) if given.keys() - mine.keys() else {}
    renamed_there = merging.renames(root, before, after) if given.keys() - wanted.keys() else {}
    sides = Sides(given | others | old, mine, wanted | others | new, renamed_here, renamed_there)
    names = (merged.ours, merged.theirs)
    settled = merge.settle(sides, merged=merging.entries(root, merged.tree), stages=merged.stages, names=names)
    files = settled.files | _named(root, settled, names, version=recorded.version)
    files[f"{prefix}{state.NAME}"] = ("100644", git.write_blobs(root, [state.dump(recorded).encode()])[0])
    lacking = {path: content for path, content in (beside or {}).items() if path not in files}
    files |= {path: ("100644", oid) for path, oid in zip(lacking, git.write_blobs(root, lacking.values()), strict=True)}
    differing = {path for path in {*files, *sides.ours} if files.get(path) != sides.ours.get(path)}
    tree = merging.changed_tree(root, ours, {path: files.get(path) for path in differing})
    touched = tuple(sorted(differing | settled.conflicts.keys()))
    written = frozenset(path for path in touched if path in files)
    return MergePlan(head, tree, settled.changes, settled.conflicts, touched, written)


def _named(root: Path, settled: Settled, names: tuple[str, str], *, version: str) -> dict[str, Entry]:
    """The files with conflict markers, with words in the markers instead of the ids that Git was given."""
    kept = {path: settled.files[path] for path in settled.conflicts if path in settled.files}
    mixed = {path: entry for path, entry in kept.items() if entry[0] != _SUBMODULE}
    contents = git.read_objects(root, [oid for _, oid in mixed.values()])
    found: dict[str, Entry] = {}
    for path, (mode, oid) in mixed.items():
        text = contents[oid][1]
        told = text.replace(names[0].encode(), _OURS).replace(names[1].encode(), f"template {version}".encode())
        if told != text:
            found[path] = (mode, git.write_blobs(root, [told])[0])
    return found


def delta(root: Path, *, before: str, after: str, onto: str, what: str) -> str:
    """The render `onto` with what changes between two other renders of the same template, as when a feature is added.

    Raises MlgitError where that does not fit, because the template has changed since `onto` was rendered.
    """
    if onto == before:
        return after
    merged = merging.merge(root, base=before, ours=onto, theirs=after)
    if merged.stages:
        at = sorted(merged.stages)[0].partition("~")[0]
        raise MlgitError(
            f"{what} does not fit this version of the template: {at} has changed since", "`mlgit template update` first"
        )
    return merged.tree


def head_of(root: Path, *, must_be_clean: bool) -> str:
    """The commit that an update is merged into.

    Raises MlgitError before the first commit, and where a tracked file differs from the last: an update has to be taken back
    without a loss.
    """
    options = ("--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty")
    rows = git.run(root, "status", *options).text.split("\0")
    head = next(row.split()[2] for row in rows if row.startswith("# branch.oid "))
    if head == "(initial)":
        return git.resolve(root, "HEAD")  # says that there is none
    changed = [row.split(" ", 10 if row[0] == "u" else 8)[-1] for row in rows if row[:1] in ("1", "u")]
    if must_be_clean and changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise MlgitError(f"the working tree is not clean: {changed[0]}{more}", "commit or `git stash` first")
    return head


def patch(root: Path, plan: MergePlan) -> str:
    """What a plan would change, as a patch."""
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "-M")
    return git.run(root, "diff", *options, plan.head, plan.tree).text


def keep(root: Path, recorded: State, *, prefix: str) -> str:
    """Keep the recorded render of a project, as a commit that `refs/mlgit/template` is to point to."""
    message = state.message("Render the template", template=recorded.template, version=recorded.version)
    return pristine.keep(root, recorded.tree, prefix=prefix, message=message)
