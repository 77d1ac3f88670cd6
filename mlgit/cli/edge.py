"""The edge: the click group with its lazy command table, and the one handler that turns errors into exit codes."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import click

from mlgit import __version__, errors
from mlgit.errors import MlgitError
from mlgit.render import plain
from mlgit.schema import near_miss

# name -> (module, one line for the overview); the module holds a click command called `command`.
COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("mlgit.cli.new", "Make a new ML repository from a template."),
    "run": ("mlgit.cli.run", "Run what is stale in the pipeline."),
    "status": ("mlgit.cli.status", "Say which stages are stale, and why."),
    "add": ("mlgit.cli.add", "Track data files and folders, as `dvc add` does."),
    "doctor": ("mlgit.cli.doctor", "Look for damage in cache, locks and pipeline files."),
    "dag": ("mlgit.cli.dag", "Draw the pipeline."),
    "card": ("mlgit.cli.card", "Write model cards, and check that they are true."),
    "diff": ("mlgit.cli.diff", "Compare metrics, parameters and data between two revisions."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'" + near_miss(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `mlgit new my-model`, then `cd my-model` and `mlgit run`. `mlgit COMMAND --help` has examples.",
)
@click.version_option(__version__, "-V", "--version", message="mlgit %(version)s")
def group() -> None:
    """A Git repository as the whole ML platform: pipelines, metrics, models and their history are files and commits."""


# What the machine refuses, wherever it happens: no defect of mlgit, and the user's to mend.
_REFUSALS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error ends here, and none as a traceback on screen."""
    _prepare_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be text
    try:
        code = group.main(args=list(argv) or ["--help"], prog_name="mlgit", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else errors.EXIT_YES
    except MlgitError as error:
        complain(error.message, error.hint)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        name = error.ctx.command_path if error.ctx else "mlgit"
        complain(error.format_message(), f"`{name} --help` shows the usage")
    except click.ClickException as error:
        complain(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        return errors.EXIT_INTERRUPTED
    except SystemExit:
        if "_MLGIT_COMPLETE" in os.environ:  # the end of a shell completion
            raise
        _discard(sys.stdout)  # else click's way to report a broken pipe
    except BrokenPipeError:
        _discard(sys.stdout)
    except Exception as error:
        return _refused_or_defect(error, argv)
    # Also where the reader (`| head`) has left: it is not known what the answer would have been.
    return errors.EXIT_CANNOT_ANSWER


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
    """End on SIGTERM, and when the terminal is closed, as on Ctrl-C: what was started is ended, what is done is kept."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup mlgit run` goes on
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _discard(stream: TextIO) -> None:
    """Send what is left of an output that cannot be written nowhere, so that the end of the process does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(message: str, hint: str = "") -> None:
    """Say what is wrong, and below it what to do next, on standard error."""
    color = use_color(sys.stderr)
    lines = [click.style("error: ", fg="red", bold=True) + _safe(message) if color else f"error: {_safe(message)}"]
    if hint:
        lines.append(click.style("hint: ", fg="cyan") + _safe(hint) if color else f"hint: {_safe(hint)}")
    try:
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout)
    try:
        click.echo("\n".join(lines), err=True, color=color)
    except OSError:
        _discard(sys.stderr)


def _safe(text: str) -> str:
    return "\n".join(map(plain, text.split("\n")))


def use_color(stream: object) -> bool:
    """Whether to colour what goes to `stream`: a terminal, and NO_COLOR not set (https://no-color.org)."""
    return (
        bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _write_crash_log(argv: Sequence[str]) -> str:
    folder = Path.cwd() / ".dvc" / "tmp" / "mlgit"
    text = f"mlgit {__version__}\nPython {sys.version}\n{sys.platform}\narguments: {list(argv)}\n\n{traceback.format_exc()}"
    try:
        target = folder if folder.parent.is_dir() else Path(tempfile.gettempdir())
        target.mkdir(exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix="mlgit-defect-", suffix=".log", dir=target)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path
    except OSError:
        return f"(no file could be written)\n{text}"
