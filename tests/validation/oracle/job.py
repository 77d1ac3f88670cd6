"""Changed contracts against `datacontract breaking`: `python -m tests.validation.oracle.job PYTHON [PAIRS] [SEED]`.

PYTHON is that of an environment with datacontract-cli 1.2.8. Each pair differs in one place, or in several. For each column,
and for the table, both have to see the same directions; `undetermined` is both. Where they differ, KNOWN says why.
"""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mlgit.validation import evolution
from mlgit.validation.directions import Direction, joined
from mlgit.validation.parse import parse

Document = dict[str, Any]
Column = dict[str, Any]

# What is changed -> why mlgit sees it otherwise.
KNOWN = {
    "number type": "every integer is a number: of two types that change it says both, mlgit which way",
    "multipleOf": "it does not look at multipleOf, which mlgit checks",
    "format": "it does not look at format, which mlgit checks",
    "count below": "mlgit knows that no fewer than 0 rows are counted, and no more than 100 % of them",
    "other words": "mlgit sees that `enum` and `invalidValues` ask the same, as `required` and no nullValues do",
    "key of two": "it says both of each column of such a key; mlgit, that all of them are required, and unique together",
}


def column(random: random.Random, name: str) -> Column:
    """Some column."""
    kind = random.choice(["integer", "number", "string", "date", "array", "string"])
    found: Column = {"name": name, "logicalType": kind}
    for key in ("required", "unique"):
        if random.random() < 0.3:
            found[key] = True
    options: dict[str, Any] = {}
    if kind in ("integer", "number"):
        options = {random.choice(["minimum", "exclusiveMinimum"]): random.randint(0, 5), "maximum": random.randint(50, 99)}
    elif kind == "date":
        options = {"minimum": f"20{random.randint(10, 20)}-01-01"}
    elif kind == "string":
        options = {"minLength": random.randint(1, 3), "maxLength": random.randint(10, 20)}
        options |= {"pattern": "^[a-z]+$"} if random.random() < 0.4 else {}
    elif kind == "array":
        options = {"minItems": 1, "maxItems": random.randint(5, 9)}
        found["items"] = {"name": "item", "logicalType": "string"}
    if options and random.random() < 0.8:
        found["logicalTypeOptions"] = options
    if kind == "string" and random.random() < 0.5:
        values = random.sample("abcdefgh", 3)
        found["quality"] = [{"name": f"{name}-valid", **_valid(values)}]
    if kind == "integer" and random.random() < 0.5:
        found["quality"] = [{"name": f"{name}-nulls", "type": "library", "metric": "nullValues", "mustBeLessThan": 7}]
    return found


def _valid(values: list[str]) -> dict[str, Any]:
    return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}


def contract(random: random.Random) -> Document:
    """Some contract."""
    columns = [column(random, f"c{index}") for index in range(random.randint(3, 6))]
    columns.append({"name": "o", "logicalType": "object", "properties": [column(random, "x"), column(random, "y")]})
    columns.append({"name": "ts", "logicalType": "date"})
    quality: list[dict[str, Any]] = [
        {"name": "rows", "type": "library", "metric": "rowCount", "mustBeGreaterOrEqualTo": random.randint(10, 1000)},
        {"name": "sql", "type": "sql", "query": "SELECT COUNT(*) FROM raw WHERE c0 = 'a'", "mustBe": 0},
    ]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "raw",
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": "raw", "logicalType": "object", "properties": columns, "quality": quality}],
        "slaProperties": [{"property": "freshness", "value": random.randint(2, 9), "unit": "d", "element": "raw.ts"}],
    }


def _any(random: random.Random, found: Document, kinds: Iterable[str] = ()) -> Column | None:
    table = found["schema"][0]["properties"]
    every = [*table, *(inner for each in table for inner in each.get("properties", []))]
    fit = [each for each in every if not kinds or each["logicalType"] in kinds]
    return random.choice(fit) if fit else None


def _flag(key: str) -> Callable[[random.Random, Document], bool]:
    def change(random: random.Random, found: Document) -> bool:
        each = _any(random, found, ("integer", "number", "string"))
        if each is None:
            return False
        each[key] = not each.get(key, False)
        return True

    return change


