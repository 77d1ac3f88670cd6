"""`python -m benchmarks.run`: the same pipelines in mlgit and its peers, in turn, and how long each takes.

Tools take turns within a round, so that a drift of the machine hits all alike; medians of the rounds are printed, with
ratios to the yardstick (a bare process pool) and to mlgit. A cold run starts without outputs, lock, cache and state;
then comes a run when nothing changed, and one after an output was removed. Run it on tmpfs, on a quiet machine.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cluster, contracts, data, registry, scaffold, shapes
from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, Tool, available, clean, environment, version
from mlgit.scaffold import library

Key = tuple[str, int, str, str]  # shape, number of stages, kind of run, tool


def prepare(work: Path, tool: Tool, shape: str, number: int) -> Path:
    """A folder of its own for every tool, so that none finds another's files."""
    folder = work / f"{tool.name.replace(' ', '-')}-{shape}-{number}"
    shapes.write(folder, shape, number)
    if tool.name.split()[0] in ("mlgit", "dvc"):
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run([BIN / "dvc", "init", "-q"], cwd=folder, check=True, env=environment(folder))
    return folder


def measure(tool: Tool, folder: Path) -> dict[str, Measured]:
    """One round of one tool in its folder."""
    env = environment(folder)
    if tool.name == "dvc status":
        first = once([str(BIN / "mlgit"), "run", "-j2"], folder=folder, env=env)
        del first
        once(tool.run, folder=folder, env=env)
        return {"nothing changed": once(tool.run, folder=folder, env=env)}
    clean(folder)
    found = {"cold": once(tool.run, folder=folder, env=env)}
    made = sum(path.name.startswith("o") and path.suffix == ".txt" for path in folder.iterdir())
    if made != len((folder / "steps.txt").read_text(encoding="utf-8").splitlines()):
        raise SystemExit(f"{tool.name} made {made} files in {folder}: not a measurement")
    if tool.again:
        once(tool.again, folder=folder, env=env)
        found["nothing changed"] = once(tool.again, folder=folder, env=env)
    if tool.name in ("mlgit", "make", "ninja", "dvc repro"):
        (folder / "o0.txt").unlink()
        found["one stale"] = once(tool.run, folder=folder, env=env)
    return found


def pipelines(
    tools: Sequence[Tool], chosen: Sequence[str], numbers: Sequence[int], rounds: int, work: Path
) -> dict[Key, Measured]:
    """The medians of all rounds, by shape, number, kind and tool."""
    runs: dict[Key, list[Measured]] = {}
    for shape in chosen:
        for number in numbers:
            folders = {
                tool: prepare(work, tool, shape, number) for tool in tools if number <= tool.slow or tool.name == "dvc status"
            }
            for _ in range(rounds):
                for tool, folder in folders.items():
                    for kind, measured in measure(tool, folder).items():
                        runs.setdefault((shape, number, kind, tool.name), []).append(measured)
            for folder in folders.values():
                shutil.rmtree(folder)
            print(f"measured {shape} {number}", file=sys.stderr)
    return {key: middle(measured) for key, measured in runs.items()}


def starts(rounds: int, work: Path) -> dict[str, Measured]:
    """Start-up: `mlgit --version` beside a bare Python, click, and dvc."""
    commands = {
        "python -c pass": [sys.executable, "-I", "-c", "pass"],
        'python -c "import click"': [sys.executable, "-c", "import click"],
        "mlgit --version": [str(BIN / "mlgit"), "--version"],
        "mlgit --help": [str(BIN / "mlgit"), "--help"],
        "dvc --version": [str(BIN / "dvc"), "--version"],
    }
    runs: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(max(5, rounds)):
        for name, argv in commands.items():
            runs[name].append(once(argv, folder=work, env=environment(work)))
    return {name: middle(measured) for name, measured in runs.items()}


