"""bash, zsh and fish as a person has them before them: a line is typed, TAB is pressed, and the line that then stands there
is read."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

_SAY = "\x1b[34~"  # a key that keyboards lack, bound to telling the line and emptying it
_TAB = "\t"
_START = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        r"""bind 'set bell-style none'
        say() { printf '%s\0' "$READLINE_LINE" >"$SAID"; READLINE_LINE=; READLINE_POINT=0; }
        bind -x '"\e[34~": say'
        eval "$(mlgit completion bash)"
        """,
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        r"""autoload -Uz compinit; compinit -u -D
        say() { printf '%s\0' "$BUFFER" >"$SAID"; BUFFER=; }
        zle -N say; bindkey '\e[34~' say
        eval "$(mlgit completion zsh)"
        """,
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        r"""function say; commandline >$SAID; printf '\0' >>$SAID; commandline ''; end
        bind \e\[34~ say
        mlgit completion fish | source
        """,
    ),
}
SHELLS = tuple(_START)


def put_mlgit(folder: Path) -> Path:
    """A program `mlgit` in a folder, which is the one of this checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "mlgit"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(Path(__file__).parents[2]))} exec {sys.executable} -m mlgit "$@"\n'
    )
    program.chmod(0o755)
    return program


class Interactive:
    """A shell in a terminal, with `mlgit` on its path and completed by the script that mlgit prints for it."""

    def __init__(self, name: str, folder: Path, *, work: Path) -> None:
        self.name = name
        argv, setup = _START[name]
        said, script = work / f"said-{name}", work / f"setup-{name}"
        os.mkfifo(said)
        self._said = os.open(said, os.O_RDWR)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        path = f"{put_mlgit(work / 'bin').parent}{os.pathsep}{os.environ['PATH']}"
        self._process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, "PATH": path, "SAID": str(said), "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - a terminal of its own
        )
        os.close(theirs)
        script.write_text(setup)
        self.type(f". {script}")

    def complete(self, line: str) -> str:
        """Type a line and press TAB; the line that the shell made of it."""
        return self._told(line + _TAB)

    def shows(self, line: str, wanted: str) -> bool:
        """Type a line, press TAB twice, and see whether something comes onto the terminal; the line is emptied."""
        os.write(self._ours, (line + _TAB * 2).encode())
        shown = ""
        while wanted not in shown and select.select([self._ours], [], [], 10)[0]:
            shown += os.read(self._ours, 65536).decode(errors="replace")
        self._told("\x15")
        return wanted in shown

    def type(self, line: str) -> None:
        """Type a line, and wait until it was done."""
        self._told(f"{line}\r")

    def words(self, line: str) -> list[str]:
        """The words of a line as this shell reads them."""
        asked = [self.name, "-c", f"printf '%s\\0' {line}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]

    def end(self) -> None:
        """Close the terminal, which ends the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        os.close(self._said)

    def _told(self, keys: str) -> str:
        os.write(self._ours, (keys + _SAY).encode())
        said, shown, deadline = b"", b"", time.monotonic() + 60
        while not said.endswith(b"\0"):
            assert time.monotonic() < deadline, (self.name, keys, shown)
            ready = select.select([self._said, self._ours], [], [], 1)[0]
            shown += os.read(self._ours, 65536) if self._ours in ready else b""
            said += os.read(self._said, 65536) if self._said in ready else b""
        return said[:-1].decode().rstrip("\n")
