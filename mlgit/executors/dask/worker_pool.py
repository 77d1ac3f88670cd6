"""The workers of a cluster as a run uses them: greeted when they come, given the commit, and taken out when they cannot work.

Whoever waits is told: that no worker has come, and which one gets no more stages, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mlgit.errors import MlgitError
from mlgit.executors import table
from mlgit.executors.dask import messages
from mlgit.executors.dask.messages import Site
from mlgit.executors.dask.roster import Roster, WorkerNode

# How long a run waits for the first worker, and for another when all are lost; some clusters start machines for it.
COMING_SECONDS = 300.0
_LEFT_SECONDS = 10.0  # the same where all that are there cannot work
_TELL_SECONDS = 3.0
_ROSTER_SECONDS = 2.0
_HURRY_SECONDS = 0.5
_ANSWER_SECONDS = 60.0
_SENDING = 10


class NoWorkerError(MlgitError):
    """No worker of the cluster can run anything."""


class _Cluster(Protocol):
    """What is asked of a cluster that is open."""

    address: str

    def nodes(self) -> Mapping[str, WorkerNode]:
        """The workers by address."""

    def everywhere(
        self, function: Callable[..., Any], *args: Any, workers: Sequence[str] | None = None, seconds: float = ...
    ) -> dict[str, Any]:
        """Call a function on these workers; results, or errors, by address, within so many seconds."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a crew has of the outside: `pack` gives the commit to whoever has those others, `say` reaches the user.

    `limit` is how long the user wants to wait for a worker (None: nothing said).
    """

    pack: Callable[[tuple[str, ...]], bytes]
    say: Callable[[str], None]
    clock: Callable[[], float]
    limit: float | None = None


class Crew:
    """The workers of a cluster that is open, for one site."""

    def __init__(self, cluster: _Cluster, site: Site, means: Means) -> None:
        self.cluster = cluster
        self.roster = Roster()
        self._site = site
        self._means = means
        self._packs: dict[tuple[str, ...], bytes] = {}
        self._looked = float("-inf")
        self._missed: float | None = None
        self._told = False

    def look(self, *, force: bool = False) -> bool:
        """See which workers there are, at most every other second unless it has to be; whether that was done."""
        pause = _ROSTER_SECONDS if self.roster.able() else _HURRY_SECONDS
        if not force and self._means.clock() - self._looked < pause:
            return False
        fresh = self.roster.see(self.cluster.nodes())
        self._looked = self._means.clock()
        if fresh:
            self._greet(fresh)
        return True

    def _greet(self, addresses: list[str]) -> None:
        """Ask workers what they have, and bring them the commit; those that cannot work are taken out."""
        groups: dict[tuple[str, ...], list[str]] = {}
        answered = self.cluster.everywhere(table.on_workers().commits, workers=addresses, seconds=self._patience(1))
        for address, found in answered.items():
            if isinstance(found, BaseException):
                if not isinstance(found, OSError):  # that worker is lost
                    self.take_out(address, *_unable(found, self._site.version))
            elif found[0] != self._site.version:
                self.take_out(address, *messages.other_version(found[0], self._site.version))
            else:
                groups.setdefault(tuple(sorted(found[1])), []).append(address)
        for have, group in groups.items():
            self.deliver(group, have)

    def deliver(self, addresses: list[str], have: tuple[str, ...]) -> None:
        """Bring the commit to workers that have only those others."""
        commit = self._site.commit
        if commit in have:
            return
        if have not in self._packs:
            self._packs[have] = self._means.pack(have)
        pack, patience = self._packs[have], self._patience(_SENDING)
        done = self.cluster.everywhere(table.on_workers().deliver, commit, pack, workers=addresses, seconds=patience)
        for address, error in done.items():
            if isinstance(error, BaseException) and not _is_comm(error):
                self.take_out(address, *_unable(error, self._site.version))

    def _patience(self, times: int) -> float:
        """How long a worker may take for an answer; more where much is sent to it."""
        return times * (self._means.limit or _ANSWER_SECONDS)

    def take_out(self, address: str, message: str, hint: str) -> None:
        """Let a worker get nothing more in this run, and say so."""
        if self.roster.take_out(address, message, hint):
            self._means.say(f"note: {self.roster.called(address)} gets no more stages: {message}{f'; {hint}' if hint else ''}")

    def recheck(self) -> None:
        """Look for a worker that cannot read what it is sent, after an error that does not say which."""
        self.roster.see(self.cluster.nodes())
        self._greet(list(self.roster.able()))

    def refuse_none(self) -> None:
        """Say that no worker is there that can work, and raise NoWorkerError when that has been so for too long."""
        if self.roster.able():
            self._missed, self._told = None, False
            return
        now = self._means.clock()
        self._missed = now if self._missed is None else self._missed
        unable, limit = self.roster.unable(), self._means.limit
        longest = _LEFT_SECONDS if unable else COMING_SECONDS
        longest = longest if limit is None else min(limit, _LEFT_SECONDS) if unable else limit
        what = "is left that can run stages" if unable else "is left" if self.roster.names else "has come"
        if now - self._missed >= longest:
            raise self._none(what, longest)
        if now - self._missed >= min(_TELL_SECONDS, longest / 2) and not self._told:
            self._told = True
            self._means.say(f"no worker {what} in the Dask cluster at {self.cluster.address}; waiting at most {longest:g} s")

    def _none(self, what: str, seconds: float) -> NoWorkerError:
        at = self.cluster.address
        if self.roster.unable():
            return NoWorkerError(
                f"no worker {what} in the Dask cluster at {at}: {self.roster.troubles()}", self.roster.remedies()
            )
        return NoWorkerError(
            f"no worker {what} in the Dask cluster at {at} within {seconds:g} s",
            f"start one with `dask worker {at}`, or wait longer with --timeout, as in `--timeout 30m`",
        )


def _unable(error: BaseException, version: str) -> tuple[str, str]:
    """What keeps a worker from working, from what it raised (message, hint)."""
    missing = missing_module(error)
    if missing:
        return without(missing, version, who="it")
    if isinstance(error, MlgitError):
        return error.message, error.hint
    return f"{type(error).__name__}: {error}", "see the machine of this worker"


def _is_comm(error: BaseException) -> bool:
    """Whether the worker was lost, and has nothing wrong with its files."""
    return isinstance(error, OSError) and error.errno is None


def missing_module(error: BaseException) -> str:
    """The module that a worker would have had to import for a call ('': that is not what went wrong).

    What a worker raises before it can run anything comes as text.
    """
    if isinstance(error, ModuleNotFoundError):
        return error.name or str(error)
    found = re.search(r"ModuleNotFoundError\(.*?No module named '([\w.]+)'", str(error))
    return found[1] if found else ""


def without(module: str, version: str, *, who: str) -> tuple[str, str]:
    """What is wrong (message, hint) where a module cannot be imported."""
    return f"{who} cannot import {module.partition('.')[0]}", f"type `pip install 'mlgit[dask]=={version}'` where it runs"
