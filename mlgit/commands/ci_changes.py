"""What a change holds beside its verdict: the diff, the lines of the model cards, the curves of its plots."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mlgit.adapters.dvc import settings
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.git import git, refs
from mlgit.commands import contract_data, curves, table_changes
from mlgit.config import Config
from mlgit.diff.diff import Diff, compare
from mlgit.errors import MlgitError
from mlgit.gate.review import Review
from mlgit.project import Project
from mlgit.report.document import Plot
from mlgit.revision.collect import collect_both
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

_MOST_LINES = 60
_MOST_BYTES = 1 << 20


class CiChanges(NamedTuple):
    """The diff (None without a baseline), lines of cards that differ, and plots."""

    diff: Diff | None
    card: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()


def target(project: Project, job: CiJob) -> str | None:
    """The ref of the branch that the change is to go to; None where that is the default branch, or not told.

    Raises MlgitError where it is not in this clone.
    """
    root, name = project.git_root, job.base_branch
    if not name or refs.same_branch(name, refs.default_branch(root)):
        return None
    found = next((ref for ref in (f"refs/remotes/origin/{name}", f"refs/heads/{name}") if git.has_ref(root, ref)), None)
    if found is None:
        raise MlgitError(
            f"the change is to go to {name}, which is not in this clone",
            f"`git fetch origin {name}:refs/remotes/origin/{name}` brings it; or name the base: `mlgit ci run --base REVISION`",
        )
    return found


def check_head(project: Project, job: CiJob) -> None:
    """Raises MlgitError unless what is checked out is the commit that the job is about, or the forge's merge of it."""
    root = project.git_root
    head = git.head(root) if job.head else ""
    if not head:
        return
    # the commit itself tells its parents, also where a shallow clone does not have them
    told = git.run(root, "cat-file", "commit", head).text.partition("\n\n")[0].splitlines()
    if job.head not in (head, *(line.removeprefix("parent ") for line in told if line.startswith("parent "))):
        raise MlgitError(
            f"this job is about {job.head[:10]}, but {head[:10]} is checked out",
            "check out the commit of the pull request: its numbers are asked for",
        )


def refuse_brought_notes(project: Project) -> None:
    """Raises MlgitError where the change itself brings what mlgit notes down for later, such as results of the baseline."""
    brought = git.line(project.root, "ls-files", "--", ".dvc/tmp").splitlines()
    if brought:
        raise MlgitError(
            f"{brought[0]}: Git has it, and it is what DVC and mlgit note down for themselves",
            "type `git rm -r --cached .dvc/tmp`, and keep /tmp in .dvc/.gitignore",
        )


def has_remote(revisions: Revisions) -> bool:
    """Whether the project has a DVC remote to pull from: a default one, or one that outputs name."""
    if settings.default_remote(revisions.project.dvc_folder) is not None:
        return True
    return revisions.workspace.pipeline.names_remotes


def read(revisions: Revisions, wanted: str | None, review: Review) -> CiChanges:
    """What differs between the baseline of a review and the workspace; `wanted` stands in for a missing one."""
    commit = review.baseline.commit if review.baseline else wanted
    if not commit:
        return CiChanges(None)
    name = review.baseline.name if review.baseline else commit
    resolved = commit if review.baseline else revisions.resolve(commit)
    before, now = revisions.at(RevisionRef(name, resolved)), revisions.workspace
    one, other = collect_both(before, now)
    diff = compare(one, other, config=other.config)
    if before.config.contracts or now.config.contracts:
        diff = replace(diff, contracts=contract_data.of_diff(before, now))
    if diff.changed_tables:
        diff = replace(diff, tables=table_changes.changed_tables(before, now, diff))
    card = tuple(_card_lines(before, now, other.config))[:_MOST_LINES]
    return CiChanges(diff, card, curves.plots(before, now, diff))


def _card_lines(before: Revision, now: Revision, config: Config) -> Iterator[str]:
    for model in config.models.values():
        both = _small(before, model.card.out), _small(now, model.card.out)
        if both[0] is None or both[1] is None:
            continue
        old, new = (content.decode(errors="replace").splitlines() for content in both if content is not None)
        for line in difflib.unified_diff(old, new, lineterm="", n=0):
            if line[:1] in "+-" and line[:3] not in ("+++", "---"):
                yield line


def _small(revision: Revision, path: str) -> bytes | None:
    """The bytes of a file, None where there is none or it is larger than a card."""
    if not 0 <= (revision.files.size(path) or -1) <= _MOST_BYTES:
        return None
    with revision.files.stream(path) as stream:
        return stream.read()