def table(results: dict[Key, Measured], names: Sequence[str]) -> list[str]:
    """The medians as a Markdown table: seconds of wall clock and processor, peak memory, ratios."""
    rows = [
        "| shape | stages | run | tool | wall s | CPU s | peak MiB | wall / pool | wall / mlgit |",
        "|---|---:|---|---|---:|---:|---:|---:|---:|",
    ]
    for shape, number, kind, tool in sorted(results, key=lambda key: (key[0], key[1], key[2], names.index(key[3]))):
        one = results[(shape, number, kind, tool)]
        floor, own = results.get((shape, number, "cold", "pool")), results.get((shape, number, kind, "mlgit"))
        to_floor = f"{one.wall / floor.wall:.2f}" if floor and kind == "cold" else ""
        to_own = f"{one.wall / own.wall:.2f}" if own else ""
        figures = f"{one.wall:.3f} | {one.cpu:.3f} | {one.peak:.0f} | {to_floor} | {to_own}"
        rows.append(f"| {shape} | {number} | {kind} | {tool} | {figures} |")
    return rows


def report(
    results: dict[Key, Measured], starting: dict[str, Measured], spread: list[str], tools: Sequence[Tool], rounds: int
) -> str:
    """The whole page."""
    lines = [
        f"# Benchmarks of {datetime.date.today():%Y-%m-%d}",
        "",
        f"{platform.system()}, {os.cpu_count()} processors, Python {platform.python_version()}.",
        f"Medians of {rounds} rounds in which the tools take turns; two jobs at a time; the shell is `/bin/sh`.",
        "Made by `python -m benchmarks.run`.",
        "",
        *(f"- {tool.name}: {version(tool)}" for tool in tools),
        "",
        *table(results, [tool.name for tool in tools]),
        "",
        "| start | wall s | CPU s | peak MiB |",
        "|---|---:|---:|---:|",
        *(f"| `{name}` | {one.wall:.3f} | {one.cpu:.3f} | {one.peak:.0f} |" for name, one in starting.items()),
        *spread,
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", default=["wide", "chain", "diamond", "matrix"], choices=shapes.SHAPES)
    parser.add_argument("--stages", nargs="+", type=int, default=[10, 100, 400, 1000, 4000])
    parser.add_argument("--tools", nargs="+", default=[], help="names as in the table (default: all that are installed)")
    parser.add_argument("--dask", nargs="*", type=int, default=[1000], help="tasks on a Dask cluster (no number: none)")
    parser.add_argument("--mebibytes", type=int, default=1024, help="the size of the file to track (0: none)")
    parser.add_argument("--files", type=int, default=100_000, help="the number of small files to track (0: none)")
    parser.add_argument("--tags", type=int, default=4000, help="the number of tags of models (0: none)")
    parser.add_argument("--templates", nargs="*", default=library.names(), help="the templates that projects are made from")
    parser.add_argument("--changed", type=int, default=50, help="the files that an update from a template changes (0: none)")
    parser.add_argument("--rows", type=int, default=100_000, help="the rows of the tables held against a contract (0: none)")
    parser.add_argument("--large", type=int, default=5_000_000, help="the same, of the larger one (0: none)")
    parser.add_argument("--peers", help="the Python of an environment with datacontract-cli, pandera and frictionless")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    parser.add_argument("--out", type=Path, help="write the page here too")
    chosen = parser.parse_args()
    tools = available(chosen.tools)
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        results = pipelines(tools, chosen.shapes, chosen.stages, chosen.rounds, Path(folder))
        spread = cluster.compare(chosen.dask, chosen.rounds, Path(folder)) if chosen.dask else []
        spread += data.compare(chosen.mebibytes, chosen.files, chosen.rounds, Path(folder))
        spread += registry.compare(chosen.tags, chosen.rounds, Path(folder)) if chosen.tags else []
        spread += scaffold.compare(chosen.templates, chosen.changed, chosen.rounds, Path(folder))
        if chosen.rows or chosen.large:
            spread += contracts.compare(chosen.rows, chosen.large, chosen.rounds, Path(folder), chosen.peers)
        page = report(results, starts(chosen.rounds, Path(folder)), spread, tools, chosen.rounds)
    print(page)
    if chosen.out:
        chosen.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
