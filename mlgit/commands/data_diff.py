"""Compares the data contracts of two revisions: what tightens, what loosens, and whether versions say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit import config as configs
from mlgit import errors
from mlgit import project as projects
from mlgit.commands import contract_changes
from mlgit.errors import MlgitError
from mlgit.revision import comparison_start
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions
from mlgit.validation.evolution import Evolution, View


@dataclass(frozen=True, slots=True)
class DataDiff:
    """The contracts of both sides, seen by consumers or by producers."""

    base: str
    head: str
    view: View
    contracts: tuple[Evolution, ...]

    @property
    def exit_code(self) -> int:
        """1 for a change that breaks the view or that a version does not say; 2 where a contract could not be read."""
        if any(each.trouble for each in self.contracts):
            return errors.EXIT_CANNOT_ANSWER
        is_fine = all(not each.breaking(self.view) and each.is_raised(self.view) for each in self.contracts)
        return errors.EXIT_YES if is_fine else errors.EXIT_NO

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {
            "schema": 1,
            "base": self.base,
            "head": self.head,
            "view": self.view,
            "breaking": any(each.breaking(self.view) for each in self.contracts),
            "contracts": [each.document(self.view) for each in self.contracts],
        }


def data_diff(base: str | None = None, head: str | None = None, *, view: View = "consumer") -> DataDiff:
    """What became of every contract under `data:` between `base` and `head`, which are found as `diff` finds them.

    Raises MlgitError where neither side has a contract.
    """
    with Revisions(projects.find()) as revisions:
        now = RevisionRef() if head is None else comparison_start.point(revisions, head, command="data diff")
        before = comparison_start.start(revisions, base=base, head=now, command="data diff").point
        found = contract_changes.evolutions(revisions.at(before), revisions.at(now))
        if not found:
            raise _nothing(revisions.at(before), revisions.at(now))
    return DataDiff(_label(before), _label(now), view, found)


def _label(ref: RevisionRef) -> str:
    return ref.name


def _nothing(before: Revision, now: Revision) -> MlgitError:
    sides = dict.fromkeys(_label(each.ref) for each in (before, now))
    return MlgitError(
        f"{configs.NAME}: data: no data has a contract in {' or '.join(sides)}, so nothing was compared",
        "`mlgit data infer PATH -o schemas/NAME.odcs.yaml` writes one; name it under `data:`",
    )
