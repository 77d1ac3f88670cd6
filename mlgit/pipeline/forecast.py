"""What is to be expected of a run from how long its stages took before: when each ends, and when all are done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from mlgit.pipeline.graph import Graph
from mlgit.pipeline.scheduler import Plan


class Left(NamedTuple):
    """About how many seconds a run goes on, if all that is left of it has to run, without stages that never ran here."""

    seconds: float
    unknown: int


class Forecast:
    """The durations of a plan's stages as they are known, with so many `slots` to run them in."""

    def __init__(self, plan: Plan, *, seconds: Mapping[str, float], slots: int) -> None:
        self._slots = slots
        self._took = seconds
        self._after: dict[str, float] = {}
        self._left: dict[str, float | None] = {}
        chain: dict[int, float] = {}
        for number in sorted(plan.chosen - plan.current, reverse=True):
            stage = plan.graph.stages[number]
            after = max((chain[each] for each in plan.graph.feeds[number] if each in chain), default=0.0)
            may_run = bool(stage.cmd) and not stage.frozen
            chain[number] = after + (seconds.get(stage.address, 0.0) if may_run else 0.0)
            if may_run:
                self._after[stage.address], self._left[stage.address] = after, seconds.get(stage.address)

    def of(self, address: str) -> float | None:
        """How long a stage took when it ran last; None where that is not known."""
        return self._took.get(address)

    def ended(self, address: str) -> None:
        """A stage has ended."""
        self._left.pop(address, None)

    def left(self, running: Mapping[str, float]) -> Left:
        """What is left while these stages run, each for so long now: the longest chain, or all of it shared by the slots."""
        work = longest = 0.0
        for address, took in self._left.items():
            now = max(0.0, (took or 0.0) - running.get(address, 0.0))
            work += now
            longest = max(longest, now + self._after[address])
        unknown = sum(took is None for took in self._left.values())
        return Left(max(longest, work / max(1, self._slots)), unknown)


def may_overlap(graph: Graph, numbers: Collection[int], *, slots: int) -> bool:
    """Whether two of these stages may run at the same time: they do not all stand in one chain."""
    if slots < 2:
        return False
    deep: list[int] = []  # how many of them lie on the longest way to each stage
    for number, needs in enumerate(graph.needs):
        deep.append(max((deep[each] for each in needs), default=0) + (number in numbers))
    return max(deep, default=0) < len(numbers)
