"""Run by the Python of the peers: what datacontract, pandera and frictionless say of each table in a file, as JSON."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

logging.disable(logging.CRITICAL)
_TYPES = {"integer": "Int64", "number": "Float64", "string": "object", "date": "object", "timestamp": "object"}


def datacontract(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The result and the number of each of its checks."""
    from datacontract.data_contract import DataContract

    server = {"server": "local", "type": "local", "path": path, "format": Path(path).suffix[1:]}
    run = DataContract(data_contract_str=json.dumps(document | {"servers": [server]})).test()
    found = json.loads(run.model_dump_json())
    keep = ("type", "field", "qualityId", "result", "reason")
    return {
        "result": found["result"],
        "checks": [
            {key: each[key] for key in keep} | {"value": (each["diagnostics"] or {}).get("value")} for each in found["checks"]
        ],
    }


def series(raw: pd.Series, kind: str) -> pd.Series:
    """The column as values of its type; what is none is missing."""
    if kind in ("integer", "number"):
        values = pd.to_numeric(raw, errors="coerce").astype("float64")
        return values.where(values == values.round()) if kind == "integer" else values
    if kind in ("date", "timestamp"):
        return pd.to_datetime(raw, errors="coerce", format="ISO8601", utc=True)
    if kind == "boolean":
        return raw.map(lambda each: {"true": True, "false": False}.get(str(each).lower()))
    return raw


def pandera(document: dict[str, Any], path: str) -> dict[str, list[int]]:
    """The rows, from 1, that fail each rule, by mlgit's name of the rule."""
    is_text = path.endswith(".csv")
    frame = pd.read_csv(path, dtype=object, encoding="utf-8") if is_text else pd.read_parquet(path, dtype_backend="pyarrow")
    if not is_text:
        frame = frame.astype(object).where(frame.notna(), None)
    table = document["schema"][0]
    found: dict[str, list[int]] = {}
    primary = [each["name"] for each in table["properties"] if each.get("primaryKey")]
    typed = pd.DataFrame(index=frame.index)
    for column in table["properties"]:
        name, kind = column["name"], column["logicalType"]
        if name in frame:
            typed[name] = series(frame[name], kind)
            first = failing(frame[[name]], name, raw_checks(column, frame[name], typed[name], is_text=is_text), required=column)
            # a word that is no value is none of those listed; to a range it is neither right nor wrong
            mixed = typed[[name]].astype(object).where(typed[[name]].notna(), frame[[name]])
            asked = checks(column)
            listed = {rule: check for rule, check in asked.items() if rule.endswith("values")}
            rest = {rule: check for rule, check in asked.items() if rule not in listed}
            for part, some in ((mixed, listed), (typed[[name]], rest)):
                for rule, rows in failing(part, name, some).items():
                    first[rule] = sorted({*first.get(rule, []), *rows})
            found |= first
            if column.get("unique") or (column.get("primaryKey") and len(primary) == 1):
                found |= twice(frame[[name]].assign(**{name: keys(frame[name], typed[name])}), [name], f"{name}.unique")
    if len(primary) > 1 and set(primary) <= set(frame):
        found |= twice(
            pd.DataFrame({each: keys(frame[each], typed[each]) for each in primary}), primary, ".".join((*primary, "unique"))
        )
    for rule in table["quality"]:
        if rule.get("metric") == "duplicateValues":
            names = rule["arguments"]["properties"]
            found |= twice(pd.DataFrame({each: keys(frame[each], typed[each]) for each in names}), names, rule["id"])
    for column in table["properties"]:
        for rule in column.get("quality", []):
            if rule["metric"] == "duplicateValues" and column["name"] in frame:
                name = column["name"]
                found |= twice(pd.DataFrame({name: keys(frame[name], typed[name])}), [name], rule["id"])
    return found


def keys(raw: pd.Series, typed: pd.Series) -> pd.Series:
    """What may not stand there twice: values, or words that are none."""
    return typed.astype(object).where(typed.notna(), raw).map(str).where(raw.notna(), None)


def raw_checks(column: dict[str, Any], raw: pd.Series, typed: pd.Series, *, is_text: bool) -> dict[str, pa.Check]:
    """Whether cells can be read as the type; in a file with types, whether it has that of the column."""
    name, kind = column["name"], column["logicalType"]
    if is_text:
        return {f"{name}.type": pa.Check(lambda values: typed[values.index].notna())}
    is_text_now = raw.map(lambda each: isinstance(each, str))
    return {f"{name}.type": pa.Check(lambda values: is_text_now[values.index] == (kind == "string"))}


