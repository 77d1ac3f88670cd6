"""Changed contracts against `datacontract breaking`: `python -m tests.validation.oracle.job PYTHON [PAIRS] [SEED]`.

PYTHON is that of an environment with datacontract-cli 1.2.8. Each pair differs in one place, or in several. For each column,
and for the table, both have to see the same directions; `undetermined` is both. Where they differ, KNOWN says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from mlgit.validation import evolution
from mlgit.validation.directions import Direction, joined
from mlgit.validation.parse import parse
from tests.validation.oracle.pairs import Document, pairs

# What is changed -> why mlgit sees it otherwise.
KNOWN = {
    "number type": "every integer is a number: of two types that change it says both, mlgit which way",
    "multipleOf": "it does not look at multipleOf, which mlgit checks",
    "format": "it does not look at format, which mlgit checks",
    "count below": "mlgit knows that no fewer than 0 rows are counted, and no more than 100 % of them",
    "other words": "mlgit sees that `enum` and `invalidValues` ask the same, as `required` and no nullValues do",
    "key of two": "it says both of each column of such a key; mlgit, that all of them are required, and unique together",
}


def own(old: Document, new: Document) -> dict[str, Direction]:
    """The directions by the name of the column, '' for the table."""
    sides = parse(old, name="old"), parse(new, name="new")
    names = {each.path: each.name for side in sides for each in side.columns}
    seen: dict[str, list[Direction]] = {}
    for each in evolution.compare(*sides):
        seen.setdefault(names.get(each.column, each.column), []).append(each.direction)
    return _tested({name.replace("[]", ""): joined(each) for name, each in seen.items()})


def theirs(entries: list[dict[str, str | None]]) -> dict[str, Direction]:
    """The same of `datacontract breaking`."""
    seen: dict[str, list[Direction]] = {}
    for each in entries:
        path, direction = str(each["path"]), each["direction"]
        parts = path.split(".properties.")[1:]
        name = ".".join(part.split(".")[0] for part in parts)
        if path.startswith("slaProperties"):
            name = "ts"
        known: dict[str, Direction] = {"tightens": "tightens", "loosens": "loosens", "both": "both", "undetermined": "both"}
        seen.setdefault(name, []).append(known.get(str(direction), "untested"))
    return _tested({name: joined(each) for name, each in seen.items()})


def _tested(found: dict[str, Direction]) -> dict[str, Direction]:
    return {name: each for name, each in found.items() if each != "untested"}


def main() -> int:
    """Compare, and say how many agree."""
    python, count, seed = sys.argv[1], int(sys.argv[2] if sys.argv[2:] else 400), int(sys.argv[3] if sys.argv[3:] else 0)
    asked = pairs(count, seed, alone=KNOWN)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.json"
        file.write_text(json.dumps([each[1:] for each in asked]), encoding="utf-8")
        done = subprocess.run([python, Path(__file__).with_name("driver.py"), file], capture_output=True, text=True)
    if done.returncode:
        print(done.stderr)
        return 2
    answers = json.loads(done.stdout.splitlines()[-1])
    agreed, known, wrong = Counter[str](), Counter[str](), 0
    for (what, old, new), entries in zip(asked, answers, strict=True):
        ours, others = own(old, new), theirs(entries)
        if ours == others:
            agreed[what.split(" + ")[0]] += 1
        elif what in KNOWN:
            known[what] += 1
        else:
            wrong += 1
            print(f"{what}: mlgit {ours}, datacontract {others}\n  {json.dumps(old)}\n  {json.dumps(new)}\n  {entries}")
    print(f"{sum(agreed.values())} of {count} pairs have the same directions, {sum(known.values())} others for known reasons:")
    for what, number in known.items():
        print(f"  {number:4} {what}: {KNOWN[what]}")
    print(f"{wrong} differ otherwise")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
