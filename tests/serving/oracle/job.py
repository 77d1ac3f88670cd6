"""`mlgit serve` beside `mlflow models serve`, and asked by clients of others: `python -m tests.serving.oracle.job PYTHON`.

PYTHON is that of an environment with mlflow 3.17.2, tritonclient[http], kserve, schemathesis, and the scikit-learn of this one.
Both servers have the same model. Predictions have to be equal in every form, bad bodies to be refused with the same status and
without a word of what they say; where mlgit is stricter, KNOWN says why.
"""

from __future__ import annotations

import json
import os
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
from typing import Any

from tests.serving.oracle import served_model
from tests.serving.oracle.bad_bodies import CSV, JSON, SECRET, BadBody, bad_bodies

HERE = Path(__file__).parent
# Bodies that MLflow answers and mlgit does not, and why.
KNOWN = {
    "a key twice": "readers differ in which of the two counts",
    "a byte order mark": "JSON has none (RFC 8259, section 8.1)",
    "a hundred lists in each other": "depth is bounded, so that no body costs more than its size",
    "a parameter that is not known": "it would change nothing, and the client would not learn of it",
    "a boolean for a number": "a boolean is no number by the contract",
    "a text that is a number": "a text is no number by the contract",
    "an index of another length": "there would be more answers than rows",
    "a number beyond the contract": "MLflow has types, and no contract",
}
# How schemathesis judges the document: too many rows are a refusal too; that a tensor has as many values as its shape says, and
# every column as many as the others, is nothing that a schema can say; and what /ping answers is MLflow's, an empty line that
# it calls JSON.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "413", "415", "422"]

