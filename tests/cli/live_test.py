"""`mlgit run` in a terminal and in a pipe: what stages print, as they print it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.kit import repository, write_tree
from tests.kit.forked import mlgit
from tests.kit.terminal import Terminal

pytestmark = pytest.mark.slow  # runs that last until they have shown something


def project(folder, **stages):
    """A project with these commands as stages, each with an output, and the pipes `a.go`, `b.go`, `c.go` for them to wait on.

    A stage waits on each but once: a second reader could find the end of what the first one got.
    """
    declared = {name: {"cmd": f"{cmd}; touch {name}.out", "outs": [f"{name}.out"]} for name, cmd in stages.items()}
    root = write_tree(repository(folder / "p"), {"dvc.yaml": json.dumps({"stages": declared})})
    for name in ("a.go", "b.go", "c.go"):
        os.mkfifo(root / name)
    return root


def go(root, name="a.go"):
    """Let the stage go on that waits on a pipe: `read x < a.go`."""
    (root / name).write_text("\n")


WAIT = "read x < a.go"


def piped(root, *args, **env):
    return subprocess.Popen(
        [sys.executable, "-m", "mlgit", "run", *args],
        cwd=root,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_until(stream, text):
    """The lines up to the one with this text."""
    found = []
    while not found or text not in found[-1]:
        found.append(stream.readline())
        assert found[-1], found
    return found


def test_lines_come_while_the_stage_runs(tmp_path):
    root = project(tmp_path, a=f"echo before; echo err >&2; {WAIT}; echo after")
    run = piped(root, "-v")
    assert lines_until(run.stdout, "err")[1:] == ["before\n", "err\n"]
    go(root)
    rest = run.communicate(timeout=30)[0]
    assert rest.startswith("after\nran        a")


def test_lines_of_stages_side_by_side_have_names_and_are_never_mixed(tmp_path):
    root = project(tmp_path, a=f"printf 'one '; {WAIT}; echo two", other="read x < b.go; echo three; read x < c.go")
    run = piped(root, "-v", "-j2")
    assert read_until(run.stdout, b"a     | one ")
    go(root, "b.go")
    assert read_until(run.stdout, b"three\n") == b"\nother | three\n"
    go(root)
    assert read_until(run.stdout, b"two\n") == b"a     | two\n"
    go(root, "c.go")
    assert run.wait(30) == 0


def read_until(stream, wanted):
    """Read to the end of what is wanted and no further, without waiting for a line's end."""
    found = b""
    while wanted not in found:
        content = os.read(stream.fileno(), 1)
        assert content, found
        found += content
    return found


def test_question_without_a_line_end_is_shown_and_its_line_goes_on(tmp_path):
    root = project(tmp_path, a=f"printf 'sure? '; {WAIT}; echo yes")
    run = piped(root, "-v")
    assert read_until(run.stdout, b"sure? ").endswith(b"\nsure? ")
    go(root)
    assert run.communicate(timeout=30)[0].startswith("yes\nran ")


def test_progress_bar_does_not_flood_a_pipe(tmp_path):
    root = project(tmp_path, a="i=0; while [ $i -lt 500 ]; do i=$((i+1)); printf '\\r%d of 500' $i; done; echo")
    said = mlgit(root, "run", "-v").out.splitlines()
    assert "500 of 500" in said
    assert sum("of 500" in line for line in said) <= 3


def test_stages_are_streamed_by_name_or_pattern_only(tmp_path):
    root = project(tmp_path, train="echo of train", other="echo of other")
    said = mlgit(root, "run", "-j1", "--follow", "tr*").out
    assert ("of train" in said, "of other" in said) == (True, False)


@pytest.mark.parametrize("args", [["--follow", "trian"], ["train", "--follow", "other"]])
def test_stage_that_cannot_be_followed_is_refused_before_anything_runs(tmp_path, args):
    root = project(tmp_path, train="echo x", other="echo x")
    found = mlgit(root, "run", *args)
    assert found.code == 2
    assert ("did you mean 'train'" in found.err) == (args[1] == "trian")
    assert not (root / "train.out").exists()


