"""Why a stage of a run failed: the cause in a few words, and the last lines that its command wrote."""

from __future__ import annotations

from pathlib import Path

from mlgit.pipeline.scheduler import Result
from mlgit.render.text import seconds

_LAST_LINES = 20


def cause(result: Result) -> str:
    """Why a stage failed, in a few words."""
    if result.outcome is None:
        return result.message
    code = result.outcome.code
    if result.outcome.timed_out and result.job is not None and result.job.timeout is not None:
        return f"not done within its timeout of {seconds(result.job.timeout)}"
    return f"exit code {code}" if code >= 0 else f"ended by signal {-code}"


def last_lines(log: Path) -> list[str]:
    """The last lines of a log, without reading a large one whole."""
    try:
        with open(log, "rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 16_384))
            return stream.read().decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
    except OSError:
        return []
