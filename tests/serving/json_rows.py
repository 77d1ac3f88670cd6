"""Seeded contracts and rows of JSON that break them in every way, for the server's checks and DuckDB's to agree on."""

from __future__ import annotations

import random as randoms
from typing import Any

WORDS = [
    "",
    "a",
    "abc",
    "ABC-12",
    "äöü",
    "x" * 40,
    "true",
    "TRUE",
    "1",
    "0",
    "1.0",
    "-3",
    "1e3",
    " 7 ",
    "NaN",
    "null",
    "ab\ncd",
    "€",
]
NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    10,
    100,
    1.0,
    1.5,
    -0.0,
    0.1,
    0.3,
    1e3,
    1e-5,
    2.5,
    255,
    256,
    2**53,
    2**53 + 1,
    2**63,
    -(2**63),
    1e20,
    1e300,
]
MOMENTS = [
    *("2024-01-05", "2024-02-30", "2024-1-5", "05/01/2024", "2024-01-05T10:20:30Z", "2024-01-05 10:20", "10:20", "25:00"),
    *(
        "2024-01-05T10:20:30+02:00",
        "1969-12-31",
        "9999-12-31",
        "epoch",
        "infinity",
        "10:20:30.5",
        "2024-01-05T00:00:00",
        "0001-01-01",
    ),
]
OTHERS: list[Any] = [
    True,
    False,
    None,
    [],
    [1, 1.0],
    ["a", "a"],
    ["a", "b"],
    [None, None],
    {},
    {"a": 1},
    {"a": None, "b": "x"},
    [[1], [1]],
]
PATTERNS = ["^a", "[A-Z]{3}-\\d+$", "^.$", "\\w+\\s\\w+", "^(?:true|false)$", "^\\p{L}+$", "(a+)+b"]
FORMS = {
    "date": ["", "", "yyyy-MM-dd", "dd/MM/yyyy"],
    "timestamp": ["", "", "yyyy-MM-dd'T'HH:mm:ssXXX"],
    "time": ["", "HH:mm"],
}
TYPES = ["integer", "number", "string", "boolean", "date", "timestamp", "time", "object", "array", ""]


def value(random: randoms.Random, kind: str) -> Any:
    """A value of this type for the most part."""
    chance = random.random()
    if chance < 0.1:
        return random.choice(OTHERS)
    if chance < 0.2:
        return random.choice([*WORDS, *NUMBERS, *MOMENTS])
    match kind:
        case "integer" | "number":
            return random.choice(NUMBERS)
        case "boolean":
            return random.choice([True, False])
        case "date" | "timestamp" | "time":
            return random.choice(MOMENTS)
        case "object":
            return {key: value(random, "") for key in random.sample("abc", random.randint(0, 3))}
        case "array":
            return [value(random, random.choice(["string", "integer"])) for _ in range(random.randint(0, 4))]
    return random.choice(WORDS)


def column(random: randoms.Random, name: str) -> dict[str, Any]:
    """A column with some of the options of its type."""
    kind = random.choice(TYPES)
    options = {key: each for key, each in _options(random, kind).items() if random.random() < 0.6}
    found: dict[str, Any] = {"name": name, **({"logicalType": kind} if kind else {}), "required": random.random() < 0.3}
    if options:
        found["logicalTypeOptions"] = options
    if random.random() < 0.3 and kind not in ("object", "array"):
        pool = {"integer": NUMBERS, "number": NUMBERS, "boolean": [True, False, "true"]}.get(kind, [*WORDS, *MOMENTS, 1, True])
        found["enum"] = random.sample(pool, min(len(pool), random.randint(1, 8)))
    if random.random() < 0.3:
        rule = {
            "id": f"{name}-valid",
            "metric": "invalidValues",
            "mustBe": 0,
            "arguments": {"validValues": random.sample(WORDS, 4)},
        }
        rule = rule if random.random() < 0.5 else rule | {"arguments": {"pattern": random.choice(PATTERNS)}}
        listed = {"missingValues": random.choice([["", "a"], [0, "1"], [None, True]])}
        found["quality"] = random.choice(
            [[rule], [{"id": f"{name}-m", "metric": "missingValues", "mustBe": 0, "arguments": listed}]]
        )
    if kind == "object" and random.random() < 0.7:
        found["properties"] = [_inner(random, "a"), _inner(random, "b")]
    if kind == "array" and random.random() < 0.7:
        found["items"] = {key: each for key, each in _inner(random, "x").items() if key != "name"}
    return found


def _inner(random: randoms.Random, name: str) -> dict[str, Any]:
    kind = random.choice(["integer", "number", "string", "boolean"])
    options = {key: each for key, each in _options(random, kind).items() if random.random() < 0.5}
    return {"name": name, "logicalType": kind, "required": random.random() < 0.3} | (
        {"logicalTypeOptions": options} if options else {}
    )


def _options(random: randoms.Random, kind: str) -> dict[str, Any]:
    match kind:
        case "integer" | "number":
            low = random.choice([{"minimum": 0}, {"exclusiveMinimum": 0}, {"minimum": -(2**60)}, {"minimum": 0.1}])
            high = random.choice([{"maximum": 100}, {"exclusiveMaximum": 255}, {"maximum": 2**53}, {"exclusiveMaximum": 2**63}])
            form = {"integer": ["i8", "u8", "i64"], "number": ["f32", "f64"]}[kind]
            return {**low, **high, "multipleOf": random.choice([1, 5, 0.1, 2**54]), "format": random.choice(form)}
        case "string":
            form = random.choice(["email", "uuid", "uri", "hostname", "ipv4", "ipv6"])
            return {"minLength": random.choice([1, 3]), "maxLength": 5, "pattern": random.choice(PATTERNS), "format": form}
        case "date":
            return {"minimum": "2000-01-01", "exclusiveMaximum": "2024-01-05", "format": random.choice(FORMS[kind])}
        case "timestamp":
            return {"maximum": "2024-01-05T09:00:00Z", "format": random.choice(FORMS[kind])}
        case "time":
            return {"minimum": "08:00", "format": random.choice(FORMS[kind])}
        case "object":
            return {"minProperties": 1, "maxProperties": 2, "required": ["a"]}
        case "array":
            return {"minItems": 1, "maxItems": 2, "uniqueItems": True}
    return {"maxLength": 4, "multipleOf": 2, "minimum": 0}


def columns(random: randoms.Random) -> list[dict[str, Any]]:
    """Some columns; one has a name with a dot."""
    names = ["a", "b", "c.d", "e"][: random.randint(1, 4)]
    return [column(random, name) for name in names]