def test_json_stays_clean_beside_streamed_lines(tmp_path):
    found = mlgit(project(tmp_path, a="echo hello"), "run", "-v", "--json")
    assert json.loads(found.out)["ok"]
    assert "hello\n" in found.err


def test_quiet_run_streams_nothing(tmp_path):
    root = project(tmp_path, a="echo hello")
    assert mlgit(root, "run", "-q", "-v").said == ""
    found = mlgit(root, "run", "-q", "-v", "--force", "--json")
    assert (json.loads(found.out)["ok"], found.err) == (True, "")


def test_failure_does_not_repeat_what_was_streamed(tmp_path):
    root = project(tmp_path, a="echo cause; exit 3")
    found = mlgit(root, "run", "-v")
    assert (found.code, found.out.count("cause\n"), "full log:" in found.out) == (1, 1, True)
    assert mlgit(root, "run").out.count("| cause\n") == 1


def test_each_attempt_of_a_stage_is_streamed_once(tmp_path):
    root = project(tmp_path, a="echo try >> tries; wc -l < tries; [ $(wc -l < tries) = 2 ] || exit 1")
    stages = json.loads((root / "dvc.yaml").read_text())
    stages["stages"]["a"]["meta"] = {"mlgit": {"retries": 1, "retry_delay": 0}}
    (root / "dvc.yaml").write_text(json.dumps(stages))
    said = mlgit(root, "run", "-v").out.splitlines()
    assert [line.strip() for line in said if line.strip().isdigit()] == ["1", "2"]


def test_log_of_an_earlier_run_is_not_taken_for_this_one(tmp_path):
    root = project(tmp_path, **{f"s{at}": f"echo of $RUN {at}" for at in range(20)})  # so many are started by a fork
    mlgit(root, "run", env={"RUN": "first"})
    said = mlgit(root, "run", "-v", "--force", env={"RUN": "second"}).out
    assert ("of first" in said, said.count("of second")) == (False, 20)


def test_escape_sequences_reach_neither_pipe_nor_terminal(tmp_path):
    root = project(tmp_path, a="printf '\\033[31mred\\033[0m\\033[2J\\033]0;owned\\007\\377 end\\n'")
    assert "red� end\n" in mlgit(root, "run", "-v").out
    terminal = Terminal(root, "run", "-v", "--force", env={"NO_COLOR": ""})
    code, screen = terminal.end()
    assert (code, "red� end" in screen, "\x1b[31mred\x1b[0m" in terminal.sent) == (0, True, True)
    plain = Terminal(root, "run", "-v", "--force", env={"NO_COLOR": "1"})
    assert plain.end()[0] == 0
    assert "\x1b[31m" not in plain.sent


def test_what_is_left_in_the_background_is_not_waited_for(tmp_path):
    left = "import os, time; os.fork() or (os.setsid(), print('left', flush=True), time.sleep(600))"
    root = project(tmp_path, a=f'{sys.executable} -c "{left}"; echo done; echo $PPID > /dev/null')
    found = mlgit(root, "run", "-v", seconds=60)
    assert (found.code, "done\n" in found.out) == (0, True)


def test_stage_that_prints_faster_than_can_be_shown_is_cut_and_keeps_its_log(tmp_path):
    root = project(tmp_path, a="head -c 60000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo last")
    found = mlgit(root, "run", "-v")
    log = root / ".dvc/tmp/mlgit/logs/a.log"
    assert (found.code, "last\n" in found.out, log.stat().st_size > 60_000_000) == (0, True, True)
    assert len(found.out) < 60_000_000
    assert "are not shown here" in found.out


