"""A lock between threads that a fork leaves open: one that another thread held would be held for ever in the child."""

from __future__ import annotations

import os
import threading
import weakref

_every: weakref.WeakSet[ForkLock] = weakref.WeakSet()


class ForkLock:
    """A lock that its holder may take again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _every.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Open the lock, whoever held it."""
        self._lock = threading.RLock()


def _renew() -> None:
    for each in list(_every):
        each.renew()


os.register_at_fork(after_in_child=_renew)
