"""How many short tasks are sent to a worker at a time: enough to hide what sending costs, few enough to be spread out."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 50
BATCH_SECONDS = 0.1
_SHORT = 0.03
_LONG = 1.0
_LONGEST = 1.0


@dataclass(slots=True)
class Pace:
    """How long tasks take, as seen so far, and what handing in takes: means in which the latest count most."""

    mean: float | None = None
    handing: float = 0.0

    def note(self, seconds: float, *, handing: float = 0.0) -> None:
        """Count a task that ended, and whose outputs then took so long to reach the remote."""
        self.mean = seconds if self.mean is None else 0.9 * self.mean + 0.1 * seconds
        self.handing = 0.9 * self.handing + 0.1 * handing

    def span(self) -> float:
        """How long a batch may take: what is handed in at its end shall not cost more than a part of it."""
        return min(_LONGEST, max(BATCH_SECONDS, 4 * self.handing))

    def size(self) -> int:
        """How many tasks make a batch; one as long as nothing is known, and when tasks take long."""
        if self.mean is None or self.mean > max(_SHORT, self.span() / 4):
            return 1
        return min(MOST, int(self.span() / max(self.mean, 1e-6)))

    def is_long(self) -> bool:
        """Whether tasks take so long that nothing is lost by waiting for the next."""
        return self.mean is not None and self.mean > _LONG


def cut(count: int, *, most: int, room: int) -> list[int]:
    """The sizes of the batches that `count` tasks are sent in, as far as there is room for batches: in equal shares."""
    if room <= 0 or count == 0:
        return []
    size = min(most, -(-count // room))
    return [min(size, count - at) for at in range(0, count, size)][:room]
