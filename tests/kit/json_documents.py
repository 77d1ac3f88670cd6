"""What reading commands print with --json in one project; `python -m tests.kit.json_documents` drafts docs/schemas."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlgit.monitoring import verdict_refs
from tests.kit import trials
from tests.kit.forked import mlgit
from tests.kit.programs import git
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN
from tests.kit.repositories import repository
from tests.monitoring import chains
from tests.scaffold.kit import HEAD, question, write_template
from tests.serving import logs

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
FILES = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01", "train.py": TRAIN, "params.yaml": "skill: 90\n"}
MORE = """\
environments: [{name: staging}]
data: {predictions.csv: schemas/predictions.odcs.yaml}
monitoring: {churn: {windows: {min_rows: 5}}}
"""
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: predictions
version: 1.0.0
schema: [{name: predictions, properties: [{name: id, logicalType: string, required: true, unique: true}]}]
"""

LOG = (
    '{"schema":1,"kind":"header","model":"churn","version":"v0.0.1","commit":"","digest":"","contract":null,'
    '"columns":["x"],"types":["number"],"hashed":[],"outputs":["predict"],"classes":[]}\n'
    '{"id":"a","ts":"2026-11-28T13:00:00.000Z","role":"champion","version":"v0.0.1","digest":"",'
    '"inputs":[[1.5]],"outputs":{"predict":[1]},"ms":0.4,"code":200}\n'
)

# The command line that shows each command's document, in this order.
LINES = {
    "run": "run",
    "status": "status",
    "dag": "dag",
    "doctor": "doctor",
    "card build": "card build",
    "card check": "card check",
    "model register": "model register churn",
    "model promote": "model promote churn staging",
    "model list": "model list",
    "model show": "model show churn",
    "model history": "model history churn",
    "model verify": "model verify --offline",
    "model event": "model event churn@v0.0.1",
    "model audit": "model audit churn@v0.0.1",
    "model stamp": "model stamp churn@v0.0.1",
    "model get": "model get churn -o got.txt",
    "package": "package churn@v0.0.1 --oci churn.tar",
    "card index": "card index",
    "diff": "diff HEAD~1",
    "gate": "gate HEAD~1",
    "ci run": "ci run --no-run --base HEAD~1",
    "report": "report",
    "new": "new --list",
    "remote list": "remote list",
    "data infer": "data infer predictions.csv",
    "data diff": "data diff HEAD~1",
    "data check": "data check",
    "monitor sketch": "monitor sketch churn -o sketch.json",
    "monitor run": "monitor run churn#staging --current train.csv --no-record",
    "monitor accept": "monitor accept 2026-05-02 --reason known",
    "monitor show": "monitor show churn",
    "monitor trigger": "monitor trigger churn --reason asked",
    "monitor compare": "monitor compare churn --log ../log --labels predictions.csv",
    "log show": "log show a",
    "log tail": "log tail churn",
    "log pack": "log pack logs/churn -o packed.parquet",
}
# The same in a project of a template, which lies beside it.
IN_MADE_PROJECT = {
    "template list": "template list",
    "template show": "template show ../template",
    "template check": "template check ../template",
    "template status": "template status",
    "template update": "template update",
}
# The same in a project with trials.
IN_TRIALS = {
    "exp list": "exp list",
    "exp show": "exp show",
    "exp compare": "exp compare --objective roc_auc",
    "exp diff": "exp diff one",
}


def documents(folder: Path) -> dict[str, Any]:
    """The documents by command, and that of an error."""
    root = repository(
        folder / "project",
        {
            **FILES,
            "mlgit.yaml": FILES["mlgit.yaml"].replace("id: id", "id: id, train: [train.csv]") + MORE,
            "schemas/predictions.odcs.yaml": CONTRACT,
            "logs/churn/2026-11-28T13/1-v0.0.1.jsonl": LOG,
            "train.csv": "x\n" + "".join(f"{row % 7}\n" for row in range(40)),
        },
    )
    for version, role in (("v1.0.0", "champion"), ("v1.1.0", "shadow")):
        logs.write(folder / "log", logs.single([0.1, 0.9, 0.2, 0.7] * 10), version=version, role=role)
    judged = verdict_refs.append(root, verdict_refs.load(root, chains.REF), chains.entry(0))
    verdict_refs.append(root, judged, chains.entry(1, word="page"))
    found: dict[str, Any] = {}

    def ask(name: str, line: str, *, within: Path = root) -> None:
        done = mlgit(within, *line.split(), "--json")
        assert done.code in (0, 1), (line, done.said)
        found[name] = json.loads(done.out)

    for name, line in LINES.items():
        ask(name, line)
        if name in ("run", "card build"):
            git(root, "add", "-A")
            git(root, "commit", "-qm", name)
    made = _made(folder)
    for name, line in IN_MADE_PROJECT.items():
        ask(name, line, within=made)
    tried = trials.project(folder / "tried")
    trials.add(tried, [{"train.lr": 0.2}], names=["one"])
    for name, line in IN_TRIALS.items():
        ask(name, line, within=tried)
    found["error"] = json.loads(mlgit(root, "status", "nothing", "--json").out)
    return found


def _made(folder: Path) -> Path:
    """A project in which a file was changed, and whose template has a newer version."""
    changes = {"1.3.0": "a.txt"}
    features = question("multichoice", choices={"box": "a box"}, default=[])
    more: dict[str, Any] = {"questions": {"features": features}, "files": {"box.txt": {"when": "box"}}}
    write_template(folder / "template", {"a.txt": "one\n", "box.txt": "box\n"}, **more)
    mlgit(folder, "new", "made", "-t", "./template", "--defaults")
    (folder / "made/a.txt").write_text("mine\n")
    git(folder / "made", "commit", "-qam", "Change")
    (folder / "template/files/a.txt").write_text("theirs\n")
    (folder / "template/template.yaml").write_text(json.dumps({**HEAD, **more, "version": "1.3.0", "changes": changes}))
    return folder / "made"


def schema_of(value: Any) -> dict[str, Any]:
    """A JSON Schema that takes a document and those of its shape."""
    if isinstance(value, Mapping):
        rows = {name: schema_of(each) for name, each in value.items()}
        is_record = all(name.isidentifier() for name in rows) and bool(rows)
        return {"type": "object", "properties": rows, "required": sorted(rows)} if is_record else {"type": "object"}
    if isinstance(value, list):
        shapes = [schema_of(each) for each in value]
        return {"type": "array", **({"items": shapes[0]} if shapes and all(each == shapes[0] for each in shapes) else {})}
    names: Mapping[type, str] = {bool: "boolean", int: "number", float: "number", str: "string"}
    return {"type": [names[type(value)], "null"]} if type(value) in names else {}


def main() -> None:
    """Draft a schema for each command that has none."""
    SCHEMAS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, document in documents(Path(folder)).items():
            path = SCHEMAS / f"{name.replace(' ', '-')}.json"
            title = "What every command prints where it fails" if name == "error" else f"mlgit {name} --json"
            head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
            schema = schema_of(document)
            if isinstance(document, dict) and "schema" in document:
                schema["properties"]["schema"] = {"const": document["schema"]}
            if not path.exists():
                path.write_text(json.dumps(head | schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
