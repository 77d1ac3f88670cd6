"""Tables held against contracts, beside three peers: `python -m tests.validation.oracle.data_job PYTHON [PAIRS] [SEED]`.

PYTHON is that of an environment with datacontract-cli 1.2.8, pandera 0.35 and frictionless 5. Of each pair datacontract has to
give the same outcome and count for every rule, pandera the same rows, frictionless the same cells. Where one does not, KNOWN
says why: what was done to the column, and which rules of it are seen otherwise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlgit.tables.digests import MISSING_WORDS
from mlgit.validation import judge, parse, predicates, source
from mlgit.validation.contract import Contract, ContractCheck
from mlgit.validation.finding import ContractResult
from tests.validation.oracle.tables import Pair, pairs

Answer = dict[str, Any]
Used = Counter[tuple[str, str]]
# Peer, what was done to a column (or what an operator does) -> why it sees that otherwise.
KNOWN = {
    ("datacontract", "ends"): "to it both ends of mustBeBetween are inside; the standard says that they are excluded",
    ("datacontract", "word"): "to it NA and null are texts, and no numbers; to mlgit they are missing, as to pandas",
    ("datacontract", "nan"): "to it NaN is a number above all others, which a DECIMAL cannot hold; to mlgit it is missing",
    ("datacontract", "wrong"): "it stops at a cell that it cannot read as its type; mlgit names the cell",
    ("datacontract", "fraction"): "it rounds 1.5 to a whole number; mlgit names the cell",
    ("datacontract", "retyped"): "it does not look at types in files; mlgit says that all of the column is of another",
    ("datacontract", "dropped"): "it takes a column that is not there for one of NULLs; mlgit cannot evaluate its rules",
}
# Faults after which datacontract gives no answer at all.
_STOPS = ("wrong", "word", "nan", "fraction")
# What frictionless looks at in a cell.
_CELLS = ("type", "required", "range", "length", "values")
_WORDS = {"passed": "pass", "failed": "fail", "warning": "warn"}
_BOUNDS = {
    "field_is_present": "present",
    "field_required": "required",
    "field_primary_key_required": "required",
    "field_unique": "unique",
    "field_primary_key_unique": "unique",
    "field_minimum": "range",
    "field_maximum": "range",
    "field_not_equal": "range",
    "field_min_length": "length",
    "field_max_length": "length",
    "field_regex": "pattern",
    "field_enum": "values",
}


def own(pair: Pair, path: Path) -> tuple[ContractResult, dict[str, list[int]]]:
    """The findings of mlgit, and all rows that break each rule."""
    contract = parse.parse(json.loads(json.dumps(pair.document)), name="raw.odcs.yaml")
    parts = source.parts_of(str(path), name=path.name)
    result = judge.judge(contract, parts, data=path.name)
    rows: dict[str, list[int]] = {}
    with source.opened(parts) as (duck, table):
        for each in result.findings:
            if each.outcome != "invalid" and each.check.kind not in ("present", "rows", "query", "freshness"):
                found = duck.rows(f"{_rows(each.check, contract, table)} ORDER BY row")
                rows[each.check.id] = [row for (row,) in found]
    return result, rows


def _rows(check: ContractCheck, contract: Contract, table: source.DataSource) -> str:
    """A query for all rows that break a check."""
    if check.kind not in ("unique", "duplicates"):
        return f"SELECT row FROM ({table.relation()}) WHERE {predicates.broken(check, contract, table.columns)}"
    parts = predicates.key(check, contract, table.columns)
    names = [f"k{place}" for place in range(len(parts))]
    keyed = ", ".join(f"{part} AS {name}" for part, name in zip(parts, names, strict=True))
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    return (
        f"SELECT row FROM (SELECT row, {keyed} FROM ({table.relation()})) WHERE {known} "
        f"QUALIFY count(*) OVER (PARTITION BY {', '.join(names)}) > 1"
    )


def theirs(answer: Answer) -> dict[str, tuple[str, float | None]]:
    """datacontract's checks under mlgit's names: the worst outcome, and the sum of the numbers.

    Minimum and maximum are two checks of it and one of mlgit, and so are the ends of a length, and an end that is excluded.
    """
    found: dict[str, tuple[str, float | None]] = {}
    order = ["pass", "warn", "fail"]
    for each in answer["checks"]:
        kind = _BOUNDS.get(each["type"])
        name = each["qualityId"] or (f"{each['field']}.{kind}" if kind else "")
        name = "a key of several.unique" if each["type"] == "primary_key_unique" else name
        if each["type"] == "field_type" or not name:
            continue
        outcome, value = _WORDS[each["result"]], each["value"]
        before, number = found.get(name, ("pass", None))
        found[name] = (max(before, outcome, key=order.index), value if number is None else number + (value or 0))
    return found


def differences(pair: Pair, path: Path, answer: Answer, used: Used, compared: Counter[str]) -> Iterator[str]:
    """Where a peer says otherwise, for no known reason."""
    result, rows = own(pair, path)
    yield from _datacontract(pair, result, answer["datacontract"], used, compared)
    for each in result.findings:
        places = rows.get(each.check.id, [])
        if each.check.id in rows and each.check.kind not in ("unique", "duplicates") and each.rows != len(places):
            yield f"{each.check.id}: {each.rows} rows counted, {len(places)} found"
    for peer in ("pandera", "frictionless"):
        yield from _places(pair, rows, peer, answer[peer], compared)


def _datacontract(pair: Pair, result: ContractResult, answer: Answer, used: Used, compared: Counter[str]) -> Iterator[str]:
    stops = sorted({kind for kind, _ in pair.faults if kind in _STOPS})
    if "error" in answer:
        yield f"datacontract: {answer['error']}"
        return
    general = [each for each in answer["checks"] if each["type"] == "general"]
    if general:
        used.update(("datacontract", each) for each in stops)
        if not stops:
            yield f"datacontract stopped: {general[0]['reason']}"
        return
    odd = {name: kind for kind, name in pair.faults if ("datacontract", kind) in KNOWN}
    other = theirs(answer)
    for each in result.findings:
        check = each.check
        if check.kind == "type":
            continue
        if check.kind == "unique" and len(check.columns) > 1:
            other[check.id] = other.get("a key of several.unique", ("", None))
        compared["datacontract"] += 1
        touched = [odd[name] for name in (*check.columns, *(name for name in odd if name in _query(check))) if name in odd]
        number = None if check.kind == "present" else each.rows if check.kind not in ("rows", "query") else each.value
        if other.get(check.id) == (each.outcome, number):
            continue
        ends = (check.limit.value, check.limit.high)
        held = other.get(check.id, ("", None))[1]
        if check.limit.operator.endswith("Between") and each.value in ends and number == held:
            used["datacontract", "ends"] += 1
        elif touched:
            used.update(("datacontract", kind) for kind in set(touched))
        else:
            yield f"{check.id}: mlgit {each.outcome} {number}, datacontract {other.get(check.id)}"


def _query(check: ContractCheck) -> list[str]:
    """The words of a query, among which are names of columns."""
    return str(check.options.get("query", "")).replace("(", " ").replace(")", " ").split()


def _places(pair: Pair, rows: Mapping[str, list[int]], peer: str, answer: Answer, compared: Counter[str]) -> Iterator[str]:
    if "error" in answer:
        yield f"{peer}: {answer['error']}\n{answer['traceback']}"
        return
    odd = {name for kind, name in pair.faults if kind == "retyped"}
    for rule, here in rows.items():
        column = rule.partition(".")[0].partition("-")[0]
        if column in odd and not rule.endswith(".type"):
            continue
        there = answer.get(rule, [] if peer == "frictionless" else None)
        if peer == "frictionless" and (not pair.is_text or rule.rpartition(".")[2] not in _CELLS or _is_open(pair, rule)):
            continue
        compared[peer] += 1
        if there is None:
            yield f"{rule}: not looked at by {peer}"
        elif here != sorted(there):
            alone, other = sorted(set(here) - set(there)), sorted(set(there) - set(here))
            yield f"{rule}: rows of mlgit alone {alone[:9]}, of {peer} alone {other[:9]}"


def _is_open(pair: Pair, rule: str) -> bool:
    """Whether an end of the range is excluded, which frictionless does not know of older drafts."""
    column = next((each for each in pair.properties() if rule == f"{each['name']}.range"), {})
    return any(key.startswith("exclusive") for key in column.get("logicalTypeOptions", {}))


def main() -> int:
    """Compare, and say how many agree."""
    python, count, seed = sys.argv[1], int(sys.argv[2] if sys.argv[2:] else 200), int(sys.argv[3] if sys.argv[3:] else 0)
    made, used, compared, wrong = list(pairs(count, seed)), Used(), Counter[str](), 0
    faults = Counter(kind for each in made for kind in {kind for kind, _ in each.faults})
    with tempfile.TemporaryDirectory() as folder:
        paths = [each.write(Path(folder)) for each in made]
        asked = [{"document": each.document, "path": str(path)} for each, path in zip(made, paths, strict=True)]
        file = Path(folder) / "pairs.json"
        file.write_text(json.dumps({"words": sorted(MISSING_WORDS), "pairs": asked}), encoding="utf-8")
        driver = Path(__file__).with_name("data_driver.py")
        done = subprocess.run([python, "-W", "ignore", driver, file], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr)
            return 2
        for pair, path, answer in zip(made, paths, json.loads(done.stdout.splitlines()[-1]), strict=True):
            found = list(differences(pair, path, answer, used, compared))
            wrong += bool(found)
            for each in found:
                print(f"{pair.name} {pair.form} {sorted(set(pair.faults))}: {each}")
    print(f"{count - wrong} of {count} pairs agree; faults: {dict(faults.most_common())}")
    print(f"rules compared: {dict(compared)}")
    for (peer, what), number in used.items():
        print(f"  {number:4} {peer}, {what}: {KNOWN[(peer, what)]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