def test_python_writes_at_once_what_is_followed_unless_it_was_told(tmp_path):
    echo = "echo is $(printenv PYTHONUNBUFFERED || echo unset)"
    root = project(tmp_path, a=echo, b=f"{echo} > b.txt; cat b.txt")
    os.environ.pop("PYTHONUNBUFFERED", None)
    said = mlgit(root, "run", "-v", "-j1").out
    assert ("is 1\n" in said, "is unset\n" in said) == (True, True)
    assert "is 0\n" in mlgit(root, "run", "-v", "--force", env={"PYTHONUNBUFFERED": "0"}).out


def test_terminal_shows_last_line_and_what_is_left(tmp_path):
    root = project(tmp_path, train=f"printf '\\r10%%\\r20%%'; {WAIT}")
    terminal = Terminal(root, "run")
    terminal.until(lambda text: "20%" in text and "0 of 1" in text)
    go(root)
    code, screen = terminal.end()
    assert (code, screen.splitlines()[0].startswith("ran        train"), "20%" in screen) == (0, True, False)
    note = root / ".dvc/tmp/mlgit/timings"
    assert note.exists()
    again = Terminal(root, "run", "--force")
    again.until(lambda text: "left" in text or "usually" in text)
    go(root)
    assert again.end()[0] == 0


SUMMARY = {60: "0 of 1", 20: "0 of 1", 5: "0 o…"}
ROW = {60: "a-stage-with-a-lon…  ", 20: "a-stage…  ", 5: "…  "}


@pytest.mark.parametrize("columns", [60, 20, 5])
def test_table_fits_narrow_terminals(tmp_path, columns):
    root = project(tmp_path, **{"a-stage-with-a-long-name": f"echo {'long line ' * 20}; {WAIT}"})
    terminal = Terminal(root, "run", columns=columns)
    screen = terminal.until(lambda text: text.splitlines()[-1:] == [SUMMARY[columns]] and text.startswith(ROW[columns]))
    assert len(screen.splitlines()) == 2
    assert all(len(line) < columns for line in screen.splitlines())
    go(root)
    code, screen = terminal.end()
    assert (code, "running" in screen) == (0, False)


def test_table_is_drawn_for_the_size_that_the_terminal_has_now(tmp_path):
    root = project(tmp_path, a=f"echo {'word ' * 30}; {WAIT}")
    terminal = Terminal(root, "run", columns=100)
    terminal.until(lambda text: "word word" in text)
    terminal.resize(200, 24)
    terminal.until(lambda text: len(text.splitlines()[0]) > 110)
    go(root)
    assert len([line for line in terminal.end()[1].splitlines() if "word" in line]) == 0


def test_streamed_lines_stand_above_the_table_in_a_terminal(tmp_path):
    root = project(tmp_path, a=f"echo one; echo two; {WAIT}; echo three")
    terminal = Terminal(root, "run", "-v")
    screen = terminal.until(lambda text: "two" in text and "0 of 1" in text)
    assert screen.splitlines()[:2] == ["one", "two"]
    go(root)
    assert terminal.end()[1].splitlines()[:3] == ["one", "two", "three"]


def test_ctrl_c_shows_what_the_stage_says_to_it(tmp_path):
    root = project(tmp_path, a=f"trap 'echo saved; exit 1' TERM; echo ready; {WAIT}")
    terminal = Terminal(root, "run", "-v")
    terminal.until(lambda text: "ready" in text)
    terminal.type("\x03")
    code, screen = terminal.end()
    assert (code, "saved" in screen, "interrupted" in screen, "0 of 1" in screen) == (130, True, True, False)


def test_interrupted_run_in_a_pipe_ends_the_open_line(tmp_path):
    root = project(tmp_path, a=f"printf 'half a line'; {WAIT}")
    run = piped(root, "-v")
    read_until(run.stdout, b"half a line")
    run.send_signal(signal.SIGINT)
    said, complaint = run.communicate(timeout=30)
    assert (run.returncode, said, "error: interrupted\n" in complaint) == (130, "\n", True)
