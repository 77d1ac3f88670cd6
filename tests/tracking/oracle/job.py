"""MLflow's server and its interface on a repository: `python -m tests.tracking.oracle.job PYTHON [MLFLOW_SOURCE]`.

PYTHON is that of an environment with mlflow 3.17.2, scikit-learn, skops and pytest; the store is put there from its wheel.
Every page is opened in headless Chromium, and no request may fail but those of KNOWN. MLFLOW_SOURCE is a checkout of MLflow 3,
whose tests of the REST interface are run with `mlgit://` as a third kind of store, where it is given.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tracking.oracle import rest_tests

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
# Requests that fail on MLflow's own stores too, and why.
KNOWN = {
    ("/users/current", 404): "asks who is signed in, which servers without accounts do not know",
}
# Each page, and a request that it has to make.
PAGES = {
    "#/experiments": "/mlflow/experiments/search",
    "#/experiments/{experiment}": "/mlflow/runs/search",
    "#/experiments/{experiment}/runs": "/mlflow/experiments/search-datasets",
    "#/experiments/{experiment}/runs?compareRunsMode=CHART": "/mlflow/metrics/get-history-bulk-interval",
    "#/experiments/{experiment}/models": "/mlflow/logged-models/search",
    "#/experiments/{experiment}/models/{model}": "/mlflow/logged-models/{model}",
    "#/experiments/{experiment}/runs/{run0}": "/mlflow/runs/get|/graphql",
    "#/experiments/{experiment}/runs/{run0}/model-metrics": "/graphql",
    "#/experiments/{experiment}/runs/{run0}/system-metrics": "/graphql",
    "#/experiments/{experiment}/runs/{run0}/artifacts/notes/readme.txt": "/mlflow/artifacts/list",
    "#/compare-runs?runs=[%22{run0}%22,%22{run1}%22]&experiments=[%22{experiment}%22]": "/mlflow/runs/search",
    "#/metric?runs=[%22{run0}%22]&metric=%22loss%22&experiments=[%22{experiment}%22]": "/mlflow/runs/get",
    "#/models": "/mlflow/registered-models/search",
    "#/models/churn": "/mlflow/registered-models/get",
    "#/models/churn/versions/1": "/mlflow/model-versions/get",
    "#/prompts": "/mlflow/registered-models/search",
    "#/experiments/{experiment}/traces": "/mlflow/traces/search",
}
_LINE = re.compile(r'"(?:GET|POST|PATCH|PUT|DELETE) (?P<path>\S+) HTTP/1\.\d" (?P<code>\d{3})')


def main(python: str, source: str | None) -> int:
    """Both comparisons; how many things are wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = _installed(folder, python)
        wrong = pages(folder, python, env) + from_afar(folder, python, env)
        if source:
            wrong += rest_tests.compare(Path(source), python, env)
    for each in wrong:
        print(f"WRONG {each}")
    print("nothing else failed" if not wrong else f"{len(wrong)} wrong")
    return min(len(wrong), 1)


def _installed(folder: Path, python: str) -> dict[str, str]:
    """An environment in which PYTHON has the store."""
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(CHECKOUT / "tracking"),
    ]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    [wheel] = (folder / "dist").glob("*.whl")
    pip = [
        python,
        "-m",
        "pip",
        "--quiet",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder / "installed"),
        str(wheel),
    ]
    subprocess.run(pip, check=True)
    named = {f"GIT_{who}_{what}": "oracle@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    return {
        **kept,
        **named,
        "PYTHONPATH": str(folder / "installed"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
    }


def pages(folder: Path, python: str, env: dict[str, str]) -> list[str]:
    """What is wrong with the pages."""
    repo = folder / "repo"
    subprocess.run(["git", "init", "--quiet", str(repo)], check=True)
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "--message", "First"], cwd=repo, check=True, env=env)
    filled = subprocess.run([python, str(HERE / "filling.py")], cwd=repo, env=env, check=True, capture_output=True, text=True)
    ids = json.loads(filled.stdout.splitlines()[-1])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("passed over: the pages, for there is no Chromium")
        return []
    wrong: list[str] = []
    with served(folder, python, env, repo) as (address, log):
        for page, request in PAGES.items():
            wrong += _wrong_with(address, log, page.format(**ids), request.format(**ids), chromium=chromium, folder=folder)
        wrong += _wrong_in_graphql(address, ids)
    print(f"{len(PAGES)} pages opened")
    return wrong


