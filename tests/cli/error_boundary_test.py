"""The edge: what a user sees when a command ends, and the exit code."""

from __future__ import annotations

import importlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mlgit import __version__
from mlgit.adapters.system import process
from mlgit.cli import error_boundary, group
from tests.kit import dvc, mlgit, program, repository


@pytest.fixture
def ends(cli, tmp_path, monkeypatch):
    """Run the command that ends as told, in an empty folder."""
    monkeypatch.setitem(group.COMMANDS, "end", ("tests.kit.failing", "End as told."))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lambda how, folder=tmp_path: cli(folder, "end", how)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_code_a_command_returns_is_the_exit_code(ends, code):
    assert ends(str(code)).code == code


def test_stale_pipeline_is_the_answer_no(tmp_path, cli):
    root = repository(tmp_path, {"dvc.yaml": "stages:\n  a:\n    cmd: echo\n"})
    assert cli(root, "status").code == 1


def test_error_is_a_message_with_a_hint_below_it(ends):
    done = ends("message")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: params.yaml: no such file\nhint: type `touch params.yaml`\n"


def test_error_without_a_hint_is_one_line(ends):
    assert ends("no-hint").err == "error: params.yaml: no such file\n"


def test_message_of_several_lines_keeps_them(ends):
    assert ends("lines").err == "error: first\nsecond\nhint: third\n"


def test_control_characters_of_a_message_are_shown_and_not_obeyed(ends):
    assert ends("hostile").err == "error: key '\\x1b[2J\\u202e' of \\udcff\n"


@pytest.mark.parametrize("how", ["interrupt", "SIGTERM", "SIGHUP", "SIGINT"])
def test_interrupted_command_ends_with_130(ends, how):
    done = ends(how)
    assert (done.code, done.err.strip()) == (130, "error: interrupted")


def test_hang_up_that_is_ignored_stays_ignored(ends):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ends("0")
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("how", "said"), [("full", "error: No space left on device\n"), ("forbidden", "error: dvc.lock: Permission denied\n")]
)
def test_refusal_of_the_machine_is_no_defect(ends, how, said):
    done = ends(how)
    assert (done.code, done.err) == (2, said)


@pytest.mark.parametrize("how", ["defect", "missing"])
def test_defect_is_told_without_a_traceback(ends, how):
    done = ends(how)
    assert done.code == 3
    assert done.err.startswith(f"error: a defect in mlgit {__version__}, not in your project; the traceback is in /")
    assert "Traceback" not in done.err


def test_log_of_a_defect_holds_what_a_report_needs(ends, tmp_path):
    ends("defect")
    (log,) = tmp_path.glob("mlgit-defect-*.log")
    text = log.read_text()
    assert [
        part for part in (f"mlgit {__version__}", "Python 3.", "['end', 'defect']", "ZeroDivisionError") if part not in text
    ] == []


def test_log_of_a_defect_in_a_project_lies_where_git_ignores_it(ends, tmp_path):
    root = repository(tmp_path / "project")
    (root / ".dvc" / "tmp").mkdir()
    assert str(root / ".dvc" / "tmp" / "mlgit" / "mlgit-defect-") in ends("defect", root).err
    assert program(root, ["git", "status", "--porcelain"]).out == ""


