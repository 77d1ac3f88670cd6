"""Waiting for one's turn among several writers, so that they do not meet again in the same moment."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

_FIRST = 0.05
_LONGEST = 3.0


def turns(seconds: float) -> Iterator[int]:
    """Attempt after attempt, counted from 1, with a pause of random length before each further one, until `seconds` are over.

    A pause is drawn from 0 to twice what it was before ("full jitter": Brooker, Exponential Backoff And Jitter, 2015).
    """
    end = time.monotonic() + seconds
    attempt = 1
    yield attempt
    while time.monotonic() < end:
        attempt += 1
        time.sleep(random.uniform(0, min(_LONGEST, _FIRST * 2**attempt)))  # noqa: S311 - nothing to guess here
        yield attempt