def from_afar(folder: Path, python: str, env: dict[str, str]) -> list[str]:
    """What is wrong with a client that has no store, of a server that hands artifacts on to the repository."""
    repo = folder / "repo"
    with served(folder, python, env, repo, "--artifacts-destination", f"mlgit://{repo}") as (address, _):
        without = {key: value for key, value in env.items() if key != "PYTHONPATH"}
        argv = [python, str(HERE / "proxied.py"), address]
        done = subprocess.run(argv, cwd=folder, env=without, capture_output=True, text=True)
    return [f"a client from afar: {done.stderr[-2000:]}"] if done.returncode else []


@contextmanager
def served(folder: Path, python: str, env: dict[str, str], repo: Path, *more: str) -> Iterator[tuple[str, Path]]:
    """A server of MLflow on a repository: its address, and the file of its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    argv = [
        python,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        f"mlgit://{repo}",
        "--registry-store-uri",
        f"mlgit://{repo}",
    ]
    argv += ["--workers", "1", "--host", "127.0.0.1", "--port", str(port), *more]
    with log.open("wb") as out:
        child = subprocess.Popen(argv, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _wait(f"http://127.0.0.1:{port}/health", child)
            yield f"http://127.0.0.1:{port}", log
        finally:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def _wait(address: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"the server does not answer at {address}")


def _wrong_with(address: str, log: Path, page: str, request: str, *, chromium: str, folder: Path) -> list[str]:
    """What is wrong with one page."""
    start = log.stat().st_size
    argv = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder}/browser",
        "--window-size=1400,1000",
    ]
    argv += ["--virtual-time-budget=12000", "--dump-dom", f"{address}/{page}"]
    done = subprocess.run(argv, capture_output=True, timeout=120)
    calls = [(row["path"], int(row["code"])) for row in _LINE.finditer(log.read_bytes()[start:].decode(errors="replace"))]
    failed = sorted({(path, code) for path, code in calls if code >= 400 and not _is_known(path, code)})
    wrong = [f"{page}: {code} for {path}" for path, code in failed]
    if not any(code == 200 and re.search(f"(?:{request})(?:$|[?/])", path) for path, code in calls):
        asked = sorted({path.partition("?")[0] for path, _ in calls if "ajax" in path})
        wrong.append(f"{page}: did not ask for {request}, but for {asked}")
    if b"Something went wrong" in done.stdout or b"page not found" in done.stdout.lower():
        wrong.append(f"{page}: says that something went wrong")
    return wrong


def _wrong_in_graphql(address: str, ids: dict[str, str]) -> list[str]:
    """What is wrong with the answers of the interface's other language, whose status says nothing."""
    query = """query Q($run: MlflowGetRunInput!, $runs: MlflowSearchRunsInput!,
                       $history: MlflowGetMetricHistoryBulkIntervalInput!) {
      mlflowGetRun(input: $run) {
        apiError { message }
        run { info { runName status } experiment { name } modelVersions { name }
              data { metrics { key value } } inputs { datasetInputs { dataset { name } } } } }
      mlflowSearchRuns(input: $runs) { apiError { message } runs { info { runName } } }
      mlflowGetMetricHistoryBulkInterval(input: $history) { apiError { message } metrics { key value runId } } }"""
    variables = {
        "run": {"runId": ids["run0"]},
        "runs": {"experimentIds": [ids["experiment"]], "filter": "metrics.loss > 0"},
        "history": {"runIds": [ids["run0"], ids["run1"]], "metricKey": "loss", "maxResults": 100},
    }
    body = json.dumps({"operationName": "Q", "query": query, "variables": variables}).encode()
    asked = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        return [f"graphql: {error.code}, {error.read()[:500]!r}"]
    failed = [name for name, each in (found.get("data") or {}).items() if each is None or each["apiError"]]
    wrong = [f"graphql: {found['errors']}"] if found.get("errors") else []
    wrong += [f"graphql: {name} failed: {found['data'][name]}" for name in failed]
    if not wrong and len(found["data"]["mlflowGetMetricHistoryBulkInterval"]["metrics"]) != 60:
        wrong.append(f"graphql: not all points of both runs: {found}")
    return wrong


def _is_known(path: str, code: int) -> bool:
    return any(path.partition("?")[0].endswith(end) and code == known for end, known in KNOWN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