def checks(column: dict[str, Any]) -> dict[str, pa.Check]:
    """What the column asks of its values."""
    name, options = column["name"], column.get("logicalTypeOptions", {})
    found: dict[str, pa.Check] = {}
    moment = (lambda each: pd.Timestamp(each, tz="UTC")) if column["logicalType"] == "date" else (lambda each: each)
    makers = {"minimum": pa.Check.ge, "maximum": pa.Check.le, "exclusiveMinimum": pa.Check.gt, "exclusiveMaximum": pa.Check.lt}
    for key, make in makers.items():
        if key in options:
            found[f"{name}.range/{key}"] = make(moment(options[key]))
    if "minLength" in options or "maxLength" in options:
        found[f"{name}.length"] = pa.Check.str_length(options.get("minLength"), options.get("maxLength"))
    if "pattern" in options:
        found[f"{name}.pattern"] = pa.Check.str_contains(options["pattern"])
    if "enum" in column:
        found[f"{name}.values"] = pa.Check.isin([each["value"] for each in column["enum"]])
    for rule in column.get("quality", []):
        arguments = rule.get("arguments", {})
        if rule["metric"] == "invalidValues":
            found[f"{rule['id']}/values"] = pa.Check.isin(arguments["validValues"])
            if "pattern" in arguments:
                found[f"{rule['id']}/pattern"] = pa.Check.str_contains(arguments["pattern"])
        if rule["metric"] == "missingValues":
            found[f"{rule['id']}/words"] = pa.Check.notin([each for each in arguments["missingValues"] if each])
    return found


def failing(
    frame: pd.DataFrame, name: str, wanted: dict[str, pa.Check], required: dict[str, Any] | None = None
) -> dict[str, list[int]]:
    """The rows that fail each check, and those that are missing."""
    found: dict[str, list[int]] = {each.partition("/")[0]: [] for each in wanted}
    for rule, check in wanted.items():
        found[rule.partition("/")[0]] += places(pa.DataFrameSchema({name: pa.Column(None, check, nullable=True)}), frame)
    if required is not None:
        missing = places(pa.DataFrameSchema({name: pa.Column(None, nullable=False)}), frame)
        if required.get("required") or required.get("primaryKey"):
            found[f"{name}.required"] = missing
        for rule in required.get("quality", []):
            if rule["metric"] in ("nullValues", "missingValues"):
                found.setdefault(rule["id"], []).extend(missing)
    return {rule: sorted(set(rows)) for rule, rows in found.items()}


def twice(frame: pd.DataFrame, names: list[str], rule: str) -> dict[str, list[int]]:
    whole = frame[names].dropna()
    return {rule: places(pa.DataFrameSchema(unique=names, report_duplicates="all"), whole)}


def places(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> list[int]:
    """The rows that a schema refuses, from 1."""
    if frame.empty:
        return []
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        if error.failure_cases["index"].isna().any():
            raise
        return sorted({int(each) + 1 for each in error.failure_cases["index"]})
    return []


def frictionless(document: dict[str, Any], path: str, words: list[str]) -> dict[str, list[int]]:
    """The rows, from 1, with a cell that is of another type or beyond its constraints, by mlgit's name of the rule."""
    from frictionless import Checklist, Dialect, Resource, Schema
    from frictionless.formats import CsvControl

    if not path.endswith(".csv"):
        return {}
    told = {"type-error": "type"}
    fields, dropped = [], set()
    header = Path(path).read_text(encoding="utf-8").splitlines()[0].split(",")
    by_name = {each["name"]: each for each in document["schema"][0]["properties"]}
    for name in header:
        column = by_name.get(name, {"logicalType": "string"})
        options = column.get("logicalTypeOptions", {})
        constraints = {key: options[key] for key in ("minimum", "maximum", "minLength", "maxLength") if key in options}
        if column.get("required") or column.get("primaryKey"):
            constraints["required"] = True
        if "enum" in column:
            constraints["enum"] = [each["value"] for each in column["enum"]]
        kind = {"timestamp": "datetime"}.get(column["logicalType"], column["logicalType"])
        form = {"format": "any"} if kind == "datetime" else {}
        more = {"trueValues": ["true"], "falseValues": ["false"]} if kind == "boolean" else {}
        fields.append({"name": name, "type": kind, "constraints": constraints} | form | more)
    schema = Schema.from_descriptor({"fields": fields, "missingValues": words})
    resource = Resource(
        path=Path(path).name, basepath=str(Path(path).parent), schema=schema, dialect=Dialect(controls=[CsvControl()])
    )
    report = resource.validate(Checklist(), limit_errors=100_000)
    found: dict[str, set[int]] = {}
    for task in report.tasks:
        for error in task.errors:
            if error.type == "constraint-error":
                key = next(
                    each
                    for each in ("required", "minimum", "maximum", "minLength", "maxLength", "enum")
                    if f'"{each}"' in error.note
                )
                rule = {
                    "minimum": "range",
                    "maximum": "range",
                    "minLength": "length",
                    "maxLength": "length",
                    "enum": "values",
                }.get(key, key)
            elif error.type in told:
                rule = told[error.type]
            else:
                dropped.add(error.type)
                continue
            found.setdefault(f"{error.field_name}.{rule}", set()).add(error.row_number - 1)
    return {rule: sorted(rows) for rule, rows in found.items()} | ({"?": sorted(dropped)} if dropped else {})


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = []
    for each in asked["pairs"]:
        answer: dict[str, Any] = {}
        for name, call in (
            ("datacontract", lambda each=each: datacontract(each["document"], each["path"])),
            ("pandera", lambda each=each: pandera(each["document"], each["path"])),
            ("frictionless", lambda each=each: frictionless(each["document"], each["path"], asked["words"])),
        ):
            try:
                answer[name] = call()
            except Exception as error:
                import traceback

                answer[name] = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        answers.append(answer)
    print(json.dumps(answers))


main()
