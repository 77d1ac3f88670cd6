"""Seeded contracts, each with a table that breaks it in none, some or all of the ways there are."""

from __future__ import annotations

import csv
import datetime
import random as randoms
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Column = dict[str, Any]

OPERATORS = {
    "mustBe": 1,
    "mustNotBe": 1,
    "mustBeGreaterThan": 1,
    "mustBeGreaterOrEqualTo": 1,
    "mustBeLessThan": 1,
    "mustBeLessOrEqualTo": 1,
    "mustBeBetween": 2,
    "mustNotBeBetween": 2,
}
_LETTERS = "abcdefgh"
_START = datetime.date(2024, 1, 1)


@dataclass
class Pair:
    """A contract and its table: a value, or None, for each column and row; `faults` are what was done to them."""

    name: str
    document: Document
    form: str
    cells: dict[str, list[Any]]
    faults: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(next(iter(self.cells.values()), []))

    @property
    def is_text(self) -> bool:
        return self.form == "csv"

    def properties(self) -> list[Column]:
        found: list[Column] = self.document["schema"][0]["properties"]
        return found

    def write(self, folder: Path) -> Path:
        """The table as a file."""
        path = folder / f"{self.name}.{self.form}"
        if self.form == "csv":
            with open(path, "w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(self.cells)
                writer.writerows([_text(each) for each in row] for row in zip(*self.cells.values(), strict=True))
            return path
        import pyarrow as pa
        import pyarrow.parquet

        arrays = {name: pa.array(values, _arrow(pa, self, name)) for name, values in self.cells.items()}
        pyarrow.parquet.write_table(pa.table(arrays), path)
        return path


def _arrow(pa: Any, pair: Pair, name: str) -> Any:
    kind = next((each["logicalType"] for each in pair.properties() if each["name"] == name), "string")
    if ("retyped", name) in pair.faults:
        return pa.string()
    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}
    return types.get(kind) or (pa.timestamp("us", "UTC") if kind == "timestamp" else pa.string())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def pairs(number: int, seed: int = 0) -> Iterator[Pair]:
    """So many of them, the same for the same seed."""
    for index in range(number):
        yield numbered(index, seed)


def numbered(index: int, seed: int = 0) -> Pair:
    """One of them."""
    return pair(randoms.Random(f"{seed}/{index}"), f"p{index}")


def pair(random: randoms.Random, name: str) -> Pair:
    """One contract with its table."""
    rows = random.choice([0, 1, 2, 7, 40, 100, 100, 250])
    columns = [_key(random, rows), *(_column(random, f"c{index}") for index in range(random.randint(2, 6)))]
    if columns[0].get("primaryKey") and random.random() < 0.4:
        columns[1] |= {"primaryKey": True}
    found = Pair(name, {}, random.choice(["csv", "parquet"]), {})
    for each in columns:
        found.cells[each["name"]] = each.pop("values") or [each["make"](random) for _ in range(rows)]
        each.pop("make", None)
    found.document = _document(random, columns, rows)
    for _ in range(random.choice([0, 0, 1, 2, 4, 8])):
        random.choice(FAULTS)(random, found)
    return found


