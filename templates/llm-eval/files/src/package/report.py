"""Stage `report`: what a reviewer reads, in Markdown. What a model says is text of strangers, and shown as such."""

import json
from typing import Any

from . import files

SHOWN = 15
CUT = 160

Row = dict[str, Any]


def report(rows: list[Row], metrics: dict[str, float], cases: dict[str, Row]) -> str:
    """The report on these graded answers."""
    values = [[name, f"{value:g}"] for name, value in sorted(metrics.items())]
    lines = ["# Report", "", *_table(["metric", "value"], values)]
    libraries = _table(["library", "answers", "pass"], _by("library", rows))
    lines += ["", "## By library", "", *libraries]
    lines += ["", "## Outcomes", "", *_table(["outcome", "answers"], _counts("outcome", rows))]
    failed = [row for row in rows if row["outcome"] != "pass"]
    first = {row["case"]: row for row in reversed(failed)}
    worst = sorted(first, key=lambda case: (-sum(row["case"] == case for row in failed), case))
    lines += ["", f"## Cases that did not pass: {len(first)} of {len(cases)}", ""]
    for case in worst[:SHOWN]:
        row, times = first[case], sum(each["case"] == case for each in failed)
        why = f"{row['outcome']} {row['blocked_by']}".strip()
        lines += [
            f"- {code(case)}, {times} times, {why}:",
            f"  - expected {code(json.dumps(cases[case]['expected']))}",
            f"  - answered {code(row['text'] or row['reason'])}",
        ]
    if len(worst) > SHOWN:
        lines += [f"- and {len(worst) - SHOWN} more: `{files.GRADES}`"]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Any text as a span of code on one line: nothing in it is Markdown, HTML or a control character."""
    plain = text.encode("unicode_escape").decode().replace("`", "'").replace("|", "\\x7c")
    return f"`{plain[:CUT]}{'...' if len(plain) > CUT else ''}`" if plain.strip() else "nothing"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _by(column: str, rows: list[Row]) -> list[list[str]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row["pass"])
    passed = {name: f"{sum(each) / len(each):.3f}" for name, each in found.items()}
    return [[name, str(len(found[name])), passed[name]] for name in sorted(found)]


def _counts(column: str, rows: list[Row]) -> list[list[str]]:
    names = sorted({row[column] for row in rows})
    return [[name, str(sum(row[column] == name for row in rows))] for name in names]


if __name__ == "__main__":
    cases = {case["id"]: case for case in files.read_jsonl(files.CASES)}
    metrics = json.loads(files.METRICS.read_text(encoding="utf-8"))
    files.write_text(files.REPORT, report(files.read_jsonl(files.GRADES), metrics, cases))
