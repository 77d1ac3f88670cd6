"""`python -m benchmarks.serving [--peer PYTHON]`: requests a second and CPU a request, beside what else serves the same model.

Each server is asked for one row over and over by `wrk` on 16 connections of this machine, a few seconds in turn, so all see the
same machine; medians of the rounds are shown. `bare` is the least an ASGI application can do (parse, predict, write), and
`pydantic` what a tutorial of FastAPI builds; `--peer` is the Python of an environment with MLflow. CPU is that of all processes
of a server.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving_apps import MODELS
from benchmarks.tools import BIN

_TICK = os.sysconf("SC_CLK_TCK")
_SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()
"""
_FIRST_PORT = 28400


@dataclass(frozen=True)
class Load:
    """What one round of requests came to: a second, milliseconds at the median and at 99 %, CPU milliseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


def environment() -> dict[str, str]:
    """One thread for numbers in every server, as each has one processor."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(threads, "1"), "PYTHONPATH": str(Path(__file__).parents[1])}


def commands(folder: Path, port: int, peer: str | None, *, names: list[str]) -> dict[str, list[str]]:
    """What each server is started with, by its name."""
    serve = [str(BIN / "mlgit"), "serve", "--port", str(port)]
    found = {
        "mlgit": [*serve, "--release", str(folder / "off")],
        "mlgit, log write": [*serve, "--release", str(folder / "write")],
        "mlgit, log fsync": [*serve, "--release", str(folder / "fsync")],
        "mlgit, 2 workers": [*serve, "--release", str(folder / "off"), "--workers", "2"],
        "bare": [sys.executable, "-m", "benchmarks.serving_apps", "bare", str(folder), str(port)],
        "pydantic": [sys.executable, "-m", "benchmarks.serving_apps", "pydantic", str(folder), str(port)],
    }
    if peer:
        flow = [peer, "-m", "mlflow", "models", "serve", "--model-uri", str(folder / "mlflow"), "--env-manager", "local"]
        found["mlflow"] = [*flow, "--port", str(port), "--workers", "1"]
    return {name: argv for name, argv in found.items() if not names or name in names}


@contextmanager
def server(argv: list[str], port: int, body: bytes) -> Iterator[int]:
    """A server that answers; its process id."""
    # mlflow starts `uvicorn` by its name
    env = environment() | {"PATH": f"{Path(argv[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        ends = time.monotonic() + 120
        while not _answers(port, body):
            if child.poll() is not None or time.monotonic() > ends:
                sys.exit(f"{' '.join(argv)}: does not answer")
            time.sleep(0.1)
        yield child.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _answers(port: int, body: bytes) -> bool:
    url = f"http://127.0.0.1:{port}/invocations"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url}: {error.status} {error.read().decode()[:500]}")
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have used."""
    below: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            below.setdefault(int(fields[1]), []).append(int(entry.name))
            used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / _TICK
    waiting, total = [pid], 0.0
    while waiting:
        each = waiting.pop()
        total += used.get(each, 0.0)
        waiting += below.get(each, [])
    return total


def load(pid: int, port: int, script: Path, *, seconds: int, connections: int) -> Load:
    """Ask for some seconds."""
    argv = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}/invocations",
    ]
    before = cpu_seconds(pid)
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before
    count = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    dropped = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    errors = (int(wrong[1]) if wrong else 0) + (sum(map(int, dropped.groups())) if dropped else 0)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])  # type: ignore[index]
    return Load(rate, _ms(said, "50%"), _ms(said, "99%"), 1000 * used / max(1, count), errors)


def _ms(said: str, share: str) -> float:
    number, unit = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def measure(kind: str, work: Path, chosen: argparse.Namespace) -> list[str]:
    """Lines of Markdown for one model."""
    folder = work / kind
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "benchmarks.serving_apps", "make", str(folder), kind], check=True, env=environment())
    if chosen.peer:
        saving = [chosen.peer, "-W", "ignore", "-m", "benchmarks.serving_apps", "save", str(folder), kind]
        subprocess.run(saving, check=True, env=environment(), stderr=subprocess.DEVNULL)
    body = (folder / "body.json").read_bytes()
    script = folder / "post.lua"
    script.write_text(_SCRIPT.format(body=folder / "body.json"))
    found: dict[str, list[Load]] = {}
    for turn in range(chosen.rounds):
        for place, (name, argv) in enumerate(
            commands(folder, _FIRST_PORT + turn * 40, chosen.peer, names=chosen.server).items()
        ):
            port = _FIRST_PORT + turn * 40 + 2 * place
            own = [str(port) if each == str(_FIRST_PORT + turn * 40) else each for each in argv]
            with server(own, port, body) as pid:
                load(pid, port, script, seconds=1, connections=chosen.connections)  # warm
                measured = load(pid, port, script, seconds=chosen.seconds, connections=chosen.connections)
            found.setdefault(name, []).append(measured)
            print(f"{kind}, {name}: {measured}", file=sys.stderr)
        shutil.rmtree(folder / "logs", ignore_errors=True)
    middle = {name: _median(rows) for name, rows in found.items()}
    own = middle.get("mlgit")
    lines = []
    for name, each in middle.items():
        ratios = f"{each.rate / own.rate:.2f} | {each.cpu / own.cpu:.2f}" if own else "|"
        figures = f"{each.rate:,.0f} | {each.p50:.1f} | {each.p99:.1f} | {each.cpu:.3f}"
        lines.append(f"| {kind} | {name} | {figures} | {ratios} | {each.errors} |")
    return lines


def _median(rows: list[Load]) -> Load:
    figures = (statistics.median(getattr(each, name) for each in rows) for name in ("rate", "p50", "p99", "cpu"))
    return Load(*figures, sum(each.errors for each in rows))


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="the Python of an environment with MLflow")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this model; may be repeated")
    parser.add_argument("--server", action="append", default=[], help="only this server; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--work", type=Path, help="where logs are written: a disk, to measure `fsync`")
    chosen = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk")
    lines = [
        "| model | server | req/s | p50 ms | p99 ms | CPU ms | rate / mlgit | CPU / mlgit | errors |",
        "|---|---|" + "---:|" * 7,
    ]
    with tempfile.TemporaryDirectory(prefix="mlgit-bench-", dir=chosen.work) as folder:
        for kind in chosen.model or MODELS:
            lines += measure(kind, Path(folder), chosen)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