def _document(random: randoms.Random, columns: list[Column], rows: int) -> Document:
    names = [each["name"] for each in columns]
    quality = []
    if random.random() < 0.7:
        quality.append(_rule(random, "rows", rows, metric="rowCount"))
    if random.random() < 0.5:
        listed = random.sample(names, 2)
        quality.append(_rule(random, "twice", 3, metric="duplicateValues", arguments={"properties": listed}))
    if random.random() < 0.6:
        query = random.choice(
            [
                f"SELECT COUNT(*) FROM {{object}} WHERE {names[1]} IS NULL",
                f"SELECT COUNT(DISTINCT {names[1]}) FROM {{object}}",
                "SELECT MAX(id) - MIN(id) FROM {object} WHERE id IS NOT NULL HAVING COUNT(*) > 0 UNION ALL SELECT 0 LIMIT 1",
            ]
        )
        quality.append(_rule(random, "query", rows // 2, type="sql", query=query))
    table = {"name": "raw", "logicalType": "object", "properties": columns, "quality": quality}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "raw", "version": "1.0.0", "status": "active"}
    return {**head, "schema": [table]}


def _rule(random: randoms.Random, name: str, near: float, **more: Any) -> dict[str, Any]:
    """A quality rule with some operator, and a limit near to what may be found."""
    operator = random.choice([*OPERATORS, "mustBe", "mustBeLessOrEqualTo", "mustBeLessThan"])
    low = max(0, round(near) + random.choice([-2, -1, 0, 0, 1, 2]))
    value = low if OPERATORS[operator] == 1 else [low, low + random.randint(1, 5)]
    rule = {"id": name, "type": "library", **more, operator: value}
    if random.random() < 0.2:
        rule["severity"] = "warning"
    return rule


def _share(random: randoms.Random, name: str, **more: Any) -> dict[str, Any]:
    """A rule that counts rows, or percent of them."""
    rule = _rule(random, name, random.choice([0, 0, 1, 3, 7]), **more)
    return rule | {"unit": random.choice(["percent", "rows"])} if random.random() < 0.6 else rule


def _key(random: randoms.Random, rows: int) -> Column:
    ids = random.sample(range(1, 10 * rows + 10), rows)
    column: Column = {"name": "id", "logicalType": "integer", "values": ids, "make": None}
    return column | random.choice([{"required": True, "unique": True}, {"primaryKey": True}, {"unique": True}])


def _column(random: randoms.Random, name: str) -> Column:
    kind = random.choice(["integer", "number", "string", "string", "date", "timestamp", "boolean"])
    column: Column = {"name": name, "logicalType": kind, "values": None} | _KINDS[kind](random, name)
    if random.random() < 0.4:
        column["required"] = True
    quality = column.get("quality", [])
    if random.random() < 0.5:
        quality.append(_share(random, f"{name}-nulls", metric="nullValues"))
    if random.random() < 0.2:
        quality.append(_rule(random, f"{name}-twice", 5, metric="duplicateValues"))
    if quality:
        column["quality"] = quality
    if column["make"] is not None and random.random() < 0.4:
        make, share = column["make"], random.choice([0.03, 0.07, 0.5])
        if not column.get("required"):
            column["make"] = lambda random: None if random.random() < share else make(random)
    return column


def _numbers(random: randoms.Random, name: str) -> Column:
    low, high = random.randint(-50, 50), random.randint(100, 200)
    options: dict[str, Any] = {}
    if random.random() < 0.7:
        options[random.choice(["minimum", "minimum", "exclusiveMinimum"])] = low
    if random.random() < 0.7:
        options["maximum" if "exclusiveMinimum" in options else random.choice(["maximum", "exclusiveMaximum"])] = high
    found: Column = {"make": lambda random: random.randint(low + 1, high - 1)}
    if random.random() < 0.3:
        levels = random.sample(range(low + 1, high), 4)
        found["make"] = lambda random: random.choice(levels)
        found["quality"] = [_share(random, f"{name}-valid", metric="invalidValues", arguments={"validValues": levels})]
    return found | ({"logicalTypeOptions": options} if options else {})


def _fractions(random: randoms.Random, name: str) -> Column:
    found = _numbers(random, name)
    found.pop("quality", None)
    make = found["make"]
    found["make"] = lambda random: make(random) + random.choice([0, 0.25, 0.5, -0.125, 0.1])
    return found


def _texts(random: randoms.Random, name: str) -> Column:
    options: dict[str, Any] = {}
    if random.random() < 0.5:
        options["minLength"] = random.randint(1, 3)
    if random.random() < 0.5:
        options["maxLength"] = random.randint(6, 9)
    if random.random() < 0.4:
        options["pattern"] = random.choice(["^[a-h]+$", "^[a-z]", "a|b|c|d", "^[^@]+$", "[a-h]{3}"])
    levels = ["".join(random.choice(_LETTERS) for _ in range(random.randint(3, 6))) for _ in range(random.randint(2, 6))]
    found: Column = {"make": lambda random: random.choice(levels)}
    match random.choice(["enum", "valid", "both", "missing", "", ""]):
        case "enum":
            found["enum"] = [{"value": each} for each in levels]
        case "valid":
            found["quality"] = [_share(random, f"{name}-valid", metric="invalidValues", arguments={"validValues": levels})]
        case "both":
            arguments = {"validValues": levels, "pattern": "^[a-g]"}
            found["quality"] = [_share(random, f"{name}-valid", metric="invalidValues", arguments=arguments)]
        case "missing":
            arguments = {"missingValues": [None, "nothing", levels[0]]}
            found["quality"] = [_share(random, f"{name}-missing", metric="missingValues", arguments=arguments)]
    return found | ({"logicalTypeOptions": options} if options else {})


def _dates(random: randoms.Random, name: str) -> Column:
    found: Column = {"make": lambda random: _START + datetime.timedelta(random.randint(0, 300))}
    if random.random() < 0.6:
        found["logicalTypeOptions"] = {"minimum": "2024-01-01", "maximum": "2024-11-30"}
    return found


def _moments(random: randoms.Random, name: str) -> Column:
    zone = datetime.UTC

    def make(random: randoms.Random) -> datetime.datetime:
        return datetime.datetime(2024, 1, 1, tzinfo=zone) + datetime.timedelta(seconds=random.randint(0, 10**7))

    return {"make": make}


def _flags(random: randoms.Random, name: str) -> Column:
    return {"make": lambda random: random.random() < 0.5}


_KINDS: dict[str, Callable[[randoms.Random, str], Column]] = {
    "integer": _numbers,
    "number": _fractions,
    "string": _texts,
    "date": _dates,
    "timestamp": _moments,
    "boolean": _flags,
}


def _somewhere(random: randoms.Random, found: Pair, kinds: tuple[str, ...] = ()) -> Column | None:
    fit = [each for each in found.properties() if not kinds or each["logicalType"] in kinds]
    fit = [each for each in fit if each["name"] in found.cells and ("retyped", each["name"]) not in found.faults]
    return random.choice(fit) if fit and found.rows else None


def _put(random: randoms.Random, found: Pair, fault: str, column: Column | None, *values: Any) -> None:
    """Values into some rows of a column."""
    if column is None:
        return
    found.faults.append((fault, column["name"]))
    for _ in range(random.choice([1, 1, 2, 5, 20])):
        found.cells[column["name"]][random.randrange(found.rows)] = random.choice(values)


def _missing(random: randoms.Random, found: Pair) -> None:
    _put(random, found, "missing", _somewhere(random, found), None)


def _beyond(random: randoms.Random, found: Pair) -> None:
    column = _somewhere(random, found, ("integer", "number"))
    ends = [each for each in (column or {}).get("logicalTypeOptions", {}).values() if isinstance(each, int)] or [999]
    _put(random, found, "beyond", column, *ends, *(each - 1 for each in ends), *(each + 1 for each in ends), 1000, -1000)


def _late(random: randoms.Random, found: Pair) -> None:
    days = [datetime.date(2023, 12, 31), datetime.date(2024, 1, 1), datetime.date(2024, 11, 30), datetime.date(2024, 12, 1)]
    _put(random, found, "late", _somewhere(random, found, ("date",)), *days)


def _odd(random: randoms.Random, found: Pair) -> None:
    values = ["A", "a@b", "nothing", "Abc", "zebra", "a" * 30, "ü", "häßlich", "x y", 'q"q', "k,k"]
    _put(random, found, "odd", _somewhere(random, found, ("string",)), *values)


def _again(random: randoms.Random, found: Pair) -> None:
    """A value that stands elsewhere in the column, or a row that does."""
    column = _somewhere(random, found)
    if column is None:
        return
    if random.random() < 0.3 and not any(kind in ("wrong", "fraction") for kind, _ in found.faults):
        found.faults.append(("row again", ""))
        row = random.randrange(found.rows)
        for values in found.cells.values():
            values.extend([values[row]] * random.randint(1, 1))
        return
    _put(random, found, "again", column, *found.cells[column["name"]][:3])


def _wrong(random: randoms.Random, found: Pair) -> None:
    """Words where other values belong; only text can hold them."""
    if found.form == "csv":
        column = _somewhere(random, found, ("integer", "number", "date", "timestamp", "boolean"))
        _put(random, found, "wrong", column, "x", "--1", "2024-02-30", "1,5", "yes?")


def _fraction(random: randoms.Random, found: Pair) -> None:
    if found.form == "csv":
        _put(random, found, "fraction", _somewhere(random, found, ("integer",)), "1.5", "-2.25", "1e-3", "999.5", "2.5")


def _word(random: randoms.Random, found: Pair) -> None:
    """What pandas takes for missing too."""
    if found.form == "csv":
        _put(random, found, "word", _somewhere(random, found), "NA", "null", "NaN", "N/A")


def _nan(random: randoms.Random, found: Pair) -> None:
    if found.form == "parquet":
        _put(random, found, "nan", _somewhere(random, found, ("number",)), float("nan"))


def _retyped(random: randoms.Random, found: Pair) -> None:
    """Numbers kept as texts in a file that knows types."""
    column = _somewhere(random, found, ("integer", "number")) if found.form == "parquet" else None
    if column is not None and not any(name == column["name"] for _, name in found.faults):
        found.faults.append(("retyped", column["name"]))
        values = found.cells[column["name"]]
        values[:] = [None if each is None else str(each) for each in values]


def _dropped(random: randoms.Random, found: Pair) -> None:
    """No such column; rules that name it with others go too."""
    column = _somewhere(random, found)
    table = found.document["schema"][0]
    if column is not None and column["name"] != "id" and random.random() < 0.5 and len(found.cells) > 3:
        found.faults.append(("dropped", column["name"]))
        del found.cells[column["name"]]
        table["quality"] = [each for each in table["quality"] if column["name"] not in str(each)]


def _added(random: randoms.Random, found: Pair) -> None:
    found.faults.append(("added", "extra"))
    found.cells["extra"] = ["more"] * found.rows


FAULTS: tuple[Callable[[randoms.Random, Pair], None], ...] = (
    *(_missing, _missing, _beyond, _beyond, _late, _odd, _odd, _again, _again),
    *(_wrong, _fraction, _word, _nan, _retyped, _dropped, _added),
)
