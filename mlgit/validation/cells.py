"""The cells of a column in SQL: which are missing, which are of the wrong type, and what the others are worth.

A text (CSV, TSV) is what it can be read as, a value of JSON or Parquet what its file says. Cells of the wrong type are named by
the check of the type; to checks of numbers and times they are neither right nor wrong, so that one fault is told once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlgit.render.sql import identifier, literal

# From here on, a float is no longer exact.
EXACT = 2**53
_FRACTION = r"\s*[+-]?[0-9]*\.[0-9]*[1-9][0-9]*\s*"
_BOOLEAN = r"\s*(?i:true|false|0|1)\s*"
_SQL = {"date": "DATE", "timestamp": "TIMESTAMPTZ", "time": "TIME", "boolean": "BOOLEAN"}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_FLOATS = ("FLOAT", "DOUBLE")
_JSON_TYPES = {
    "integer": ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"),
    "number": ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"),
    "string": ("VARCHAR",),
    "boolean": ("BOOLEAN",),
    "object": ("OBJECT",),
    "map": ("OBJECT",),
    "array": ("ARRAY",),
    **dict.fromkeys(("date", "timestamp", "time"), ("VARCHAR",)),
}
# Letters of Java's DateTimeFormatter, by which the standard writes times, as those of strptime, with what is written for each.
_TWO, _SHORT, _WORD, _ZONE = "[0-9]{2}", "[0-9]{1,2}", r"\pL+\.?", "(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DATE_PARTS = (
    *(("yyyy", "%Y", "[0-9]{4}"), ("yy", "%y", _TWO), ("MMMM", "%B", _WORD), ("MMM", "%b", _WORD)),
    *(("MM", "%m", _TWO), ("M", "%-m", _SHORT), ("dd", "%d", _TWO), ("d", "%-d", _SHORT)),
    *(
        ("HH", "%H", _TWO),
        ("H", "%-H", _SHORT),
        ("hh", "%I", _TWO),
        ("mm", "%M", _TWO),
        ("m", "%-M", _SHORT),
        ("ss", "%S", _TWO),
    ),
    *(("SSSSSS", "%f", "[0-9]{6}"), ("SSS", "%g", "[0-9]{3}"), ("a", "%p", r"[AaPp]\.?[Mm]\.?")),
    *(("EEEE", "%A", _WORD), ("EEE", "%a", _WORD), *((each, "%z", _ZONE) for each in ("XXX", "XX", "X", "Z"))),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of one row: `sql` gives it, as a text, as JSON, as a value of the type that its file names (`type`), or as the
    number that a text was read as: of that, checks of the type and of numbers can be made, and none that look at the text.
    """

    sql: str
    storage: Literal["text", "json", "typed", "number"]
    type: str = ""

    @property
    def is_float(self) -> bool:
        """Whether its file has it as a float, which may be NaN."""
        return self.storage == "typed" and self.type in _FLOATS

    @property
    def missing(self) -> str:
        """Whether it is missing; NaN is."""
        if self.storage == "json":
            return f"({self.sql} IS NULL OR json_type({self.sql}) = 'NULL')"
        return f"({self.sql} IS NULL OR isnan({self.sql}))" if self.type in _FLOATS else f"({self.sql} IS NULL)"

    @property
    def text(self) -> str:
        """What is shown of it, and what patterns and lengths look at."""
        if self.storage == "text":
            return self.sql
        return f"({self.sql} ->> '$')" if self.storage == "json" else f"CAST({self.sql} AS VARCHAR)"

    def field(self, name: str) -> Cell:
        """What lies in it under a name."""
        if self.storage == "typed":
            if held := _of_map(self.type):
                return Cell(f"map_extract_value({self.sql}, {literal(name)})", "typed", held)
            inner = _struct_fields(self.type).get(name)
            return Cell(f"{self.sql}.{identifier(name)}", "typed", inner or "NONE") if inner else Cell("NULL", "typed", "NONE")
        value = self.sql if self.storage == "json" else f"TRY_CAST({self.sql} AS JSON)"
        return Cell(f"json_extract({value}, {json_pointer(name)})", "json")

    def fields(self) -> tuple[tuple[str, Cell], ...]:
        """What lies in a struct, by name; nothing of other values."""
        return tuple((name, self.field(name)) for name in _struct_fields(self.type))

    def any_item(self, variable: str, predicate: str) -> str:
        """Whether a predicate on `item(variable)` is true of anything in the list."""
        return f"coalesce(len(list_filter({self._list}, lambda {variable}: {predicate})) > 0, false)"

    def item(self, variable: str) -> Cell:
        """What stands in the list, inside `any_item`."""
        is_list = self.storage == "typed" and self.type.endswith("]")
        return Cell(variable, "typed", self.type[: self.type.rindex("[")]) if is_list else Cell(variable, "json")

    @property
    def _list(self) -> str:
        if self.storage == "typed":
            return self.sql
        value = self.sql if self.storage == "json" else f"TRY_CAST({self.sql} AS JSON)"
        return f"CASE WHEN json_type({value}) = 'ARRAY' THEN json_extract({value}, '$[*]') END"

    @property
    def length(self) -> str:
        """How many items it has."""
        return f"len({self._list})"

    @property
    def keys(self) -> str:
        """How many keys it has, as an object or a map."""
        if self.storage == "typed" and self.type != "JSON":
            is_map = self.type.startswith("MAP(") and self.type.endswith(")")
            return f"cardinality({self.sql})" if is_map else str(len(_struct_fields(self.type)))
        value = self.sql if self.storage == "json" else f"TRY_CAST({self.sql} AS JSON)"
        return f"CASE WHEN json_type({value}) = 'OBJECT' THEN len(json_keys({value})) END"

    @property
    def distinct_length(self) -> str:
        """How many different items it has: of numbers in JSON, 1 and 1.0 are one."""
        found = self._list
        if not (self.storage == "typed" and self.type != "JSON"):
            item = Cell("member", "json")
            number, kinds = item.value("number"), ", ".join(map(literal, _JSON_TYPES["number"]))
            alike = (
                f"CASE WHEN json_type(member) IN ({kinds}) AND abs({number}) < {EXACT} THEN CAST({number} + 0.0 AS VARCHAR) "
                "WHEN json_type(member) = 'VARCHAR' THEN CAST(to_json(member ->> '$') AS VARCHAR) "
                "ELSE CAST(member AS VARCHAR) END"
            )
            found = f"list_transform({found}, lambda member: {alike})"
        # what is missing is an item, which list_distinct leaves out
        return f"(len(list_distinct({found})) + CASE WHEN len({found}) > list_count({found}) THEN 1 ELSE 0 END)"

    def wrong(self, kind: str, *, form: str = "") -> str:
        """Whether a value that is there is of another type than `kind`."""
        if self.storage == "json":
            types = ", ".join(literal(each) for each in _JSON_TYPES[kind])
            right = f"json_type({self.sql}) IN ({types})"
            if kind == "integer":
                right += f" AND {_is_whole(self.value('number'))}"
            elif kind in ("date", "timestamp", "time"):
                right += f" AND {_moment(self.text, kind, form)} IS NOT NULL"
            return f"NOT ({right})"
        if self.storage == "typed":
            return self._typed_wrong(kind, form)
        if kind in ("integer", "number"):
            number = self.value("number")
            # DuckDB takes 1_000 for a number; what is infinite has a part behind the point that is no number
            part = f"{number} - floor({number}) <> 0" if kind == "integer" else f"isnan({number})"
            if self.storage == "number":
                return f"({part})"
            if kind == "integer":  # floats as large have no part behind the point
                part += f" OR (abs({number}) >= {EXACT} AND regexp_full_match({self.sql}, {literal(_FRACTION)}))"
            return f"({number} IS NULL OR contains({self.sql}, '_') OR {part})"
        if kind == "boolean":
            return f"NOT regexp_full_match({self.sql}, {literal(_BOOLEAN)})"
        if kind in ("date", "timestamp", "time"):
            return f"{_moment(self.sql, kind, form)} IS NULL"
        if kind in ("object", "map", "array"):
            wanted = "ARRAY" if kind == "array" else "OBJECT"
            return f"coalesce(json_type(TRY_CAST({self.sql} AS JSON)), '') <> '{wanted}'"
        return "false"

    def _typed_wrong(self, kind: str, form: str) -> str:
        base = self.type.partition("(")[0].strip()
        is_list, is_struct, is_map = self.type.endswith("]"), base == "STRUCT" and not self.type.endswith("]"), base == "MAP"
        is_decimal = base == "DECIMAL" and not is_list
        if kind == "integer":
            if is_decimal:
                return f"{self.sql} <> floor({self.sql})"
            if base in _FLOATS:
                return f"NOT {_is_whole(self.sql)}"
            return "false" if self.type in _WHOLE else "true"
        right = {
            "number": self.type in (*_WHOLE, *_FLOATS) or is_decimal,
            "boolean": self.type == "BOOLEAN",
            "string": self.type in ("VARCHAR", "UUID") or (base == "ENUM" and not is_list),
            "date": self.type == "DATE",
            "time": self.type.startswith("TIME") and not self.type.startswith("TIMESTAMP"),
            "timestamp": self.type.startswith("TIMESTAMP") and not is_list,
            "object": is_struct or is_map or self.type == "JSON",
            "map": is_map or is_struct,
            "array": is_list,
        }[kind]
        if not right and kind in ("date", "timestamp", "time") and self.type == "VARCHAR":
            return f"{_moment(self.sql, kind, form)} IS NULL"
        return "false" if right else "true"

    def value(self, kind: str, *, form: str = "") -> str:
        """Its value as `kind`; NULL where it is missing or of another type."""
        if kind in ("integer", "number"):
            if self.storage == "number":
                return self.sql
            if self.storage == "typed":
                number = f"CAST({self.sql} AS DOUBLE)" if self.type in (*_WHOLE, *_FLOATS) or "DECIMAL" in self.type else "NULL"
                return number if self.type not in _FLOATS else f"CASE WHEN NOT isnan({self.sql}) THEN {number} END"
            kinds = ", ".join(literal(each) for each in _JSON_TYPES["number"])
            number = f"TRY_CAST({self.text} AS DOUBLE)"
            if self.storage == "json":
                return f"CASE WHEN json_type({self.sql}) IN ({kinds}) THEN {number} END"
            return number
        if kind in _SQL:
            if self.storage == "typed" and self.type != "VARCHAR":
                return f"TRY_CAST({self.sql} AS {_SQL[kind]})"
            return f"TRY_CAST({self.text} AS BOOLEAN)" if kind == "boolean" else _moment(self.text, kind, form)
        return self.text if kind in ("string", "") else self.sql

    @property
    def whole(self) -> str:
        """The whole number that it is, or is rounded to, by all its digits; NULL where HUGEINT has not as many."""
        if self.storage == "typed":
            is_number = self.type in (*_WHOLE, *_FLOATS) or (self.type.startswith("DECIMAL(") and self.type.endswith(")"))
            return f"TRY_CAST({self.sql} AS HUGEINT)" if is_number else "CAST(NULL AS HUGEINT)"
        whole = f"TRY_CAST({self.text} AS HUGEINT)"
        if self.storage == "json":
            return f"CASE WHEN json_type({self.sql}) IN ({', '.join(map(literal, _JSON_TYPES['number']))}) THEN {whole} END"
        return whole

    def column(self, kind: str) -> str:
        """Its value for a query of the contract's author."""
        if self.storage == "typed":
            return self.sql
        whole = f"TRY_CAST({self.text} AS HUGEINT)"
        return whole if kind == "integer" else self.value(kind) if kind in (*_SQL, "number", "string", "") else self.sql


