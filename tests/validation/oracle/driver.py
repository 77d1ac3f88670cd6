"""Run by the Python of datacontract-cli: what it says of each pair of contracts in a file, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    from datacontract.data_contract import DataContract

    answers: list[list[dict[str, Any]]] = []
    for old, new in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        sides = (DataContract(data_contract_str=json.dumps(each)) for each in (old, new))
        found = next(sides).breaking(next(sides))
        answers.append([{"path": each.path, "direction": each.direction and each.direction.value} for each in found.entries])
    print(json.dumps(answers))


main()
