"""The yardstick: the least a Python program can do for the same graph. Every command through `sh -c`, two at a time.

Reads steps.txt of the current folder; nothing is hashed, recorded or checked.
"""

import os
import sys
from collections import deque

JOBS = 2


def main() -> None:
    """Start what is ready, wait for one to end, repeat."""
    with open("steps.txt", encoding="utf-8") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream]
    made = {makes: index for index, (makes, _, _) in enumerate(rows)}
    feeds: list[list[int]] = [[] for _ in rows]
    missing = []
    for index, (_, needs, _) in enumerate(rows):
        before = [made[need] for need in needs.split() if need in made]
        missing.append(len(before))
        for each in before:
            feeds[each].append(index)
    ready = deque(index for index, count in enumerate(missing) if count == 0)
    running: dict[int, int] = {}
    while ready or running:
        while ready and len(running) < JOBS:
            index = ready.popleft()
            running[os.posix_spawn("/bin/sh", ["/bin/sh", "-c", rows[index][2]], os.environ)] = index
        pid, status = os.waitpid(-1, 0)
        if status:
            sys.exit(f"a command failed: {rows[running[pid]][2]}")
        for each in feeds[running.pop(pid)]:
            missing[each] -= 1
            if missing[each] == 0:
                ready.append(each)


main()
