"""`python -m benchmarks.experiments [PART...]`: trials and runs, beside `dvc exp` and MLflow's stores.

trials   one experiment, a search of twenty, and the table of a thousand, beside `dvc exp run --temp` and `dvc exp show`
logging  a run logged from code, one more point of a metric, and 10,000 runs searched, in SQLite, MLflow's files and mlgit://
sharing  10,000 runs imported, pushed to an empty repository and fetched from there, and `git gc`

Tools take turns within a round. CPU is user and system time of a command with all its children, or of a store without the
imports of MLflow; medians of the rounds. `--peers` is the Python of an environment with other versions of DVC and MLflow.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import experiment_shapes as shapes
from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, environment

MLGIT = str(BIN / "mlgit")
_LOGGING = str(Path(__file__).with_name("experiment_logging.py"))
QUERIES = ("newest", "by metric", "filter and order", "tag", "all")


@dataclass(frozen=True)
class Bench:
    """Where and how is measured: a folder, the Python of the peers, rounds, numbers of trials and runs."""

    work: Path
    peers: str
    rounds: int
    n_trials: int
    n_runs: int

    @property
    def dvc(self) -> str:
        """DVC of the peers."""
        return str(Path(self.peers).parent / "dvc")

    @property
    def env(self) -> dict[str, str]:
        """A plain environment, with the programs of this Python on PATH, where stages look for them."""
        env = environment(self.work)
        return env | {"PATH": f"{BIN}{os.pathsep}{env['PATH']}", "HOME": str(self.work), "GIT_CONFIG_NOSYSTEM": "1"}


def _said(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _row(name: str, peer: Measured, own: Measured, *, share: str) -> str:
    cells = [peer.wall, own.wall, peer.cpu, own.cpu, own.cpu / peer.cpu, own.wall / peer.wall]
    return f"| {name} | {' | '.join(f'{each:.3f}' for each in cells)} | {share} |"


def _shared(measured: Measured, number: int) -> Measured:
    return Measured(measured.wall / number, measured.cpu / number, measured.peak, 0)


def trials(bench: Bench) -> list[str]:
    """One experiment, a search, and the table."""
    folder = bench.work / "project"
    baseline = shapes.project(folder, env=bench.env, dvc=bench.dvc, mlgit=MLGIT)
    one, many, single = [], [], []
    for turn in range(bench.rounds):
        temporary = [bench.dvc, "exp", "run", "-q", "--temp", "-S", f"p={turn + 1}"]
        one.append(once(temporary, folder=folder, env=bench.env))
        first = 1000 * (turn + 1)
        values = ",".join(str(first + each) for each in range(20))
        many.append(once([MLGIT, "exp", "run", "--set", f"p={values}", "-j2"], folder=folder, env=bench.env))
        single.append(once([MLGIT, "exp", "run", "--set", f"p={first + 20}"], folder=folder, env=bench.env))
        _said(f"trials, round {turn + 1}: {one[-1].cpu:.2f} {many[-1].cpu:.2f} {single[-1].cpu:.2f} s of CPU")
    peer, search = middle(one), middle(many)
    lines = [
        "| trials | dvc wall s | mlgit wall s | dvc CPU s | mlgit CPU s | CPU / dvc | wall / dvc | to hold |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        _row("one experiment alone", peer, middle(single), share=""),
        _row("one of a search of 20, commands and all", peer, _shared(search, 20), share="CPU 1/8"),
        _row("a search of 20, -j2, beside one of DVC", peer, search, share="wall 1.2"),
    ]
    return ["", *lines, *_tables(bench, folder, baseline)]


def _tables(bench: Bench, folder: Path, baseline: str) -> list[str]:
    refs = subprocess.run(["git", "for-each-ref", "--format=delete %(refname)", "refs/exps"], cwd=folder, capture_output=True)
    subprocess.run(["git", "update-ref", "--stdin"], cwd=folder, input=refs.stdout, check=True)
    shapes.trials(folder, baseline, bench.n_trials)
    tools = {"dvc": [bench.dvc, "exp", "show", "--json"], "mlgit": [MLGIT, "exp", "show", "--json"]}
    caches = {"dvc": folder / ".dvc/tmp/exps", "mlgit": folder / ".dvc/tmp/mlgit"}
    cold: dict[str, list[Measured]] = {name: [] for name in tools}
    warm: dict[str, list[Measured]] = {name: [] for name in tools}
    for turn in range(bench.rounds):
        for name, argv in tools.items():
            if name == "mlgit" or not turn:  # half a minute of DVC
                shutil.rmtree(caches[name], ignore_errors=True)
                cold[name].append(once(argv, folder=folder, env=bench.env))
            warm[name].append(once(argv, folder=folder, env=bench.env))
        _said(f"tables, round {turn + 1}")
    title = f"table of {bench.n_trials:,} trials"
    return [
        _row(f"{title}, first time", middle(cold["dvc"]), middle(cold["mlgit"]), share="1/20"),
        _row(f"{title}, again", middle(warm["dvc"]), middle(warm["mlgit"]), share="1/3"),
    ]


def _asked(bench: Bench, store: str, *argv: str) -> dict[str, float]:
    python = sys.executable if store.startswith("mlgit:") else bench.peers
    done = subprocess.run(
        [python, "-P", "-W", "ignore", _LOGGING, argv[0], store, *argv[1:]], cwd=bench.work, env=bench.env, capture_output=True
    )
    if done.returncode:
        raise SystemExit(f"{argv} of {store} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _stores(bench: Bench) -> dict[str, str]:
    """A store of each kind with the same runs; mlgit's are imported from SQLite."""
    for name in ("sqlite", "files"):
        (bench.work / name).mkdir()
    stores = {"sqlite": shapes.sqlite_store(bench.work / "sqlite/mlflow.db", bench.n_runs, env=bench.env, python=bench.peers)}
    stores["files"] = shapes.file_store(bench.work / "files", bench.n_runs)
    _said("stores of MLflow are made")
    folder = _runs_project(bench)
    imported = once([MLGIT, "exp", "import", stores["sqlite"]], folder=folder, env=bench.env)
    _said(f"imported into mlgit in {imported.wall:.1f} s, {imported.cpu:.1f} s of CPU")
    return stores | {"mlgit": f"mlgit://{folder}"}


