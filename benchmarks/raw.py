"""The yardstick on a cluster: each command of steps.txt as one call to `client.submit`, and nothing else.

`python raw.py ADDRESS`. Workers run the commands with subprocess in this folder, which they share with the client: nothing
travels, is hashed, recorded or checked.
"""

import subprocess
import sys
from pathlib import Path

from distributed import Client


def main() -> None:
    """Submit all, gather all."""
    commands = [line.rstrip("\n").split("\t")[2] for line in Path("steps.txt").read_text(encoding="utf-8").splitlines()]
    here = str(Path.cwd())

    def call(command: str) -> int:
        return subprocess.run(["/bin/sh", "-c", command], cwd=here, check=True).returncode

    with Client(sys.argv[1]) as client:
        futures = [client.submit(call, command, pure=False) for command in commands]
        if any(client.gather(futures)):
            sys.exit("a command failed")


if __name__ == "__main__":
    main()
