"""Who is told of a search while it lasts."""

from __future__ import annotations

from mlgit.experiments.search import NextTrial, Search
from mlgit.experiments.sweep import TrialEnd


class SweepReporter:
    """Is told what a search does, as it does it; this one says nothing."""

    def begun(self, search: Search) -> None:
        """A search was taken up."""

    def trial_started(self, search: Search, trial: NextTrial) -> None:
        """A trial was handed to a worker."""

    def stage_started(self, name: str, stage: str) -> None:
        """A stage of a trial runs now."""

    def trial_ended(self, search: Search, end: TrialEnd) -> None:
        """A trial ended, and that is written down."""

    def ended(self, search: Search) -> None:
        """A search is done."""

    def note(self, text: str) -> None:
        """Something worth knowing that is no result."""

    def tick(self) -> None:
        """Some time has passed."""
