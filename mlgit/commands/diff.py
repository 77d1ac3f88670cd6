"""Compares metrics, parameters, data and stages of two revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.commands.notes import Note, unheard
from mlgit.diff import wording
from mlgit.diff.diff import Diff, compare
from mlgit.diff.document import document
from mlgit.errors import MlgitError
from mlgit.revision import comparison_start
from mlgit.revision.collect import collect_both
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class DiffResult:
    """What differs between two revisions; `unanswered` is why, where nothing could be compared."""

    diff: Diff
    unanswered: MlgitError | None = None

    @property
    def exit_code(self) -> int:
        """Yes where something was compared, different or not."""
        return errors.EXIT_CANNOT_ANSWER if self.unanswered else errors.EXIT_YES

    def document(self, *, everything: bool = False) -> dict[str, Any]:
        """The answer as JSON: schema 1; with `everything` also what is the same."""
        return document(self.diff, everything=everything)


def diff(base: str | None = None, head: str | None = None, *, pull: bool = False, note: Note = unheard) -> DiffResult:
    """What differs between `base` and `head`: revisions, or the word `workspace`.

    `head` is without a word the workspace, `base` where this branch left the default branch. With `pull`, what was measured
    and is not in the cache is fetched from the DVC remote; `note` is told what did not come.
    """
    with Revisions(projects.find()) as revisions:
        now = RevisionRef() if head is None else comparison_start.point(revisions, head)
        before = comparison_start.start(revisions, base=base, head=now, command="diff").point
        return between(revisions, before, now, pull=pull, note=note)


def between(
    revisions: Revisions, before: RevisionRef, now: RevisionRef, *, pull: bool = False, note: Note = unheard
) -> DiffResult:
    """What differs between two points, as `diff`."""
    sides = revisions.at(before), revisions.at(now)
    if pull:
        _fetch(*sides, note=note)
    # two names of one commit are one revision, and each is called as the user did
    one, other = (replace(each, name=ref.name) for each, ref in zip(collect_both(*sides), (before, now), strict=True))
    found = _closer(*sides, compare(one, other, config=other.config))
    if any(found.compared.values()) or any(not each.trouble for each in found.contracts):
        return DiffResult(found)
    why = wording.why_nothing(one, other)
    return DiffResult(found, MlgitError(f"nothing was compared: {why}", "name another BASE: `mlgit diff REVISION`"))


def _fetch(*sides: Revision, note: Note) -> None:
    """Bring into the cache what both sides measured, and say what did not come."""
    from mlgit.revision import fetching

    paths = {side: fetching.results(side) for side in sides}
    for trouble in filter(None, dict.fromkeys(fetching.fetch(side, each) for side, each in paths.items())):
        note(trouble)


def _closer(before: Revision, now: Revision, diff: Diff) -> Diff:
    """The same, with what only reading whole tables tells."""
    if before.config.contracts or now.config.contracts:
        from mlgit.commands import contract_data  # most projects have no contract

        diff = replace(diff, contracts=contract_data.of_diff(before, now))
    if not (diff.changed_tables or diff.has_other_rows):
        return diff
    from mlgit.commands import table_changes  # numpy and pandas take longer than the rest of a diff

    found = table_changes.compared_rows(before, now, diff) if diff.has_other_rows else diff
    leaked = table_changes.leaked(now, diff)
    return replace(found, tables=table_changes.changed_tables(before, now, diff), leakage=leaked)
