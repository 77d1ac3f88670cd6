"""Stage `grade`: what each answer is worth. It calls nothing: to judge otherwise costs nothing.

An answer has one of these outcomes; only `pass` counts as right:

- pass, fail  by the assertions of its case
- blocked     a guardrail held the request or the answer back
- error       there was no answer
"""

import statistics
from math import comb
from typing import Any

from . import assertions, baseline, files, guardrails, parameters


def grade(answer: dict[str, Any], case: dict[str, Any], rails: list[guardrails.Rail]) -> dict[str, Any]:
    """One row: the outcome of an answer, and what it did cost."""
    text = answer.get("text", "")
    is_answered = not answer["error"] and not answer["blocked"]
    fired = [rail for rail in rails if is_answered and guardrails.fires(rail, text)]
    judged = assertions.judge(text, case) if is_answered else assertions.Result(False, 0.0)
    blocked = answer["blocked"] or (fired[0].id if fired else "")
    outcome = "pass" if judged.is_pass else "fail"
    if blocked or answer["error"]:
        outcome = "error" if answer["error"] else "blocked"
    return {
        "id": f"{case['id']}#{answer['repeat']}",
        "case": case["id"],
        "cluster": case["cluster"],
        "repeat": answer["repeat"],
        "library": case["metadata"]["library"],
        "expected": "pass",
        "outcome": outcome,
        "pass": int(outcome == "pass"),
        "score": round(judged.score, 6),
        "blocked_by": blocked,
        "answered": int(is_answered),
        "refusal": int(bool(answer.get("refusal"))),
        "valid": int(is_answered and not any(rail.kind == "json-schema" for rail in fired)),
        "finish": answer.get("finish", ""),
        "cost": round(answer.get("cost", 0.0), 9),
        "latency": answer.get("latency", ""),
        "reason": answer["error"] or judged.reason,
        "text": text,
    }


def measure(rows: list[dict[str, Any]], *, k: int) -> dict[str, float]:
    """The metrics of these rows."""
    answered = [row for row in rows if row["answered"]]
    by_case: dict[str, list[int]] = {}
    for row in rows:
        by_case.setdefault(row["case"], []).append(row["pass"])
    found = {
        "accuracy": _mean(row["pass"] for row in rows),
        "pass_hat_k": _mean(pass_hat(k, len(each), sum(each)) for each in by_case.values()),
        "pass_at_k": _mean(pass_at(k, len(each), sum(each)) for each in by_case.values()),
        "score": _mean(row["score"] for row in rows),
        "error_rate": _mean(row["outcome"] == "error" for row in rows),
        "blocked_rate": _mean(row["outcome"] == "blocked" for row in rows),
        "refusal_rate": _mean(row["refusal"] for row in answered),
        "schema_validity": _mean(row["valid"] for row in answered),
        "cost_per_1k": 1000 * _mean(row["cost"] for row in rows),
    }
    return {name: round(value, 6) for name, value in found.items()}


def pass_hat(k: int, n: int, right: int) -> float:
    """The chance that k answers drawn from n are all right, of which so many are: C(right, k) / C(n, k)."""
    return comb(right, k) / comb(n, k)


def pass_at(k: int, n: int, right: int) -> float:
    """The chance that at least one is: 1 - C(n - right, k) / C(n, k)."""
    return 1 - comb(n - right, k) / comb(n, k)


def _mean(values: Any) -> float:
    return statistics.fmean([float(each) for each in values] or [0.0])


def baseline_accuracy(cases: list[dict[str, Any]]) -> float:
    """How many cases the regular expression gets right."""
    found = [(baseline.parameter_names(case["vars"]["docstring"]), case) for case in cases]
    return round(_mean(names == case["expected"] for names, case in found), 6)


def main() -> None:
    """Run the stage."""
    given, rails = parameters.read(), guardrails.read(files.GUARDRAILS)
    cases = {case["id"]: case for case in files.read_jsonl(files.CASES)}
    answers = files.read_jsonl(files.ANSWERS)
    rows = [grade(answer, cases[answer["id"]], rails.after) for answer in answers]
    both = [*rails.before, *rails.after]
    measured = measure(rows, k=given.grade.k) | {
        "baseline_accuracy": baseline_accuracy(list(cases.values())),
        "guardrail_recall": round(guardrails.recall(both), 6),
        "guardrail_false_alarms": guardrails.false_alarms(both),
    }
    files.write_json(files.METRICS, measured)
    files.write_jsonl(files.GRADES, rows)
    texts = ("reason", "text")
    table = [{key: row[key] for key in row if key not in texts} for row in rows]
    files.write_csv(files.PREDICTIONS, table)


if __name__ == "__main__":
    main()
