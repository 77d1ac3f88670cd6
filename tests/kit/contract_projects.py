"""A project whose data has a contract."""

from __future__ import annotations

from pathlib import Path

from tests.kit.repositories import repository

PATH, FILE = "data/raw.csv", "schemas/raw.odcs.yaml"
CONFIG = f"mlgit: 1\ndata: {{{PATH}: {FILE}}}\n"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: raw
version: 1.0.0
schema:
  - name: raw
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: age, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 120}}
      - {name: plan, logicalType: string, classification: restricted, enum: [alpha, beta]}
"""
# The same, of which something is changed.
LOOSER = CONTRACT.replace("maximum: 120", "maximum: 150")
TIGHTER = CONTRACT.replace("maximum: 120", "maximum: 100")


def table(*, oldest: int = 90) -> str:
    """Data that keeps the contract, unless somebody is too old."""
    return "id,age,plan\n" + "".join(f"{each},{each},alpha\n" for each in range(1, 50)) + f"50,{oldest},beta\n"


def project(folder: Path, *, config: str = CONFIG, contract: str | None = CONTRACT, data: str | None = None) -> Path:
    """A repository with one commit."""
    files = {"mlgit.yaml": config, PATH: table() if data is None else data}
    return repository(folder, files if contract is None else {**files, FILE: contract})
