"""The command table and the way in. Commands are imported only when they are called: start-up time is a feature."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `mlgit` with the arguments of the process and exit with its code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from mlgit import __version__

        sys.stdout.write(f"mlgit {__version__}\n")
        return
    from mlgit.cli.edge import run

    sys.exit(run(sys.argv[1:]))
