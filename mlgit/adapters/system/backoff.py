"""Waiting for one's turn among several writers, so that they do not meet again in the same moment."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

_WIDEST = 8.0


def turns(seconds: float) -> Iterator[int]:
    """Attempt after attempt, counted from 1, with a pause of random length before each further one, until `seconds` are over.

    A pause is drawn from 0 to a number of times as long as the last attempt took, twice that with each attempt ("full
    jitter": Brooker, Exponential Backoff And Jitter, 2015). Measured by itself, an attempt keeps its distance on a slow
    machine, too: where all try at once, each only makes the others slower. The width shrinks as time runs out, so that who
    has waited long comes before who has just come.
    """
    begun = time.monotonic()
    attempt, last = 1, begun
    yield attempt
    while (now := time.monotonic()) < begun + seconds:
        attempt += 1
        left = 1 - (now - begun) / seconds
        time.sleep(random.uniform(0, (now - last) * min(2.0 ** (attempt - 1), _WIDEST * left)))  # noqa: S311 - no secret
        last = time.monotonic()
        yield attempt
