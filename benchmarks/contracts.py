"""`python -m benchmarks.contracts [--peers PYTHON]`: a table held against its contract, beside what else can do it.

20 columns (8 whole numbers, 6 others, 4 words, a key, a time): 100,000 rows as Parquet and CSV, then 5 million as Parquet. Each
tool is a whole process, with its imports; they take turns. The least CPU time of the rounds counts: whatever else the machine
does only adds to it. `--peers` is the Python of an environment with datacontract-cli[duckdb], pandera and frictionless.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Measured, once
from benchmarks.tools import BIN, environment

PEERS = ("datacontract", "pandera", "frictionless")
# Peers that read the larger table hold all of it, or take minutes.
_LARGE = 1_000_000


def commands(contract: Path, data: Path, peers: str | None, *, large: bool) -> dict[str, list[str]]:
    """What each tool is started with."""
    found = {"mlgit": [str(BIN / "mlgit"), "data", "check", str(data), "--contract", str(contract)]}
    script = str(Path(__file__).with_name("contract_peers.py"))
    for peer in PEERS if peers and not large else ():
        if peer != "frictionless" or data.suffix == ".csv":
            found[peer] = [str(peers), "-P", "-W", "ignore", script, peer, str(contract), str(data)]
    return found


def best(runs: list[Measured]) -> Measured:
    """The least of each figure."""
    return Measured(min(each.wall for each in runs), min(each.cpu for each in runs), min(each.peak for each in runs), 0)


def compare(rows: int, large: int, rounds: int, work: Path, peers: str | None = None) -> list[str]:
    """Lines of Markdown; a number of rows of 0 leaves a table out."""
    files: list[tuple[Path, int]] = []
    for number in (rows, large):
        if number:
            subprocess.run([sys.executable, "-m", "benchmarks.contract_tables", str(work), str(number)], check=True)
            files += [(work / f"{number}{end}", number) for end in (".parquet", ".csv") if (work / f"{number}{end}").exists()]
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(__file__).parents[1] / "mlgit")], check=True)
    lines = ["", "| data | tool | wall s | CPU s | peak MiB | CPU / mlgit |", "|---|---|---:|---:|---:|---:|"]
    for path, number in files:
        tools = commands(work / "contract.json", path, peers, large=number >= _LARGE)
        runs: dict[str, list[Measured]] = {}
        for _ in range(rounds):
            for name, argv in tools.items():
                runs.setdefault(name, []).append(once(argv, folder=work, env=environment(work)))
        own = best(runs["mlgit"])
        for name, measured in runs.items():
            one = best(measured)
            shown = f"{number:,} x 20 {path.suffix[1:]} | {name} | {one.wall:.3f} | {one.cpu:.3f} | {one.peak:.0f}"
            lines.append(f"| {shown} | {one.cpu / own.cpu:.1f} |")
        print(f"measured {path.name}", file=sys.stderr)
    return lines


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the smaller tables (0: none)")
    parser.add_argument("--large", type=int, default=5_000_000, help="rows of the larger Parquet file (0: none)")
    parser.add_argument("--peers", help="the Python of an environment with datacontract-cli, pandera and frictionless")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        print("\n".join(compare(chosen.rows, chosen.large, chosen.rounds, Path(folder), chosen.peers)))


if __name__ == "__main__":
    main()
