"""The whole way, as a new user goes it: a project of the template, a release, requests, drift, labels, and the question why."""

from __future__ import annotations

import csv
import json
import re
import shutil

import pytest

from tests.kit import commit, example
from tests.kit.forked import mlgit
from tests.kit.programs import git
from tests.serving.servers import JSON, served, until

pytestmark = pytest.mark.slow

SERVING = "\nserving: {tumor: {shadow: {environment: shadow}}}\n"


@pytest.fixture
def project(example_that_ran, tmp_path):
    """The example with its card, served with a shadow."""
    root = tmp_path / "tumor"
    shutil.copytree(example_that_ran, root, symlinks=True)
    config = root / "mlgit.yaml"
    config.write_text(config.read_text() + "  - {name: shadow}\n" + SERVING)
    example.add_card(root)
    commit(root, "Train the first model")
    return root


def do(root, *args, code=0):
    done = mlgit(root, *args, env=example.environment())
    assert done.code == code, (args, done.said)
    return done.out


@pytest.mark.full
def test_request_that_was_made_drifted_labelled_and_audited(project):
    do(project, "model", "register", "tumor", "--version", "v1.0.0")
    for environment in ("staging", "prod"):
        do(project, "model", "promote", "tumor@v1.0.0", environment)
    (project / "note.txt").write_text("another commit, the same model\n")
    commit(project, "Note")
    do(project, "model", "register", "tumor", "--version", "v1.1.0")
    do(project, "model", "promote", "tumor@v1.1.0", "shadow")
    rows = list(csv.DictReader((project / "data/prepared/test.csv").open()))
    features = [name for name in rows[0] if name not in ("id", "label")]

    def body(row, *, scale=1.0):
        return {"dataframe_records": [{name: float(row[name]) * scale for name in features}]}

    with served(project, "tumor", "--offline") as server:
        assert server.ready["serves"]["champion"]["self_tested"] == 10
        answered = {}
        for row in rows[:40]:
            answer = server.post("/invocations", body(row), headers={**JSON, "X-Request-ID": f"day-1-{row['id']}"})
            answered[row["id"]] = answer.json["predictions"][0]
        asked = server.post("/invocations", body(rows[0])).headers["x-request-id"]
        until(lambda: b'"shadow"' in b"".join(path.read_bytes() for path in (project / "logs").rglob("*.jsonl")))

    # the first day's answers as a table that is tracked; the next day everything is twice as large
    do(project, "log", "pack", "tumor", "-o", "data/answers.parquet")
    do(project, "add", "data/answers.parquet")
    commit(project, "Answers of the first day")
    with served(project, "tumor", "--offline") as server:
        for row in rows[:40]:
            server.post("/invocations", body(row, scale=2.0), headers={**JSON, "X-Request-ID": f"day-2-{row['id']}"})
    (project / "data/answers.parquet").unlink()
    do(project, "log", "pack", "tumor", "-o", "data/answers.parquet")
    do(project, "add", "data/answers.parquet")
    tables = do(project, "diff", "HEAD").partition("\nTables\n")[2].partition("\n\n")[0]
    assert re.search(r"data/answers\.parquet +moved .*mean_\w+ 0\.\d\d", tables)

    # the truth comes later, and is joined by the id
    (project / "truth.csv").write_text("id,label\n" + "".join(f"day-1-{row['id']},{row['label']}\n" for row in rows[:40]))
    # forty rows are too few for the rules about probabilities, which the log does not have: so no verdict, exit code 2
    compared = json.loads(do(project, "monitor", "compare", "tumor", "--labels", "truth.csv", "--json", code=2))
    assert (compared["champion"]["version"], compared["challenger"]["version"]) == ("v1.0.0", "v1.1.0")
    assert (compared["labelled"], compared["agreement"]["value"], compared["verdict"]) == (40, 1.0, "invalid")
    correct = sum(str(answered[row["id"]]) == row["label"] for row in rows[:40])
    assert correct >= 36

    audited = do(project, "model", "audit", "--request", asked)
    assert "tumor@v1.0.0" in audited
    assert "data/prepared/train.csv" in audited
    shown = json.loads(do(project, "log", "show", asked, "--json"))
    assert shown["schema"] == 1
    assert git(project, "status", "--short", "--", "logs") == ""
