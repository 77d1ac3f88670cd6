"""Pairs of contracts that differ: in one place, or in several."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Collection, Iterable
from typing import Any

Document = dict[str, Any]
Column = dict[str, Any]


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


def pairs(count: int, seed: int, *, alone: Collection[str]) -> list[tuple[str, Document, Document]]:
    """What was changed, and both sides; where several places were, none of `alone` is among them."""
    draw, found = random.Random(seed), []
    while len(found) < count:
        old = contract(draw)
        new = copy.deepcopy(old)
        names = [draw.choice(sorted(CHANGES))]
        if names[0] not in alone and draw.random() < 0.4:
            names += draw.sample([each for each in sorted(CHANGES) if each not in alone], 2)
        done = [each for each in names if CHANGES[each](draw, new)]
        if done:
            sides = (new, old) if draw.random() < 0.4 else (old, new)
            found.append((" + ".join(done), *sides))
    return found
