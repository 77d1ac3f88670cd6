"""`mlgit log show`, `tail` and `pack`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.rows import Violation
from tests.kit import repository
from tests.serving.written_logs import HEADER, NOON, line

THREE = [
    line("a"),
    line("b", inputs=[[1, 2], [3, None], ["x\x1b[31m", 5]], outputs={"predict": [1, 0, 1]}),
    line("c", inputs=None, outputs=None, code=422, violations=[Violation(0, "radius", "range", "")]),
]


@pytest.fixture
def root(tmp_path):
    """A project with three requests in its log."""
    root = repository(tmp_path / "project", {"dvc.yaml": "{}\n"})
    write(root / "logs/tumor", *THREE)
    return root


def write(folder, *lines):
    log = PredictionLog(folder, clock=lambda: NOON)
    log.append(HEADER, lines)
    log.close()


def test_request_is_shown_with_its_values_and_its_answer(root, cli):
    done = cli(root, "log", "show", "a")
    assert done.code == 0
    said = done.out.split()
    for word in ("a", "2026-11-29T12:00:00.000Z", "tumor@v1.2.0", "b" * 64, "champion", "radius", "1.5", "0.75]"):
        assert word in said, done.out


def test_row_of_a_request_is_shown_alone(root, cli):
    assert "row 0  row 1  row 2" in cli(root, "log", "show", "b").out
    done = cli(root, "log", "show", "b/1")
    assert "row 1" in done.out
    assert "row 0" not in done.out


def test_what_was_sent_does_not_reach_the_terminal_as_it_is(root, cli):
    for command in (("show", "b"), ("tail",)):
        assert "\x1b" not in cli(root, "log", *command).out


def test_refused_request_is_shown_with_the_rule(root, cli):
    assert "row 0: radius: range" in cli(root, "log", "show", "c").out


def test_request_that_is_not_in_the_log_is_a_no(root, cli):
    done = cli(root, "log", "show", "nobody")
    assert (done.code, done.out) == (1, "nobody: not in the log\n")
    assert cli(root, "log", "show", "nobody", "--json").json == {"schema": 1, "id": "nobody", "requests": []}


def test_log_elsewhere_needs_no_project(tmp_path, cli):
    write(tmp_path / "there", *THREE)
    assert cli(tmp_path, "log", "show", "a", "--log", "there").code == 0
    assert cli(tmp_path, "log", "tail", "there", "-n", "1").out.split()[1] == "c"


def test_log_that_mlgit_yaml_names_is_found(root, cli):
    (root / "mlgit.yaml").write_text("mlgit: 1\nserving: {churn: {log: {path: elsewhere/log}}}\n")
    write(root / "elsewhere/log", line("d"))
    assert cli(root, "log", "show", "d").code == 0
    assert cli(root, "log", "show", "a").code == 0
    assert cli(root, "log", "tail", "churn").out.split()[1] == "d"


def test_no_log_is_told_with_what_writes_one(tmp_path, cli):
    root = repository(tmp_path / "project", {"dvc.yaml": "{}\n"})
    for command in (("show", "a"), ("tail",), ("pack", "-o", "x.parquet"), ("tail", "tumor")):
        done = cli(root, "log", *command)
        assert (done.code, "mlgit serve" in done.err) == (2, True), done.said


def test_name_that_is_nearly_that_of_a_log_is_suggested(root, cli):
    assert "did you mean 'tumor'?" in cli(root, "log", "tail", "tumour").err


def test_last_requests_are_shown_a_line_each(root, cli):
    lines = cli(root, "log", "tail", "tumor", "-n", "2").out.splitlines()
    assert lines == [
        "2026-11-29T12:00:00.000Z  b  v1.2.0  200  0.4 ms  1, 0, 1",
        "2026-11-29T12:00:00.000Z  c  v1.2.0  422  0.4 ms  radius: range",
    ]
    assert [each["id"] for each in cli(root, "log", "tail", "--json").json["requests"]] == ["a", "b", "c"]


@pytest.mark.slow
def test_requests_that_come_are_shown_until_it_is_interrupted(root):
    child = subprocess.Popen(
        [sys.executable, "-m", "mlgit", "log", "tail", "-f", "-n", "1", "--json"], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    assert json.loads(child.stdout.readline())["id"] == "c"
    write(root / "logs/tumor", line("d"))
    assert json.loads(child.stdout.readline())["id"] == "d"
    os.kill(child.pid, signal.SIGINT)
    assert (child.wait(20), child.stdout.read()) == (130, "")


def test_packed_log_can_be_tracked(root, cli):
    done = cli(root, "log", "pack", "tumor", "-o", "data/log.parquet")
    assert (done.code, done.out.splitlines()[0]) == (0, "data/log.parquet: 4 rows of 3 requests")
    assert "note: radius: 1 value of another type, missing in the file" in done.out
    assert cli(root, "add", "data/log.parquet").code == 0
    assert (root / "data/log.parquet.dvc").exists()


def test_day_at_the_end_belongs_to_the_time(root, cli):
    for times, rows in (
        (("--from", "2026-11-29", "--to", "2026-11-29"), 4),
        (("--to", "2026-11-29T12:00Z"), None),
        (("--from", "2026-11-30"), None),
    ):
        done = cli(root, "log", "pack", "-o", "x.parquet", *times, "--json")
        assert (done.code, done.json.get("rows")) == (0 if rows else 2, rows)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-o", "x", "--from", "soon"), "--from: 'soon' is not a date"),
        (("-o", "x", "--from", "2026-02-02", "--to", "2026-02-01"), "is not after --from"),
        (("-o", "logs"), "logs: a folder"),
        (("-o", "logs/tumor/x.jsonl"), "the name of a file of the log"),
        ((), "Missing option"),
    ],
)
def test_order_to_pack_that_cannot_be_followed_is_refused(root, cli, args, said):
    done = cli(root, "log", "pack", *args)
    assert done.code == 2
    assert said.lower() in done.err.lower()
