"""One request on its way: what was asked, by whom it is answered, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.rows import Method, Violation


@dataclass(slots=True)
class Exchange:
    """A request with its rows in the order of the model that answers it.

    `started` is the time of arrival (seconds of the monotonic clock), `time` the same since 1970. `outputs` are the answers by
    method, a row each. `answered` is set when the answer may leave: it has been computed and, as far as that is asked, written
    down.
    """

    id: str
    time: float
    started: float
    data: Sequence[Sequence[Any]] | np.ndarray
    methods: tuple[Method, ...]
    answered: asyncio.Future[None]
    violations: Sequence[Violation] = ()
    code: int = 200
    seconds: float = 0.0
    outputs: Mapping[Method, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.data)