[[operations]]
include-path-regex = "/(infer|invocations)$"
[operations.checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "^/(ping|health)$"
[operations.checks]
response_schema_conformance.enabled = false
"""


def stricter(columns: list[str], row: list[float]) -> list[BadBody]:
    """The bodies of KNOWN."""
    split = {"columns": columns, "data": [row]}
    good = json.dumps({"dataframe_split": split}).encode()
    documents: dict[str, Any] = {
        "a hundred lists in each other": {"dataframe_split": split, "other": json.loads("[" * 100 + "]" * 100)},
        "a parameter that is not known": {"dataframe_split": split, "params": {"other": 1}},
        "a boolean for a number": {"dataframe_split": {"columns": columns, "data": [[True, *row[1:]]]}},
        "a text that is a number": {"dataframe_split": {"columns": columns, "data": [["17.99", *row[1:]]]}},
        "an index of another length": {"dataframe_split": split | {"index": [0, 1]}},
        "a number beyond the contract": {"dataframe_split": {"columns": columns, "data": [[-1.0, *row[1:]]]}},
    }
    texts = {
        "a key twice": good.replace(b'{"columns"', b'{"data": [], "columns"'),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        **{what: json.dumps(document).encode() for what, document in documents.items()},
    }
    return [BadBody(what, JSON, texts[what]) for what in KNOWN]


def forms(columns: list[str], rows: list[list[float]]) -> list[tuple[str, bytes]]:
    """The same rows in each form that both take, with its content type."""
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    by_column = dict(zip(columns, zip(*rows, strict=True), strict=True))
    documents: list[dict[str, Any]] = [
        {"dataframe_split": {"columns": columns, "data": rows}},
        {"dataframe_split": {"columns": columns[::-1], "data": [row[::-1] for row in rows]}},
        {"dataframe_split": {"columns": [*columns, "other"], "data": [[*row, "x"] for row in rows]}},
        {"dataframe_records": records},
        {"instances": records},
        {"inputs": by_column},
        {"inputs": records, "client_request_id": "1"},
    ]
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in rows)]
    return [*((JSON, json.dumps(each).encode()) for each in documents), (CSV, "\n".join(lines).encode())]


def post(url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
    """Status and body of an answer of /invocations."""
    request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def compare(own: str, other: str, asked: dict[str, Any]) -> list[str]:
    """Where the two servers differ, and whether what is wrong comes back."""
    columns, rows = asked["columns"], asked["rows"]
    found = []
    for first in range(0, len(rows), 50):
        some, expected = rows[first : first + 50], {"predictions": asked["predict"][first : first + 50]}
        for place, (content_type, body) in enumerate(forms(columns, some) if not first else forms(columns, some)[:1]):
            answers = [json.loads(post(url, body, content_type)[1]) for url in (own, other)]
            if answers != [expected, expected]:
                found.append(f"form {place}, rows from {first}: {str(answers)[:300]}")
    bad = bad_bodies(columns, rows[0])
    for each in bad:
        (status, said), (theirs, _) = (post(url, each.body, each.content_type) for url in (own, other))
        if status != theirs or SECRET.encode() in said:
            found.append(f"{each.what}: {status}, MLflow {theirs}: {said.decode()[:200]}")
    for each in stricter(columns, rows[0]):
        (status, said), (theirs, _) = (post(url, each.body, each.content_type) for url in (own, other))
        if (status, theirs) != (400, 200):
            found.append(f"{each.what}: {status}, MLflow {theirs}: {said.decode()[:200]}")
    print(f"MLflow: {len(bad)} bad bodies and {len(KNOWN)} that only mlgit refuses, {len(found)} differences")
    return found


@contextmanager
def running(command: list[str], *, url: str, folder: Path) -> Iterator[None]:
    """A server, from when it answers."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "PATH": path}, start_new_session=True
        )
        try:
            wait(process, f"{url}/ping", log=Path(log.name))
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def wait(process: subprocess.Popen[bytes], url: str, *, log: Path) -> None:
    """Wait until a server answers; SystemExit with what it said where it does not."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.5)
    raise SystemExit(f"{url} does not answer:\n{log.read_text()[-3000:]}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def conforms(python: str, *, admin: str, url: str, folder: Path) -> bool:
    """Whether the server keeps its own OpenAPI document, as schemathesis judges it."""
    command = [str(Path(python).with_name("schemathesis")), "run", f"{admin}/openapi.json", "--url", url]
    options = ["--phases", "examples,coverage,fuzzing", "--max-examples", "100", "--seed", "1", "--continue-on-failure"]
    (folder / "schemathesis.toml").write_text(SETTINGS)
    return subprocess.run([*command, *options], cwd=folder).returncode == 0


def main() -> int:
    """Compare, and say what differs."""
    python = sys.argv[1]
    own, admin, other = free_ports(3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked = served_model.write(folder / "release")
        (folder / "asked.json").write_text(json.dumps(asked))
        peers = [python, str(HERE / "peers.py")]
        subprocess.run(
            [*peers, "save", folder / "release/model/model.skops", folder / "mlflow", folder / "asked.json"],
            check=True,
            cwd=folder,
        )
        serve = [str(Path(sys.executable).with_name("mlgit")), "serve", "--release", str(folder / "release")]
        mlflow = [str(Path(python).with_name("mlflow")), "models", "serve", "-m", "mlflow", "--env-manager", "local"]
        url, theirs = f"http://127.0.0.1:{own}", f"http://127.0.0.1:{other}"
        with (
            running([*serve, "--port", str(own), "--admin-port", str(admin)], url=url, folder=folder),
            running([*mlflow, "--host", "127.0.0.1", "--port", str(other)], url=theirs, folder=folder),
        ):
            found = compare(url, theirs, asked)
            print("\n".join(found))
            clients = subprocess.run([*peers, "ask", url, str(folder / "asked.json")], cwd=folder).returncode
            is_kept = conforms(python, admin=f"http://127.0.0.1:{admin}", url=url, folder=folder)
    print(f"OpenAPI: {'kept' if is_kept else 'not kept'}")
    return 1 if found or clients or not is_kept else 0


if __name__ == "__main__":
    sys.exit(main())