def test_defect_where_no_file_can_be_written_prints_the_traceback(ends, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing" / "folder"))
    assert "ZeroDivisionError" in ends("defect").err


def test_unknown_command_is_refused_with_the_near_miss(tmp_path, cli):
    done = cli(tmp_path, "statsu")
    assert (done.code, done.err) == (
        2,
        "error: no such command 'statsu', did you mean 'status'?\nhint: `mlgit --help` shows the usage\n",
    )


def test_unknown_option_is_refused(tmp_path, cli):
    done = cli(tmp_path, "status", "--jsno")
    assert done.code == 2
    assert "--jsno" in done.err
    assert done.err.endswith("hint: `mlgit status --help` shows the usage\n")


def test_no_command_shows_the_overview(tmp_path, cli):
    assert cli(tmp_path).out == cli(tmp_path, "--help").out


def test_overview_names_every_command(tmp_path, cli):
    done = cli(tmp_path, "-h")
    assert done.code == 0, done.said
    shown = done.out
    assert [name for name, (_, summary) in group.COMMANDS.items() if f"  {name}" not in shown or summary not in shown] == []


@pytest.mark.parametrize("name", group.COMMANDS)
def test_command_of_the_table_exists_and_its_help_has_an_example(name, tmp_path, cli):
    assert isinstance(importlib.import_module(group.COMMANDS[name][0]).command, click.Command)
    done = cli(tmp_path, name, "--help")
    assert done.code == 0
    assert f"mlgit {name}" in done.out.partition("Options:")[2]


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_is_the_packages(flag, tmp_path, cli):
    assert cli(tmp_path, flag).out == mlgit(tmp_path, flag).out == f"mlgit {__version__}\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("env", "colored"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_terminal_gets_color_unless_told_not_to(monkeypatch, env, colored):
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert error_boundary.use_color(Terminal()) is colored


def test_file_gets_no_color(monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    assert error_boundary.use_color(io.StringIO()) is False


def into_closed_pipe(folder: Path, *args: str) -> tuple[int, str]:
    """Exit code and errors of mlgit when nobody reads its output any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-m", "mlgit", *args], cwd=folder, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    return done.returncode, done.stderr.decode()


def test_reader_that_has_left_is_no_defect_and_no_answer(tmp_path):
    assert into_closed_pipe(tmp_path, "--help") == (2, "")


def test_stale_pipeline_is_never_green_because_the_reader_has_left(tmp_path):
    root = repository(tmp_path, {"dvc.yaml": "stages:\n  a:\n    cmd: echo\n"})
    assert into_closed_pipe(root, "status") == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_told(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "mlgit", "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (2, "error: No space left on device\n")


def test_output_in_an_encoding_without_the_characters_is_no_defect(tmp_path):
    root = repository(tmp_path, {"dvc.yaml": "stages:\n  日:\n    cmd: echo\n"})
    done = mlgit(root, "status", env={"PYTHONIOENCODING": "latin-1"})
    assert (done.code, "\\u65e5" in done.out) == (1, True)


def loaded_by(folder: Path, *args: str) -> set[str]:
    """The top-level packages that a command line imports."""
    done = program(folder, [sys.executable, "-X", "importtime", "-m", "mlgit", *args])
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.err.splitlines() if "|" in line}


def test_version_is_told_without_a_command_line_library(tmp_path):
    assert not loaded_by(tmp_path, "--version") & {"click", "yaml", "json", "tempfile", "dvc", "git", "rich", "jinja2"}


def test_help_is_told_without_any_command(tmp_path):
    assert not loaded_by(tmp_path, "--help") & {"yaml", "dvc", "git", "rich", "jinja2", "numpy", "pandas", "subprocess"}


@pytest.mark.slow
def test_pipeline_is_run_and_shown_without_the_readers_of_tables(tmp_path):
    pipeline = "stages:\n  a:\n    cmd: cp a.csv b.csv\n    deps: [a.csv]\n    outs: [b.csv]\n"
    root = repository(tmp_path / "project", {"dvc.yaml": pipeline, "a.csv": "x\n1\n"})
    for words in (["run"], ["run"], ["status"], ["--version"]):
        assert not loaded_by(root, *words) & {"pyarrow", "pandas", "numpy", "scipy", "sklearn"}
    assert (root / "b.csv").exists()


def test_git_is_believed_to_have_failed_where_the_caller_wants_to_know_of_no_child(tmp_path, cli):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert cli(tmp_path, "--version").code == 0
        assert process.run(["false"], cwd=tmp_path, check=False).code == 1
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize(
    "words", [["status", "--json"], ["model", "list", "--json"], ["run", "--nope", "--json"], ["diff", "--json", "a", "b"]]
)
def test_error_under_json_is_a_document_on_standard_output(tmp_path, cli, words):
    done = cli(tmp_path, *words)
    assert done.code == 2
    said = json.loads(done.out)
    assert said["schema"] == 1
    assert said["error"]["message"] in done.err
    assert said["error"]["hint"] in done.err


def test_document_that_was_written_before_an_error_stays_the_only_one(tmp_path):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages: {a: {cmd: cp in a, deps: [in], outs: [a]}}\n", "in": "1\n"})
    assert dvc(root, "remote", "add", "-d", "store", str(tmp_path / "store")).code == 0
    done = mlgit(root, "run", "--pull", "--json")
    assert done.code == 2
    assert set(json.loads(done.out)) >= {"counts", "stages"}
    assert "could not be asked" in done.err


@pytest.mark.parametrize("line", ["status", "gate --json", "template status"])
def test_folder_that_is_gone_is_no_defect(tmp_path, line):
    script = f'mkdir gone && cd gone && rmdir "$PWD" && exec {shlex.quote(sys.executable)} -m mlgit {line}'
    done = program(tmp_path, ["sh", "-c", script])
    assert (done.code, "the current folder is gone" in done.said) == (2, True)
