"""A command as a whole process: wall clock, processor time and peak memory, by the operating system's own accounting."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Measured:
    """One run: seconds, seconds, MiB (of the largest process among those waited for), and the exit code."""

    wall: float
    cpu: float
    peak: float
    code: int


def once(argv: Sequence[str], *, folder: Path, env: Mapping[str, str], ok: Sequence[int] = (0,)) -> Measured:
    """Run a command and measure it.

    Raises SystemExit when it ends with a code that is not in `ok`: a failed run is no measurement.
    """
    log = folder / "bench.log"
    with open(log, "wb") as output:
        began = time.perf_counter()
        child = subprocess.Popen(argv, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    if code not in ok:
        raise SystemExit(f"{' '.join(argv)} ended with code {code} in {folder}:\n{log.read_text(errors='replace')[-2000:]}")
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code)


def middle(runs: Sequence[Measured]) -> Measured:
    """The median of each figure."""
    return Measured(median(r.wall for r in runs), median(r.cpu for r in runs), median(r.peak for r in runs), 0)
