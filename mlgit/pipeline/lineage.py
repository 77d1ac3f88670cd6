"""Which stages a path comes from: upstream, down to what no stage makes."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence

from mlgit.pipeline.model import Stage


def and_above(path: str) -> list[str]:
    """A path, and every folder above it, the uppermost first."""
    return [path, *(path[:end] for end, char in enumerate(path) if char == "/")]


class Makers:
    """The stages of a pipeline by what they make."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._of = {out.target: stage for stage in stages for out in stage.outs}
        self._targets = sorted(self._of)

    def of(self, path: str) -> list[Stage]:
        """The stages that make a path, something above it, or something below it."""
        found = [self._of[each] for each in and_above(path) if each in self._of]
        first = bisect.bisect_left(self._targets, f"{path}/")
        last = bisect.bisect_left(self._targets, f"{path}0")  # "0" follows "/"
        found += [self._of[each] for each in self._targets[first:last]]
        return list({stage.address: stage for stage in found}.values())

    def upstream(self, paths: Iterable[str]) -> list[Stage]:
        """All stages on the way to these paths in the order they run; frozen ones are followed too."""
        found: dict[str, Stage] = {}
        seen: set[str] = set()
        for start in (stage for path in paths for stage in self.of(path)):
            waiting = [] if start.address in seen else [self._visit(start, seen)]
            while waiting:
                stage, before = waiting[-1]
                following = next((each for each in before if each.address not in seen), None)
                if following is None:
                    waiting.pop()
                    found[stage.address] = stage
                else:
                    waiting.append(self._visit(following, seen))
        return list(found.values())

    def _visit(self, stage: Stage, seen: set[str]) -> tuple[Stage, Iterator[Stage]]:
        seen.add(stage.address)
        return stage, (each for _, target in stage.inputs() for each in self.of(target))