def _type(kinds: tuple[str, ...], to: tuple[str, ...]) -> Callable[[random.Random, Document], bool]:
    def change(random: random.Random, found: Document) -> bool:
        each = _any(random, found, kinds)
        if each is None:
            return False
        for key in ("logicalTypeOptions", "quality", "items"):
            each.pop(key, None)
        each["logicalType"] = random.choice([kind for kind in to if kind != each["logicalType"]])
        return True

    return change


def _physical(random: random.Random, found: Document) -> bool:
    each = _any(random, found, ("integer", "number", "string"))
    if each is None:
        return False
    key = random.choice(["physicalType", "physicalName"])
    each[key] = f"{each['name']}_{random.randint(1, 9)}"
    return True


def _option(random: random.Random, found: Document) -> bool:
    each = _any(random, found, ("integer", "number", "string", "date", "array"))
    if each is None:
        return False
    options = each.setdefault("logicalTypeOptions", {})
    numbers = [key for key, value in options.items() if isinstance(value, int)]
    match random.choice(["move", "drop", "add"]):
        case "move" if numbers:
            options[random.choice(numbers)] += random.choice([-1, 1])
        case "drop" if options:
            options.pop(random.choice(sorted(options)))
        case _:
            new = {
                "string": {"pattern": "^[a-z]*$", "maxLength": 30, "minLength": 2},
                "date": {"maximum": "2030-01-01", "minimum": "2009-01-01"},
                "array": {"minItems": 2, "maxItems": 20, "uniqueItems": True},
            }.get(each["logicalType"], {"minimum": 2, "maximum": 40})
            key = random.choice(sorted(new))
            options[key] = new[key]
    return True


def _bound(random: random.Random, found: Document) -> bool:
    """An end that is included becomes one that is not, or the other way."""
    each = _any(random, found, ("integer", "number", "date"))
    options = each.get("logicalTypeOptions", {}) if each else {}
    for end in ("minimum", "maximum"):
        other = f"exclusive{end.capitalize()}"
        for key, to in ((end, other), (other, end)):
            if key in options and random.random() < 0.6:
                value = options.pop(key)
                options[to] = value + random.choice([-1, 0, 1]) if isinstance(value, int) else value
                return True
    return False


def _levels(random: random.Random, found: Document) -> bool:
    rule = _rule(random, found, "invalidValues")
    if rule is None:
        return False
    values = rule["arguments"]["validValues"]
    match random.choice(["add", "drop", "order"]):
        case "add":
            values.append("z")
        case "drop":
            values.pop()
        case _:
            values.reverse()
    return True


def _rule(random: random.Random, found: Document, metric: str) -> dict[str, Any] | None:
    rules = [rule for each in found["schema"][0]["properties"] for rule in each.get("quality", []) if rule["metric"] == metric]
    return random.choice(rules) if rules else None


def _limit(random: random.Random, found: Document) -> bool:
    rule = found["schema"][0]["quality"][0]
    rule.pop("mustBeGreaterOrEqualTo", None)
    operator = random.choice(["mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBe", "mustBeBetween"])
    value = random.randint(5, 900)
    rule[operator] = [value, value + random.randint(5, 500)] if operator == "mustBeBetween" else value
    return True


def _nulls(random: random.Random, found: Document) -> bool:
    rule = _rule(random, found, "nullValues")
    if rule is None:
        return False
    if random.random() < 0.4:
        rule["unit"] = "percent"
    else:
        rule["mustBeLessThan"] = random.randint(1, 12)
    return True


def _severity(random: random.Random, found: Document) -> bool:
    random.choice(found["schema"][0]["quality"])["severity"] = "warning"
    return True


def _rules(random: random.Random, found: Document) -> bool:
    quality = found["schema"][0]["quality"]
    if random.random() < 0.5:
        quality.pop(random.randrange(len(quality)))
    else:
        told = {"severity": "warning"} if random.random() < 0.3 else {}
        quality.append({"name": "more", "type": "sql", "query": "SELECT 0", "mustBe": 0, **told})
    return True


def _query(random: random.Random, found: Document) -> bool:
    for rule in found["schema"][0]["quality"]:
        if "query" in rule:
            rule["query"] += " AND c1 = 'b'"
            return True
    return False


