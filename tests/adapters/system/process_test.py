"""Child processes: what they said, how they ended, and what they were given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlgit.adapters.system import process
from mlgit.errors import MlgitError


def python(folder, code, **more):
    return process.run([sys.executable, "-c", code], cwd=folder, **more)


def test_output_and_errors_are_kept_apart(tmp_path):
    done = python(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)")
    assert (done.code, done.stdout, done.stderr, done.text) == (0, b"out\n", b"err\n", "out\n")


def test_output_that_is_not_text_keeps_its_bytes(tmp_path):
    done = python(tmp_path, "import sys; sys.stdout.buffer.write(b'\\xff\\x00')")
    assert os.fsencode(done.text) == done.stdout == b"\xff\x00"


def test_failure_is_told_with_command_code_and_errors(tmp_path):
    with pytest.raises(process.ProcessError) as caught:
        process.run(["sh", "-c", "echo no >&2; exit 7"], cwd=tmp_path)
    assert caught.value.message == "`sh -c 'echo no >&2; exit 7'` ended with code 7\nno"
    assert caught.value.completed.code == 7


def test_failure_without_errors_shows_the_output(tmp_path):
    with pytest.raises(process.ProcessError, match="ended with code 1\nsaid here"):
        process.run(["sh", "-c", "echo said here; exit 1"], cwd=tmp_path)


def test_failure_can_be_an_answer(tmp_path):
    assert process.run(["sh", "-c", "exit 3"], cwd=tmp_path, check=False).code == 3


def test_child_killed_by_a_signal_has_a_negative_code(tmp_path):
    assert process.run(["sh", "-c", "kill -TERM $$"], cwd=tmp_path, check=False).code == -15


def test_child_reads_from_an_empty_file(tmp_path):
    assert python(tmp_path, "import sys; print(repr(sys.stdin.read()))").text == "''\n"


def test_child_reads_what_it_is_given(tmp_path):
    assert process.run(["cat"], cwd=tmp_path, stdin=b"a\x00b").stdout == b"a\x00b"


def test_child_that_does_not_read_is_no_error(tmp_path):
    assert process.run(["true"], cwd=tmp_path, stdin=b"x" * 1_000_000).code == 0


def test_arguments_are_not_for_a_shell(tmp_path):
    assert process.run(["echo", "$HOME; *"], cwd=tmp_path).text == "$HOME; *\n"


def test_child_runs_in_the_folder_and_the_environment_it_is_given(tmp_path):
    done = process.run(["sh", "-c", "echo $A; pwd -P"], cwd=tmp_path, env={"A": "1", "PATH": os.environ["PATH"]})
    assert done.text == f"1\n{tmp_path.resolve()}\n"


def test_missing_program_is_told(tmp_path):
    with pytest.raises(MlgitError) as caught:
        process.run(["no-such-program"], cwd=tmp_path)
    assert caught.value.message == "cannot start `no-such-program`: no-such-program not found"
    assert caught.value.hint.startswith("install no-such-program")


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(MlgitError, match=r"cannot start `true`: .*/missing not found"):
        process.run(["true"], cwd=tmp_path / "missing")


def test_program_that_cannot_be_run_is_told(tmp_path):
    (tmp_path / "text").write_text("x")
    with pytest.raises(MlgitError, match=r"cannot start `\./text`: Permission denied"):
        process.run(["./text"], cwd=tmp_path)


def test_spawned_command_has_a_group_an_empty_input_and_one_output(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with open(tmp_path / "log", "wb") as log:
        code = "pwd -P; cat; echo err >&2; echo $A"
        pid = process.spawn("/bin/sh", ["sh", "-c", code], folder=str(folder), env={b"A": b"1"}, output=log.fileno())
        assert os.getpgid(pid) == pid
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (tmp_path / "log").read_text() == f"{folder.resolve()}\nerr\n1\n"


def test_spawn_comes_back_to_the_folder_it_came_from(tmp_path):
    here = Path.cwd()
    with pytest.raises(MlgitError, match=r"cannot start `/bin/sh` in .*missing: No such file or directory"):
        process.spawn("/bin/sh", ["sh"], folder=str(tmp_path / "missing"), env={}, output=1)
    assert Path.cwd() == here
