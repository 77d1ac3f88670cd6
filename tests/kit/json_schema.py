"""`make schema`: prints the JSON Schema of mlgit.yaml as it ships in the package."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlgit.config import document_schema

SHIPPED = Path(__file__).parents[2] / "mlgit" / "mlgit.schema.json"


def text() -> str:
    """The file's text."""
    return json.dumps(document_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
