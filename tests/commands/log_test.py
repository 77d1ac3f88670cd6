"""The prediction log from a notebook."""

from __future__ import annotations

import itertools

from mlgit.commands.log_pack import pack_log
from mlgit.commands.log_show import show_request
from mlgit.commands.log_tail import tail_log
from mlgit.serving.log_writer import PredictionLog
from tests.serving.written_logs import HEADER, NOON, line


def write(root, *lines):
    log = PredictionLog(root / "logs/tumor", clock=lambda: NOON)
    log.append(HEADER, lines)
    log.close()


def test_request_is_found_in_the_log_of_the_project(notebook):
    write(notebook(), line("a"), line("b"))
    found = show_request("a")
    assert [each.id for each in found.requests] == ["a"]
    assert found.requests[0].document()["model"] == "tumor"
    assert show_request("x").exit_code == 1


def test_log_is_followed(notebook):
    root = notebook()
    write(root, line("a"), line("b"))
    tail = tail_log("tumor", count=1)
    assert [each.id for each in tail.requests] == ["b"]
    coming = iter("cd")
    found = itertools.islice(tail.follow(wait=lambda _seconds: write(root, line(next(coming)))), 2)
    assert [each.id for each in found] == ["c", "d"]


def test_log_is_packed(notebook):
    write(notebook(), line("a"), line("b"))
    found = pack_log("tumor", output="log.parquet")
    assert (found.document()["rows"], found.document()["columns"][-1]) == (2, "probability_1")