def json_pointer(name: str) -> str:
    """Where a key of an object is, as SQL writes it."""
    return literal("/" + name.replace("~", "~0").replace("/", "~1"))


def _is_whole(number: str) -> str:
    """Whether a number has no part behind the point; an infinite one has no whole value."""
    return f"(isfinite(CAST({number} AS DOUBLE)) AND CAST({number} AS DOUBLE) = floor(CAST({number} AS DOUBLE)))"


def _moment(text: str, kind: str, form: str) -> str:
    """A text as a date, time or moment. Without a declared form it is read as ISO 8601 writes it; a date has no time of day."""
    # words such as Infinity and epoch are moments to DuckDB, whatever the form
    start = f"ltrim({text}, ' -+\t\n\r\v\f')"
    if form:
        written = _strptime(form)
        # of zones, strptime knows those with digits only
        plain = f"regexp_replace({text}, '[Zz]\\s*$', '+00')" if "%z" in written else text
        found = f"try_strptime({plain}, {literal(written)})"
        is_word = f"regexp_matches({start}, '^(?i:inf|epoch)')"
        # strptime takes 26 for a year of four digits, and 1 for 01
        is_so = f"regexp_full_match({text}, {literal(_shape(form))})"
        return f"CASE WHEN NOT {is_word} AND {is_so} THEN CAST({found} AS {_SQL[kind]}) END"
    if kind == "date":
        return f"CASE WHEN regexp_full_match({text}, {literal(_DATE)}) THEN TRY_CAST({text} AS DATE) END"
    if kind == "time":
        return f"CASE WHEN regexp_full_match({text}, {literal(_TIME)}) THEN TRY_CAST(rtrim({text}, 'Z') AS TIME) END"
    return f"CASE WHEN {start} < ':' THEN TRY_CAST({text} AS TIMESTAMPTZ) END"


