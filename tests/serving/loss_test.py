"""What was answered is written down: when processes are killed under load, and when the disk is full."""

from __future__ import annotations

import os
import random
import resource
import signal

import pytest

from mlgit.serving_settings import ServingLog
from tests.kit import FULL
from tests.serving.server_test import ONE, released, settings
from tests.serving.servers import Clients, log_lines, served, until

pytestmark = pytest.mark.slow

DURABILITIES = ("write", "fsync") if FULL else ("fsync",)
KILLS = 30 if FULL else 1


def logged(folder):
    return {line["id"] for line in log_lines(folder / "logs")}


@pytest.mark.full
def test_no_answer_is_missing_from_the_log_when_workers_are_killed(tmp_path):
    chance = random.Random(1)
    with served(tmp_path, "--workers", "2", release=released(tmp_path)) as server:
        clients = Clients(server.address, ONE)
        with clients.asking(6):
            for _ in range(KILLS):
                count, more = len(clients.answers), chance.randrange(20, 300)
                until(lambda seen=count, wanted=more: len(clients.answers) > seen + wanted)
                killed = chance.choice(server.workers())
                os.kill(killed, signal.SIGKILL)
                until(lambda pid=killed: len(found := server.workers()) == 2 and pid not in found)
        assert server.metric("mlgit_worker_restarts_total") == KILLS
        assert server.said.read_bytes().count(b"another is started") == KILLS
    assert {each.status for each in clients.answers.values()} == {200}
    assert clients.answers.keys() <= logged(tmp_path)


@pytest.mark.parametrize("durability", DURABILITIES)
def test_no_answer_is_missing_from_the_log_when_everything_is_killed(tmp_path, durability):
    release = released(tmp_path, serving=settings(tmp_path, log=ServingLog(str(tmp_path / "logs"), durability=durability)))
    with served(tmp_path, release=release) as server:
        clients = Clients(server.address, ONE)
        with clients.asking(6):
            until(lambda: len(clients.answers) > 100)
            for pid in (server.child.pid, *server.workers()):
                os.kill(pid, signal.SIGKILL)
            server.child.wait(30)
            until(lambda: clients.refused)
    assert {each.status for each in clients.answers.values()} == {200}
    assert clients.answers.keys() <= logged(tmp_path)


def limit(server, size):
    """How large a file of the one worker may grow: what stands for a full disk."""
    (worker,) = server.workers()
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("durability", DURABILITIES)
def test_answer_that_cannot_be_written_down_is_not_given_where_that_is_required(tmp_path, durability):
    release = released(tmp_path, serving=settings(tmp_path, log=ServingLog(str(tmp_path / "logs"), durability=durability)))
    with served(tmp_path, release=release) as server:
        assert server.post("/invocations", ONE).status == 200
        limit(server, 2000)
        answers = [server.post("/invocations", ONE) for _ in range(20)]
        assert answers[-1].status == 503
        assert answers[-1].json["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert server.metric("mlgit_log_lost_total") == sum(each.status == 503 for each in answers)
        limit(server, resource.RLIM_INFINITY)
        again = server.post("/invocations", ONE)
        assert again.status == 200
    given = {each.headers["x-request-id"] for each in (*answers, again) if each.status == 200}
    refused = {each.headers["x-request-id"] for each in answers if each.status == 503}
    assert given <= logged(tmp_path)
    assert not refused & logged(tmp_path)


@pytest.mark.skipif(not FULL, reason="answering_test looks at the same without a server")
def test_answer_that_cannot_be_written_down_is_counted_where_it_may_be_given(tmp_path):
    release = released(tmp_path, serving=settings(tmp_path, log=ServingLog(str(tmp_path / "logs"), level="best-effort")))
    with served(tmp_path, release=release) as server:
        assert server.post("/invocations", ONE).status == 200
        limit(server, 2000)
        answers = [server.post("/invocations", ONE) for _ in range(20)]
        assert {each.status for each in answers} == {200}
        lost = server.metric("mlgit_log_lost_total")
    assert lost > 0
    assert len(logged(tmp_path)) == 21 - lost
