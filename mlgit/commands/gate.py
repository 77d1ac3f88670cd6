"""Judges a change by the rules of mlgit.yaml, and tells which margins a test set can show."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.commands.review import review_change, review_input
from mlgit.errors import MlgitError
from mlgit.evaluation.suggest import Suggestion
from mlgit.gate import document, judge
from mlgit.gate.review import Review
from mlgit.revision.revisions import Revisions


@dataclass(frozen=True, slots=True)
class GateResult:
    """The review of a change: every declared rule judged, with its reason."""

    review: Review

    @property
    def exit_code(self) -> int:
        """Yes for a pass, with or without warnings; it cannot be told where nothing could be judged."""
        return {"fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}.get(str(self.review.verdict), errors.EXIT_YES)

    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        return document.document(self.review)


@dataclass(frozen=True, slots=True)
class GateSuggestions:
    """For each model, which differences its test set can show."""

    by_model: Mapping[str, tuple[Suggestion, ...]]

    @property
    def exit_code(self) -> int:
        """Yes where a margin can be named for one of the metrics."""
        is_told = any(each.margin is not None for rows in self.by_model.values() for each in rows)
        return errors.EXIT_YES if is_told else errors.EXIT_CANNOT_ANSWER

    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        return document.suggestions(self.by_model)


def gate(base: str | None = None, head: str | None = None, *, labels: Sequence[str] = (), pull: bool = False) -> GateResult:
    """Judge `head` (without a word the workspace) beside `base` (where this branch left the default branch).

    `labels` are those of the pull request, for rules with `when`. With `pull`, what is compared and not in the cache is
    fetched from the DVC remote.
    """
    with Revisions(projects.find()) as revisions:
        today = datetime.date.today()
        return GateResult(review_change(revisions, base=base, head=head, labels=labels, today=today, pull=pull))


def suggest(base: str | None = None, head: str | None = None, *, pull: bool = False) -> GateSuggestions:
    """Which differences the test sets of both sides can show. Raises MlgitError where there are no predictions."""
    with Revisions(projects.find()) as revisions:
        found = judge.suggestions(review_input(revisions, base=base, head=head, pull=pull))
    if not any(found.values()):
        raise MlgitError(
            "there are no predictions to learn from", "declare models.NAME.predictions and id in mlgit.yaml, and `mlgit run`"
        )
    return GateSuggestions(found)