_DATE = r"\s*[0-9]{4,5}-[0-9]{1,2}-[0-9]{1,2}([ T]00:00(:00(\.0*)?)?)?\s*"
_TIME = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z?"


def _strptime(form: str) -> str:
    """A form of Java's DateTimeFormatter in the letters of strptime."""
    return "".join(part[1] if part else text.replace("%", "%%") for text, part in date_parts(form))


def _shape(form: str) -> str:
    """A regular expression of what is written in a form of Java's DateTimeFormatter."""
    return r"\s*" + "".join(part[2] if part else re.escape(text) for text, part in date_parts(form)) + r"\s*"


def date_parts(form: str) -> Iterator[tuple[str, tuple[str, str, str] | None]]:
    """Each piece of a form, with what it stands for; what stands in single quotes is text."""
    place = 0
    while place < len(form):
        if form[place] == "'":
            end = form.find("'", place + 1)
            end = len(form) if end < 0 else end
            yield form[place + 1 : end] or "'", None
            place = end + 1
            continue
        part = next((part for part in _DATE_PARTS if form.startswith(part[0], place)), None)
        yield form[place], part
        place += len(part[0]) if part else 1


def _of_map(kind: str) -> str:
    """The type of what lies in `MAP(VARCHAR, INTEGER)` under a name; '' for what is no map with names."""
    if not (kind.startswith("MAP(") and kind.endswith(")")):
        return ""
    key, *held = _split(kind.removeprefix("MAP(").removesuffix(")"))
    return held[0] if key == "VARCHAR" and len(held) == 1 else ""


def _struct_fields(kind: str) -> dict[str, str]:
    """The fields of `STRUCT(a INTEGER, "b c" VARCHAR)` and their types."""
    if not (kind.startswith("STRUCT(") and kind.endswith(")")):
        return {}
    found: dict[str, str] = {}
    for each in _split(kind.removeprefix("STRUCT(").removesuffix(")")):
        if each.startswith('"'):
            end = 1
            while each[end] != '"' or each[end + 1 : end + 2] == '"':
                end += 2 if each[end] == '"' else 1
            found[each[1:end].replace('""', '"')] = each[end + 1 :].strip()
        else:
            name, _, inner = each.partition(" ")
            found[name] = inner.strip()
    return found


def _split(fields: str) -> list[str]:
    """At commas that stand in no brackets and no quotes."""
    found, depth, quoted, start = [], 0, False, 0
    for place, char in enumerate(fields):
        quoted ^= char == '"'
        depth += 0 if quoted else (char in "([") - (char in ")]")
        if char == "," and not depth and not quoted:
            found.append(fields[start:place].strip())
            start = place + 1
    return [*found, fields[start:].strip()]
