"""Where every error ends: the one place that turns errors into exit codes. Click is imported when a command line needs it."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlgit import __version__, errors
from mlgit.cli import fast, jobs_of, preferences
from mlgit.cli.preferences import use_color
from mlgit.errors import MlgitError, nearest
from mlgit.render.terminal import paint
from mlgit.render.text import plain

if TYPE_CHECKING:
    from click import NoSuchOption

    from mlgit.pipeline.noop import Kept

# What the machine refuses, wherever it happens: no defect of mlgit, and the user's to mend.
_REFUSALS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}


def run(argv: Sequence[str], *, kept: Kept | None = None) -> int:
    """Run one command line and return its exit code; every error ends here, and none as a traceback on screen.

    `kept` is what is known, when this is a plain `mlgit run`, of the last time that nothing was stale. With `--json`, an
    error is one JSON document on standard output too, unless something stands there already.
    """
    is_json = _wants_json(argv)
    with preferences.of(argv, is_data=is_json) as preferred:
        began = time.monotonic()
        code = _listened(argv, kept) if is_json else _run(argv, kept)
        if preferred.verbose:
            note(
                f"mlgit {__version__}, Python {sys.version.split()[0]}: exit code {code} after {time.monotonic() - began:.2f} s"
            )
    return code


def _listened(argv: Sequence[str], kept: Kept | None) -> int:
    said = _Said(sys.stdout)
    token = _listening.set(said)
    try:
        code = _run(argv, kept)
    finally:
        _listening.reset(token)
        said.close()
    if said.error and not said.wrote:
        _write_error(*said.error)
    return code


def _is_for_programs(argv: Sequence[str]) -> bool:
    """Whether a script or document is asked for, whose lines have to stay as they are."""
    is_form = any(each == "--format" or each.startswith("--format=") for each in _options(argv))
    return is_form or _wants_json(argv) or argv[:1] == ["completion"]


def _options(argv: Sequence[str]) -> list[str]:
    """The words in which options may stand."""
    return list(argv[: argv.index("--")] if "--" in argv else argv)


def _wants_json(argv: Sequence[str]) -> bool:
    words = _options(argv)
    return "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)


class _Said:
    """Whether a command wrote to standard output, and the error (message, hint) that it ended with."""

    def __init__(self, stream: TextIO) -> None:
        self.wrote = False
        self.error: tuple[str, str] | None = None
        self._stream = stream
        self._write = stream.write
        stream.write = self._notice  # type: ignore[method-assign]

    def _notice(self, text: str, /) -> int:
        self.wrote = True
        return self._write(text)

    def close(self) -> None:
        """Look no more."""
        self._stream.write = self._write  # type: ignore[method-assign]


_listening: ContextVar[_Said | None] = ContextVar("listening", default=None)


def _write_error(message: str, hint: str) -> None:
    import json

    document = {"schema": 1, "error": {"message": message, "hint": hint}}
    try:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout)


def _run(argv: Sequence[str], kept: Kept | None) -> int:
    _prepare_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be text
            if stream.isatty() and not _is_for_programs(argv):
                from mlgit.cli.word_wrap import wrap_lines

                wrap_lines(stream)
    try:
        code = _dispatch(argv, kept)
        sys.stdout.flush()
        return code
    except MlgitError as error:
        complain(error.message, error.hint)
        _show_causes(error)
    except KeyboardInterrupt:
        return _interrupted()
    except SystemExit:
        _discard(sys.stdout)  # else click's way to report a broken pipe
    except BrokenPipeError:
        _discard(sys.stdout)
    except Exception as error:
        if isinstance(error, FileNotFoundError) and _is_nowhere():
            complain("the current folder is gone", "`cd` to one that is there")
            return errors.EXIT_CANNOT_ANSWER
        told = _told_by_click(error)
        return _refused_or_defect(error, argv) if told is None else told
    # Also where the reader (`| head`) has left: it is not known what the answer would have been.
    return errors.EXIT_CANNOT_ANSWER


def _is_nowhere() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _dispatch(argv: Sequence[str], kept: Kept | None) -> int:
    asked = fast(list(argv))
    if asked == "run":
        from mlgit.cli.run_screen import conclude, reporter
        from mlgit.commands.run import run

        result = run(jobs=jobs_of(argv[-1]) or None, kept=kept, reporter=reporter(as_json=False))
        return conclude(result, as_json=False)
    if asked == "models":
        from mlgit.adapters.git import git

        here = Path.cwd()
        tags = git.ask_for_tags(git.repository(here) or here)  # Git looks while the rest is imported
        from mlgit.cli.model import listing

        return listing.show(as_json="--json" in argv, asked=tags)
    from mlgit.cli.group import group

    code = group.main(args=list(argv) or ["--help"], prog_name="mlgit", standalone_mode=False, color=use_color(sys.stdout))
    return code if isinstance(code, int) else errors.EXIT_YES


def _told_by_click(error: Exception) -> int | None:
    """The exit code for an error of click's, which is told here; None for every other error."""
    import click

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return _interrupted()
    if isinstance(error, click.UsageError):
        name = error.ctx.command_path if error.ctx else "mlgit"
        message = _no_such_option(error) if isinstance(error, click.NoSuchOption) else error.format_message()
        complain(message, f"`{name} --help` shows the usage")
    elif isinstance(error, click.ClickException):
        complain(error.format_message())
    else:
        return None
    return errors.EXIT_CANNOT_ANSWER


