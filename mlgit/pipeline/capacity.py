"""Who may run beside whom: shared resources with totals, and names that only one stage at a time may hold."""

from __future__ import annotations

from collections.abc import Mapping

from mlgit.pipeline.stage_options import Control


class Capacity:
    """What is taken now out of the totals. A stage that asks for nothing always fits."""

    def __init__(self, totals: Mapping[str, float]) -> None:
        self.totals = totals
        self.used: dict[str, float] = {}
        self.held: set[str] = set()

    def fits(self, wanted: Control) -> bool:
        """Whether a stage may start now. One that asks for more processors than there are runs when all are free."""
        if self.held & wanted.mutex:
            return False
        return all(
            self.used.get(name, 0.0) + self._share(name, value) <= self._total(name) for name, value in wanted.resources.items()
        )

    def take(self, wanted: Control) -> None:
        """Count a stage that starts."""
        self.held |= wanted.mutex
        for name, value in wanted.resources.items():
            self.used[name] = self.used.get(name, 0.0) + self._share(name, value)

    def give(self, wanted: Control) -> None:
        """Count a stage that ended."""
        self.held -= wanted.mutex
        for name, value in wanted.resources.items():
            self.used[name] -= self._share(name, value)

    def _total(self, name: str) -> float:
        return self.totals.get(name, float("inf"))

    def _share(self, name: str, value: float) -> float:
        return min(value, self._total(name))
