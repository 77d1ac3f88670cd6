"""Run by the Python of a peer: `contract_peers.py datacontract|pandera|frictionless CONTRACT DATA`, the same checks as mlgit's.

The contract is JSON; columns ask for a type, to be there, a range, levels, or to be unique.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def datacontract(document: dict[str, Any], path: str) -> bool:
    """What `datacontract test` does."""
    from datacontract.data_contract import DataContract

    server = {"server": "local", "type": "local", "path": path, "format": Path(path).suffix[1:]}
    run = DataContract(data_contract_str=json.dumps(document | {"servers": [server]})).test()
    return all(each.result in ("passed", "warning") for each in run.checks)


def pandera(document: dict[str, Any], path: str) -> bool:
    """A schema of pandera on a frame of pandas."""
    import pandas as pd
    import pandera.pandas as pa

    columns = {}
    for each in document["schema"][0]["properties"]:
        options = each.get("logicalTypeOptions", {})
        checks = [pa.Check.in_range(options["minimum"], options["maximum"])] if options else []
        checks += [pa.Check.isin(rule["arguments"]["validValues"]) for rule in each.get("quality", [])]
        kind = {"integer": "int64", "number": "float64", "timestamp": None}.get(each["logicalType"], object)
        unique, nullable = each.get("unique", False), not each.get("required", False)
        columns[each["name"]] = pa.Column(kind, checks, unique=unique, nullable=nullable, coerce=kind is not None)
    frame = pd.read_parquet(path) if path.endswith("parquet") else pd.read_csv(path, parse_dates=["d"])
    pa.DataFrameSchema(columns).validate(frame, lazy=True)
    return True


def frictionless(document: dict[str, Any], path: str) -> bool:
    """A table schema of frictionless, cell by cell."""
    from frictionless import Resource, Schema

    fields = []
    for each in document["schema"][0]["properties"]:
        constraints = dict(each.get("logicalTypeOptions", {}))
        for rule in each.get("quality", []):
            constraints["enum"] = rule["arguments"]["validValues"]
        constraints |= {key: True for key in ("required", "unique") if each.get(key)}
        kind = {"timestamp": "datetime"}.get(each["logicalType"], each["logicalType"])
        form = {"format": "%Y-%m-%d %H:%M:%S.%f"} if kind == "datetime" else {}
        fields.append({"name": each["name"], "type": kind, "constraints": constraints} | form)
    where = {"path": Path(path).name, "basepath": str(Path(path).parent)}
    return Resource(**where, schema=Schema.from_descriptor({"fields": fields})).validate().valid


def main() -> int:
    """0 where the data keeps the contract."""
    peer, contract, path = sys.argv[1:4]
    call = {"datacontract": datacontract, "pandera": pandera, "frictionless": frictionless}[peer]
    return 0 if call(json.loads(Path(contract).read_text(encoding="utf-8")), path) else 1


if __name__ == "__main__":
    sys.exit(main())