def _no_such_option(error: NoSuchOption) -> str:
    """An option that the command does not have, and the one that is close to it: for one letter, a word that begins so."""
    given = error.option_name
    known = [word for each in error.ctx.command.get_params(error.ctx) for word in each.opts] if error.ctx else []
    known = [word for word in known if word.startswith("--")] or ["--help"]
    if given.startswith("--"):
        begun = [each for each in known if each.startswith(given)]
        close = begun[0] if len(begun) == 1 else nearest(given, known)
    else:
        begun = [each for each in known if each.startswith(f"-{given.lower()[:2]}")]
        close = " or ".join(f"'{each}'" for each in begun).strip("'")
    return f"no such option '{given}'" + (f", did you mean '{close}'?" if close else "")


def _interrupted() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # all is ended and recorded: one more would only change the exit code
    complain("interrupted")
    return errors.EXIT_INTERRUPTED


def _refused_or_defect(error: Exception, argv: Sequence[str]) -> int:
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror))
        return errors.EXIT_CANNOT_ANSWER
    complain(
        f"a defect in mlgit {__version__}, not in your project; the traceback is in {_write_crash_log(argv)}",
        "please report it with that file",
    )
    return errors.EXIT_DEFECT


def _prepare_signals() -> None:
    """End on SIGTERM, and when the terminal is closed, as on Ctrl-C: what was started is ended, what is done is kept.

    SIGHUP and SIGINT stay ignored, here and for what is started, where the caller ignores them: `nohup`, and jobs that a
    script puts into the background. SIGTERM is never ignored. Neither is SIGCHLD: no exit code of a child could be had.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _discard(stream: TextIO) -> None:
    """Send what is left of an output that cannot be written nowhere, so that the end of the process does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(message: str, hint: str = "") -> None:
    """Say what is wrong, and below it what to do next, on standard error."""
    if said := _listening.get():
        said.error = (message, hint)
    color = use_color(sys.stderr)
    lines = [f"{paint('error:', 'red', color=color)} {_safe(message)}"]
    if hint:
        lines.append(f"{paint('hint:', 'cyan', color=color)} {_safe(hint)}")
    try:
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout)
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _show_causes(error: BaseException) -> None:
    """What lies beneath an error, for a verbose command."""
    cause = error.__cause__
    while cause is not None and preferences.current().verbose:
        sys.stderr.write(f"caused by {type(cause).__name__}: {_safe(str(cause))}\n")
        cause = cause.__cause__


def note(text: str) -> None:
    """Say something beside the answer, on standard error; a quiet command says nothing."""
    if preferences.current().quiet:
        return
    sys.stderr.write(f"note: {_safe(text)}\n")


def _safe(text: str) -> str:
    return "\n".join(map(plain, text.split("\n")))


def _write_crash_log(argv: Sequence[str]) -> str:
    import tempfile
    import traceback

    text = f"mlgit {__version__}\nPython {sys.version}\n{sys.platform}\narguments: {list(argv)}\n\n{traceback.format_exc()}"
    try:
        descriptor, path = tempfile.mkstemp(prefix="mlgit-defect-", suffix=".log", dir=_log_folder())
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path
    except OSError:
        return f"(no file could be written)\n{text}"


def _log_folder() -> str | None:
    """mlgit's own folder of the project here; None, for the machine's temporary files, where there is no such."""
    from mlgit.adapters.system import state_files

    folder = f"{os.getcwd()}/.dvc/tmp/mlgit"
    try:
        if not os.path.isdir(os.path.dirname(folder)):
            return None
        state_files.make_folder(folder)
        return folder
    except MlgitError:
        return None