def _columns(random: random.Random, found: Document) -> bool:
    columns = found["schema"][0]["properties"]
    where = random.choice([columns, columns[-2].get("properties", columns)])
    if random.random() < 0.5 and len(where) > 1 and where[-1]["name"] != "ts":
        where.pop(random.randrange(len(where)))
    else:
        where.insert(0, column(random, "fresh"))
    return True


def _enum(random: random.Random, found: Document) -> bool:
    each = _any(random, found, ("string",))
    if each is None:
        return False
    if "quality" in each:
        return False
    each["enum"] = [{"value": value} for value in random.sample("abcd", 3)]
    return True


def _freshness(random: random.Random, found: Document) -> bool:
    sla = found["slaProperties"][0]
    sla["value"], sla["unit"] = random.choice([(sla["value"] * 24, "h"), (1, "d"), (10, "d"), (sla["value"], "h")])
    return True


def _prose(random: random.Random, found: Document) -> bool:
    found["tags"] = ["new"]
    columns = found["schema"][0]["properties"]
    random.shuffle(columns)
    columns[0]["description"] = "told"
    return True


def _key(count: int) -> Callable[[random.Random, Document], bool]:
    """Columns of which nothing was asked become the key."""

    def change(random: random.Random, found: Document) -> bool:
        free = [
            each
            for each in found["schema"][0]["properties"]
            if each["logicalType"] in ("integer", "string") and not {"required", "unique", "quality"} & each.keys()
        ]
        for each in free[:count]:
            each["primaryKey"] = True
        return len(free) >= count

    return change


def _other_words(random: random.Random, found: Document) -> bool:
    rule = _rule(random, found, "invalidValues")
    if rule is None:
        return False
    for each in found["schema"][0]["properties"]:
        if rule in each.get("quality", []):
            del each["quality"]
            each["enum"] = [{"value": value} for value in rule["arguments"]["validValues"]]
    return True


def _set(name: str, key: str, value: Any, kinds: tuple[str, ...]) -> Callable[[random.Random, Document], bool]:
    def change(random: random.Random, found: Document) -> bool:
        each = _any(random, found, kinds)
        if each is None:
            return False
        each.setdefault("logicalTypeOptions", {})[key] = value
        return True

    return change


def _below(random: random.Random, found: Document) -> bool:
    rule = _rule(random, found, "nullValues")
    if rule is None:
        return False
    del rule["mustBeLessThan"]
    rule["mustBe"] = 0
    return True


CHANGES: dict[str, Callable[[random.Random, Document], bool]] = {
    "required": _flag("required"),
    "unique": _flag("unique"),
    "type": _type(("string", "date"), ("string", "date", "integer", "boolean")),
    "physical": _physical,
    "option": _option,
    "bound": _bound,
    "levels": _levels,
    "limit": _limit,
    "nulls": _nulls,
    "severity": _severity,
    "rules": _rules,
    "query": _query,
    "columns": _columns,
    "enum": _enum,
    "freshness": _freshness,
    "prose": _prose,
    "key": _key(1),
    "key of two": _key(2),
    "other words": _other_words,
    "number type": _type(("integer", "number"), ("integer", "number")),
    "multipleOf": _set("multipleOf", "multipleOf", 2, ("integer",)),
    "format": _set("format", "format", "email", ("string",)),
    "count below": _below,
}


def pairs(count: int, seed: int) -> list[tuple[str, Document, Document]]:
    """What was changed, and both sides; where several places were, it is one of those that both have to see alike."""
    draw, found = random.Random(seed), []
    while len(found) < count:
        old = contract(draw)
        new = copy.deepcopy(old)
        names = [draw.choice(sorted(CHANGES))]
        if names[0] not in KNOWN and draw.random() < 0.4:
            names += draw.sample([each for each in sorted(CHANGES) if each not in KNOWN], 2)
        done = [each for each in names if CHANGES[each](draw, new)]
        if done:
            sides = (new, old) if draw.random() < 0.4 else (old, new)
            found.append((" + ".join(done), *sides))
    return found


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
    asked = pairs(count, seed)
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