def _runs_project(bench: Bench) -> Path:
    folder = bench.work / "runs"
    if not folder.exists():
        shapes.project(folder, env=bench.env, dvc=bench.dvc, mlgit=MLGIT)
    return folder


def logging(bench: Bench) -> list[str]:
    """Writing and searching, by every store."""
    stores = _stores(bench)
    measured: dict[str, dict[str, float]] = {name: {} for name in stores}
    parts: list[tuple[str, list[str]]] = [("write", ["write", "200"]), ("metric", ["metric", "100000"])]
    parts += [(query, ["search", query]) for query in QUERIES]
    for part, argv in parts:
        for name, uri in stores.items():
            rounds = 1 if name == "files" and argv[0] == "search" else bench.rounds  # most of a minute each
            found = [_asked(bench, uri, *argv) for _ in range(rounds)]
            measured[name] |= {f"{part} {key}": median(each[key] for each in found) for key in found[0]}
        told = ", ".join(
            f"{name} {key} {value:.6f}" for name, each in measured.items() for key, value in each.items() if part in key
        )
        _said(f"logging: {told}")
    return [
        "",
        "| runs, CPU | SQLite | files | mlgit:// | mlgit / SQLite | mlgit / files | to hold |",
        "|---|---:|---:|---:|---:|---:|---|",
        *_compared(measured, "write cpu", "write one run, ms", 1e3, "1/8"),
        *_compared(measured, "metric empty cpu", "one `log_metric`, new run, µs", 1e6, ""),
        *_compared(measured, "metric full cpu", "one `log_metric`, run of 100,000 points, µs", 1e6, "100 µs, flat"),
        *(
            line
            for query in QUERIES
            for turn, share in (("first", "1/5"), ("repeated", "0.3 s"))
            for line in _compared(measured, f"{query} {turn} cpu", f"{bench.n_runs:,} runs, {query}, {turn}, s", 1, share)
        ),
    ]


