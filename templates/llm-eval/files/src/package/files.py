"""Where stages leave their outputs (as dvc.yaml declares), and how: same content, same bytes."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CASES = Path("data/cases.jsonl")
EXAMPLES = Path("data/examples.jsonl")
PROMPT = Path("prompts/signature.md")
MODELS = Path("models.yaml")
GUARDRAILS = Path("guardrails.yaml")
REQUESTS = Path("data/requests.jsonl")
RESPONSES = Path("responses")
ANSWERS = Path("data/answers.jsonl")
GRADES = Path("data/grades.jsonl")
PREDICTIONS = Path("reports/predictions.csv")
METRICS = Path("reports/metrics.json")
REPORT = Path("reports/report.md")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read an object from each line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write an object a line."""
    write_text(path, "".join(line(row) for row in rows))


def line(row: dict[str, Any]) -> str:
    """An object as a line; ASCII, so that nothing a model says ends or hides a line."""
    return json.dumps(row, sort_keys=True) + "\n"


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table with LF line ends; the first row names the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
