"""The workers of a cluster as a run knows them: which may get stages, and what is wrong with those that may not.

What lies with a worker itself (no mlgit, no plugin, no credentials, a full disk) takes it out for the rest of the run. One
on which the remote does not answer, though it answers the run, gets one more chance: it may have been a moment's trouble.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

_CHANCES = 2
_TRIES = 4


class WorkerNode(Protocol):
    """A worker: how many stages at once it takes, the resources it says it has, and its name."""

    @property
    def threads(self) -> int:
        """How many calls at once."""

    @property
    def resources(self) -> Mapping[str, float]:
        """Amounts by name."""

    @property
    def name(self) -> str:
        """'' where it has only an address."""


@dataclass(slots=True)
class Roster:
    """Workers by address: all there are, and those that get nothing any more with (what is wrong, what mends it)."""

    nodes: Mapping[str, WorkerNode] = field(default_factory=dict)
    out: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _strikes: dict[str, int] = field(default_factory=dict)

    def see(self, nodes: Mapping[str, WorkerNode]) -> list[str]:
        """Take in which workers there are now; returns those that were never seen before."""
        fresh = [address for address in nodes if address not in self.names]
        self.names.update((address, nodes[address].name) for address in fresh)
        self.nodes = nodes
        return fresh

    def able(self, *, avoided: Collection[str] = ()) -> dict[str, WorkerNode]:
        """Those that may get stages, without the `avoided`."""
        return {each: node for each, node in self.nodes.items() if each not in self.out and each not in avoided}

    def asked(self, resources: Mapping[str, float]) -> dict[str, float]:
        """What to ask Dask for. Processors and memory are asked for only where workers say how much they have."""
        offered = {name for node in self.able().values() for name in node.resources}
        return {name: value for name, value in resources.items() if name in offered or name not in ("cpus", "memory")}

    def refusal(self, stage: str, resources: Mapping[str, float], *, also_unable: bool = False) -> tuple[str, str] | None:
        """What no worker has of that which a stage asks for; with `also_unable`, none that was taken out either."""
        nodes = self.nodes if also_unable else self.able()
        for name, wanted in resources.items():
            offered = max((node.resources.get(name, 0.0) for node in nodes.values()), default=wanted)
            if offered < wanted:
                return (
                    f"stage '{stage}' wants {wanted:g} of '{name}', no worker of the cluster offers more than {offered:g}",
                    f"start a worker with `dask worker ADDRESS --resources '{name}={wanted:g}'`",
                )
        return None

    def least_busy(self, taken: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        """The worker with most threads to spare, where each of the batches `taken` is for one of these workers; none: ()."""
        load = {address: -node.threads for address, node in self.able().items()}
        for only in taken:
            if len(only) == 1 and only[0] in load:
                load[only[0]] += 1
        return (min(load, key=lambda address: load[address]),) if load else ()

    def unable(self) -> list[str]:
        """Those that are there and may not."""
        return [address for address in self.nodes if address in self.out]

    def called(self, address: str) -> str:
        """A worker in the user's words: as Dask names it."""
        name = self.names.get(address, "")
        return f"the worker '{name}' ({address})" if name not in ("", address) else f"the worker at {address}"

    def take_out(self, address: str, message: str, hint: str) -> bool:
        """Let a worker get nothing any more; False where that is so already."""
        if address in self.out:
            return False
        self.out[address] = (message, hint)
        return True

    def strike(self, address: str) -> bool:
        """Count that a worker could not ask the remote; whether that was its last chance."""
        self._strikes[address] = self._strikes.get(address, 0) + 1
        return self._strikes[address] >= _CHANCES

    def works(self, address: str) -> None:
        """A stage was done there."""
        self._strikes.pop(address, None)

    def troubles(self) -> str:
        """What is wrong with each of those that are there and get nothing."""
        return "; ".join(f"{self.called(address)}: {self.out[address][0]}" for address in self.unable())

    def remedies(self) -> str:
        """What mends them, each said once."""
        return "; ".join(dict.fromkeys(hint for hint in (self.out[address][1] for address in self.unable()) if hint))


@dataclass(slots=True)
class Tries:
    """Where stages were tried in vain, by name, since the run last asked for them."""

    _avoided: dict[str, set[str]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """The run asks for a stage, perhaps for another time."""
        self._avoided.pop(name, None)
        self._counts.pop(name, None)

    def lost(self, name: str, workers: Collection[str]) -> None:
        """Count that a stage was not done, by one of these workers if that is known."""
        self._avoided.setdefault(name, set()).update(workers)
        self._counts[name] = self._counts.get(name, 0) + 1

    def avoided(self, name: str) -> set[str]:
        """The workers that a stage was tried on."""
        return self._avoided.get(name, set())

    def is_alone(self, name: str) -> bool:
        """Whether a stage is to be sent alone: it may be what ends workers."""
        return name in self._counts

    def are_over(self, name: str) -> bool:
        """Whether a stage was tried as often as one is that ends what runs it."""
        return self._counts.get(name, 0) >= _TRIES
