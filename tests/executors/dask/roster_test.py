"""Which workers get stages, how long a run waits for one, and what it says meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from mlgit.executors.dask.client import ClusterNode
from mlgit.executors.dask.messages import Site
from mlgit.executors.dask.roster import Roster, Tries
from mlgit.executors.dask.worker_pool import Crew, Means, NoWorkerError, missing_module

SITE = Site("c0ffee", "", (("store", "s3://b/p"),), filtered=False, version="1.0")


class Fake:
    """A cluster whose workers say what a test lets them say."""

    address = "tcp://there"

    def __init__(self, **says: Any) -> None:
        self.says = says

    def nodes(self) -> Mapping[str, ClusterNode]:
        return {name: ClusterNode(1, {}, f"n-{name}") for name in self.says}

    def everywhere(
        self, function: Callable[..., Any], *args: Any, workers: Sequence[str] | None = None, seconds: float = 0.0
    ) -> dict[str, Any]:
        return {name: (self.says[name] if not args else None) for name in workers or self.says}


def crew(cluster: Fake, said: list[str], *, now: list[float], limit: float | None = None) -> Crew:
    return Crew(cluster, SITE, Means(pack=lambda have: b"", say=said.append, clock=lambda: now[0], limit=limit))


def test_workers_that_cannot_work_are_named_once_and_left_out():
    said: list[str] = []
    lacking = Exception("ModuleNotFoundError(\"No module named 'mlgit.executors'\")")
    cluster = Fake(good=("1.0", []), old=("0.9", []), bare=lacking, lost=OSError("closed"))
    found = crew(cluster, said, now=[0.0])
    assert found.look()
    found.take_out("old", "again", "")
    assert list(found.roster.able()) == ["good", "lost"]
    assert [line.partition(" stages")[0] for line in said] == [
        "note: the worker 'n-old' (old) gets no more",
        "note: the worker 'n-bare' (bare) gets no more",
    ]


@pytest.mark.parametrize(("limit", "end"), [(None, 300.0), (7.0, 7.0)])
def test_no_worker_is_said_soon_and_has_an_end(limit, end):
    said: list[str] = []
    now = [0.0]
    found = crew(Fake(), said, now=now, limit=limit)
    for now[0] in (0.0, 2.0, 3.5, 5.0, end - 0.1):
        found.refuse_none()
    assert said == [f"no worker has come in the Dask cluster at tcp://there; waiting at most {end:g} s"]
    now[0] = end
    with pytest.raises(NoWorkerError, match="no worker has come"):
        found.refuse_none()


def test_run_with_workers_that_cannot_work_ends_sooner():
    now = [0.0]
    found = crew(Fake(old=("0.9", [])), [], now=now)
    found.look()
    found.refuse_none()
    now[0] = 10.0
    with pytest.raises(NoWorkerError, match=r"the worker 'n-old' .old.: it has mlgit 0.9, the run has 1.0"):
        found.refuse_none()


def test_worker_that_does_not_reach_the_remote_twice_in_a_row_has_had_its_chance():
    roster = Roster()
    assert not roster.strike("a")
    roster.works("a")
    assert [roster.strike("a"), roster.strike("a")] == [False, True]


def test_stage_avoids_where_it_was_tried_until_the_run_asks_for_it_again():
    tries = Tries()
    tries.lost("s", ("a",))
    assert (tries.avoided("s"), tries.is_alone("s"), tries.are_over("s")) == ({"a"}, True, False)
    for _ in range(3):
        tries.lost("s", ("b",))
    assert tries.are_over("s")
    tries.begin("s")
    assert (tries.avoided("s"), tries.are_over("s")) == (set(), False)


def test_missing_module_is_read_from_an_error_and_from_its_words():
    assert missing_module(ModuleNotFoundError("No module named 'x'", name="x")) == "x"
    assert missing_module(Exception("ModuleNotFoundError(\"No module named 'a.b'\")")) == "a.b"
    assert missing_module(ValueError("No module")) == ""
