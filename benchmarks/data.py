"""`python -m benchmarks.data`: taking data into the cache, and seeing that it did not change, beside peers.

One file of 1 GiB beside `md5sum`, and 100,000 small files beside `cp -r` with `md5sum` on two processors, `dvc add`,
`git status` and `dvc status`. Tools take turns, each in a project of its own; the yardsticks do no bookkeeping at all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, environment

MIB = 1 << 20
WARM = 1536
YARDSTICK = "find data -type f -print0 | xargs -0 -P2 -n2000 md5sum > sums.txt & cp -r data copy; wait"


def project(folder: Path) -> Path:
    """An empty project; its Git ignores the data, as after `dvc add`."""
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([BIN / "dvc", "init", "-q"], cwd=folder, check=True, env=environment(folder))
    return folder


def big(folder: Path, mebibytes: int) -> None:
    """One file of random bytes."""
    with open(folder / "data", "wb") as stream:
        for _ in range(mebibytes):
            stream.write(os.urandom(MIB))


def small(folder: Path, number: int) -> None:
    """Files of about 1,000 bytes, 1,000 to a folder."""
    for start in range(0, number, 1000):
        inside = folder / "data" / f"d{start // 1000}"
        inside.mkdir(parents=True)
        for index in range(start, min(start + 1000, number)):
            (inside / f"f{index}.txt").write_bytes(b"%d " % index * 166)


Runs = dict[tuple[str, str], list[Measured]]


def warm(work: Path) -> None:
    """Have memory at hand. A virtual machine gives back what is free, and to get it again takes longer than the work:
    on such a machine `cp` of 1 GiB on tmpfs takes four seconds the first time, and 0.4 the second.
    """
    with open(work / "warm", "wb") as stream:
        for _ in range(WARM):
            stream.write(bytes(MIB))
    (work / "warm").unlink()


def add(runs: Runs, kind: str, template: Path, work: Path, tools: Iterable[str]) -> None:
    """One round of a first `add`, each tool with its own copy of the data, then of the check that nothing changed."""
    for name in tools:
        folder = project(work / name)
        subprocess.run(["cp", "-r", str(template / "data"), str(folder / "data")], check=True)
        env = environment(folder)
        warm(work)
        runs.setdefault((kind, f"{name} add"), []).append(once([str(BIN / name), "add", "data"], folder=folder, env=env))
        if name == "mlgit":
            once([str(BIN / name), "status"], folder=folder, env=env)
        check = once([str(BIN / name), "status"], folder=folder, env=env)
        runs.setdefault((f"{kind}, unchanged", f"{name} status"), []).append(check)
        shutil.rmtree(folder)


def yardstick(runs: Runs, kind: str, script: str, template: Path, *, leaves: Iterable[str] = ()) -> None:
    """One round of a shell script beside the data."""
    warm(template.parent)
    found = once(["/bin/sh", "-c", script], folder=template, env=environment(template))
    runs.setdefault((kind, script if len(script) < 20 else "cp -r & md5sum -P2"), []).append(found)
    for each in leaves:
        path = template / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def git_status(runs: Runs, kind: str, template: Path, rounds: int) -> None:
    """`git status` over the same files, tracked and clean."""
    folder = template.parent / "tracked"
    shutil.copytree(template, folder)
    for args in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
        ["status"],
    ):
        subprocess.run(["git", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for _ in range(rounds):
        runs.setdefault((f"{kind}, unchanged", "git status"), []).append(
            once(["git", "status", "-s"], folder=folder, env=environment(folder))
        )
    shutil.rmtree(folder)


def measure(make: Callable[[Path, int], None], size: int, kind: str, script: str, rounds: int, work: Path) -> Runs:
    """All rounds for one kind of data; DVC, which is slow, takes part in the first only."""
    runs: Runs = {}
    template = work / "template"
    template.mkdir()
    make(template, size)
    for number in range(rounds):
        yardstick(runs, kind, script, template, leaves=() if script.startswith("md5sum") else ("copy", "sums.txt"))
        add(runs, kind, template, work, ["mlgit"] if number else ["mlgit", "dvc"])
    if make is small:
        git_status(runs, kind, template, max(3, rounds))
    shutil.rmtree(template)
    print(f"measured {kind}", file=sys.stderr)
    return runs


def table(runs: Runs, floors: dict[str, str]) -> list[str]:
    """The medians as a Markdown table; `floors` name, by kind, what the ratio is taken to."""
    rows = ["| data | command | wall s | CPU s | peak MiB | wall / yardstick |", "|---|---|---:|---:|---:|---:|"]
    for (kind, name), measured in runs.items():
        one, floor = middle(measured), middle(runs[(kind, floors[kind])]) if (kind, floors.get(kind, "")) in runs else None
        ratio = f"{one.wall / floor.wall:.2f}" if floor else ""
        rows.append(f"| {kind} | {name} | {one.wall:.3f} | {one.cpu:.3f} | {one.peak:.0f} | {ratio} |")
    return rows


def compare(mebibytes: int, files: int, rounds: int, work: Path) -> list[str]:
    """Lines of Markdown with both tables; a size of 0 leaves one out."""
    lines = []
    if mebibytes:
        kind = f"{mebibytes} MiB"
        lines += ["", *table(measure(big, mebibytes, kind, "md5sum data", rounds, work), {kind: "md5sum data"})]
    if files:
        kind = f"{files} files"
        floors = {kind: "cp -r & md5sum -P2", f"{kind}, unchanged": "git status"}
        lines += ["", *table(measure(small, files, kind, YARDSTICK, rounds, work), floors)]
    return lines


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024, help="the size of the big file; 0 leaves it out")
    parser.add_argument("--files", type=int, default=100_000, help="the number of small files; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        print("\n".join(compare(chosen.mebibytes, chosen.files, chosen.rounds, Path(folder))))


if __name__ == "__main__":
    main()
