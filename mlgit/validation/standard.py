"""The keys of the Open Data Contract Standard, as tables that check a file: what stands where, and what mlgit reads of it.

Versions 3.0.0 to 3.2.0 are read: keys that only one of them has are allowed in all.
"""

from __future__ import annotations

from mlgit.schema import Anything, Boolean, Either, Integer, Key, ListOf, MapOf, Nothing, Number, Schema, Table, Text
from mlgit.validation.contract import OPERATORS

TYPES = ("string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean", "map")
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
# What each of them looks at under `arguments`.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "nullValues": ("missingValues",),
    "missingValues": ("missingValues",),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",),
    "rowCount": (),
}
# The names that version 3.0 had for some of them, under `rule`.
FORMER_METRICS = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "validValues": "invalidValues"}

_ANY = Anything()
_BOOL = Either((Boolean(), Nothing()))
_TEXT = Either((Text(), Nothing()))
_SCALAR = Either((Text(), Number(), Boolean(), Nothing()))
_BOUND = Either((Number(), Text(), Boolean()))


def _told(*names: str) -> tuple[Key, ...]:
    """Keys for people and other tools, of which mlgit reads nothing."""
    return tuple(Key(name, _ANY, "for people and other tools") for name in names)


_OPTIONS = Table(
    (
        *(Key(name, _BOUND, "a bound") for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
        Key("multipleOf", Number(), "values are multiples of this number"),
        *(
            Key(name, Integer(minimum=0), "a bound of lengths")
            for name in ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
        ),
        Key("uniqueItems", Boolean(), "whether a list may hold no value twice"),
        Key("pattern", Text(), "a regular expression that is found in every value"),
        Key("format", Text(), "how a value is written"),
        Key("required", ListOf(Text()), "the properties that an object must have"),
        Key("timezone", Boolean(), "whether a time names its zone"),
        Key("defaultTimezone", Text(), "the zone of times that name none"),
    )
)

_CUSTOM = ListOf(
    Table(
        (
            Key("property", Text(), "its name", required=True),
            Key("value", _ANY, "its value"),
            *_told("id", "description", "vendor"),
        )
    )
)

QUALITY = Table(
    (
        Key("id", _TEXT, "a name of its own"),
        Key("name", _TEXT, "a name for people"),
        Key("type", Text(choices=("text", "library", "sql", "custom")), "the kind of rule, default library"),
        Key("metric", Text(), "what is counted: " + ", ".join(METRICS)),
        Key("rule", Text(), "the metric, as version 3.0 names it"),
        Key("arguments", Either((MapOf(_ANY), Nothing())), "what the metric needs"),
        Key("validValues", ListOf(_SCALAR), "the values that are valid, as version 3.0 names them"),
        Key("query", Text(), "a SELECT that gives one number"),
        *(
            Key(name, ListOf(Number()) if name.endswith("Between") else _SCALAR, "what the number is held against")
            for name in OPERATORS
        ),
        Key("unit", Text(choices=("rows", "percent")), "rows, or percent of all rows"),
        Key("severity", _TEXT, "warning or info: a failure is a warning"),
        Key("customProperties", Either((_CUSTOM, Nothing())), "facts of one's own"),
        *_told(
            "authoritativeDefinitions", "businessImpact", "description", "dimension", "method", "schedule", "scheduler", "tags"
        ),
        *_told("engine", "implementation", "column", "toolName", "toolRuleName", "template"),
    )
)

_ELEMENT = _told("id", "businessName", "description", "deprecated", "synonyms", "authoritativeDefinitions", "tags")


def _property(depth: int) -> Table:
    """A column; those that lie in it are looked at as deep as tables nest."""
    inner: Schema = _property(depth - 1) if depth else _ANY
    return Table(
        (
            # what stands in a list needs no name
            Key("name", Text(), "its name"),
            Key("physicalName", _TEXT, "its name in the data, where that is another"),
            Key("logicalType", Text(choices=TYPES), "its type: " + ", ".join(TYPES)),
            Key("physicalType", _TEXT, "its type in the store it comes from"),
            Key("logicalTypeOptions", Either((_OPTIONS, Nothing())), "bounds of its values"),
            *(Key(name, _BOOL, "true or false") for name in ("required", "unique", "primaryKey", "criticalDataElement")),
            Key("classification", _TEXT, "who may see its values; of any but public none is ever shown"),
            Key("enum", ListOf(Either((MapOf(_ANY), Text(), Number(), Boolean()))), "the values it may have"),
            Key("quality", Either((ListOf(QUALITY), Nothing())), "rules for it"),
            Key("properties", Either((ListOf(inner), Nothing())), "the columns that lie in it"),
            Key("items", inner, "what stands in each of its lists"),
            Key("customProperties", Either((_CUSTOM, Nothing())), "facts of one's own"),
            *_ELEMENT,
            *_told(
                "primaryKeyPosition", "semanticType", "partitioned", "partitionKeyPosition", "encryptedName", "map", "examples"
            ),
            *_told("transformSourceObjects", "transformLogic", "transformDescription", "relationships", "context"),
        )
    )


COLUMN = _property(4)

_OBJECT = Table(
    (
        Key("name", Text(), "the name of the table", required=True),
        Key("physicalName", _TEXT, "its name in the store it comes from"),
        Key("logicalType", Text(choices=("object",)), "object"),
        Key("properties", Either((ListOf(COLUMN), Nothing())), "its columns"),
        Key("quality", Either((ListOf(QUALITY), Nothing())), "rules for the table"),
        Key("customProperties", Either((_CUSTOM, Nothing())), "facts of one's own"),
        *_ELEMENT,
        *_told("physicalType", "dataGranularityDescription", "relationships", "context"),
    )
)

_SLA = Table(
    (
        Key("property", Text(), "what is promised: latency or freshness", required=True),
        Key("value", _SCALAR, "how much of it", required=True),
        Key("unit", _TEXT, "d, h, m, s and the like"),
        Key("element", _TEXT, "TABLE.COLUMN with the time of a row"),
        *_told(
            "id", "valueExt", "driver", "description", "scheduler", "schedule", "customProperties", "authoritativeDefinitions"
        ),
    )
)

SCHEMA = Table(
    (
        Key("apiVersion", Text(pattern=r"v3\.[012]\.\d+"), "the version of the standard, such as v3.1.0", required=True),
        Key("kind", Text(choices=("DataContract",)), "DataContract", required=True),
        Key("id", Text(), "a name of its own", required=True),
        Key("version", Text(), "its version, such as '1.0.0'", required=True),
        Key("status", _TEXT, "proposed, draft, active, deprecated or retired"),
        Key("schema", ListOf(_OBJECT), "one table, with its columns"),
        Key("slaProperties", Either((ListOf(_SLA), Nothing())), "promises, such as how fresh the data is"),
        Key("slaDefaultElement", _TEXT, "the column with the time of a row"),
        Key("customProperties", Either((_CUSTOM, Nothing())), "facts of one's own"),
        *_told(
            "name", "tenant", "tags", "servers", "dataProduct", "description", "domain", "context", "support", "price", "team"
        ),
        *_told("roles", "authoritativeDefinitions", "contractCreatedTs", "relationships"),
    )
)
