"""A table held against its contract, as JSON."""

from __future__ import annotations

import json
from typing import Any

from mlgit.validation.finding import BrokenCell, ContractResult, Finding


def document(result: ContractResult, *, digest: str = "", with_age: bool = True) -> dict[str, Any]:
    """The result with every rule; `digest` is that of the data, as DVC computes it.

    How old the newest row is differs whenever one looks: `with_age` tells whether it is there.
    """
    return {
        "contract": result.contract.name,
        "version": result.contract.version,
        "data": result.data,
        "digest": digest,
        "rows": result.rows,
        "verdict": result.outcome,
        "undeclared": list(result.undeclared),
        "rules": [_rule(each, has_lines=result.has_lines, with_age=with_age) for each in result.findings],
    }


def recorded(value: Any, *, indent: str = "") -> str:
    """A document as a file: a rule is one line, so that a diff of two files shows those of which something changed."""
    inner = f"{indent}  "
    if isinstance(value, dict) and value.keys() & {"rules", "results"}:
        rows = [f"{inner}{json.dumps(key)}: {recorded(each, indent=inner)}" for key, each in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + recorded(each, indent=inner) for each in value) + f"\n{indent}]"
    return json.dumps(value)


def _rule(finding: Finding, *, has_lines: bool, with_age: bool) -> dict[str, Any]:
    check = finding.check
    return {
        "id": check.id,
        "column": ", ".join(check.columns) or None,
        "kind": check.kind,
        "condition": check.condition,
        "outcome": finding.outcome,
        "rows": finding.rows,
        "share": finding.share,
        "value": finding.value if with_age or check.kind != "freshness" else None,
        "limit": check.limit.told,
        "reason": finding.reason,
        "samples": [_sample(each, has_lines=has_lines) for each in finding.samples],
    }


def _sample(sample: BrokenCell, *, has_lines: bool) -> dict[str, Any]:
    """Without the value where it may not be shown."""
    place = {"line" if has_lines else "row": sample.place}
    part = {"part": sample.part} if sample.part else {}
    value = {} if sample.value is None else {"value": sample.value, "rows": sample.rows}
    return place | part | value