def _compared(measured: dict[str, dict[str, float]], key: str, title: str, factor: float, share: str) -> list[str]:
    sqlite, files, own = (measured[name][key] * factor for name in ("sqlite", "files", "mlgit"))
    return [f"| {title} | {sqlite:.3f} | {files:.3f} | {own:.3f} | {own / sqlite:.3f} | {own / files:.3f} | {share} |"]


def sharing(bench: Bench) -> list[str]:
    """Many runs on their way to a repository and from there, beside bare Git, which takes the refs as they are."""
    folder = _runs_project(bench)
    if not (bench.work / "sqlite").exists():
        (bench.work / "sqlite").mkdir()
        source = shapes.sqlite_store(bench.work / "sqlite/mlflow.db", bench.n_runs, env=bench.env, python=bench.peers)
        once([MLGIT, "exp", "import", source], folder=folder, env=bench.env)
    rows: dict[str, list[Measured]] = {}
    for turn in range(bench.rounds):
        origin = bench.work / f"origin-{turn}.git"
        bare = bench.work / f"bare-{turn}.git"
        for each in (origin, bare):
            subprocess.run(["git", "init", "-q", "--bare", "--initial-branch", "main", str(each)], check=True)
        subprocess.run(["git", "remote", "remove", "origin"], cwd=folder, capture_output=True)
        subprocess.run(["git", "remote", "add", "origin", str(origin)], cwd=folder, check=True)
        subprocess.run(["git", "push", "-q", "--set-upstream", "origin", "main"], cwd=folder, check=True)
        clones = [bench.work / f"clone-{turn}", bench.work / f"bare-clone-{turn}"]
        for each in clones:
            subprocess.run(["git", "clone", "-q", str(origin), str(each)], check=True)
        space = "refs/mlgit/runs/*:refs/mlgit/runs/*"
        steps: list[tuple[str, list[str], Path]] = [
            ("git push", ["git", "push", "-q", str(bare), space], folder),
            ("mlgit push", [MLGIT, "push"], folder),
            ("git fetch", ["git", "fetch", "-q", str(bare), space], clones[1]),
            ("mlgit pull", [MLGIT, "pull"], clones[0]),
        ]
        for name, argv, where in steps:
            rows.setdefault(name, []).append(once(argv, folder=where, env=bench.env))
        _said(f"sharing, round {turn + 1}")
    rows["git gc"] = [once(["git", "gc", "-q"], folder=folder, env=bench.env)]
    shares = {"mlgit push": "5 s", "mlgit pull": "3 s"}
    found = {name: middle(runs) for name, runs in rows.items()}
    title = f"{bench.n_runs:,} runs"
    lines = [f"| {name} | {one.wall:.2f} | {one.cpu:.2f} | {shares.get(name, '')} |" for name, one in found.items()]
    return ["", f"| {title} | wall s | CPU s | to hold |", "|---|---:|---:|---|", *lines]


PARTS: dict[str, Callable[[Bench], list[str]]] = {"trials": trials, "logging": logging, "sharing": sharing}


def compare(parts: Sequence[str], bench: Bench) -> list[str]:
    """The tables of the parts, as lines of Markdown."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(__file__).parents[1] / "mlgit")], check=True)
    return [line for part in parts for line in PARTS[part](bench)]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--peers", default=sys.executable, help="the Python of an environment with DVC and MLflow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=1000, help="of the table")
    parser.add_argument("--runs", type=int, default=10_000, help="that are searched and sent")
    parser.add_argument("--work", type=Path, default=Path("/dev/shm") if os.path.isdir("/dev/shm") else None)
    chosen = parser.parse_args()
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        bench = Bench(Path(folder), chosen.peers, chosen.rounds, chosen.trials, chosen.runs)
        print("\n".join(compare(chosen.parts or list(PARTS), bench)))


if __name__ == "__main__":
    main()
