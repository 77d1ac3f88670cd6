"""Other ways to the same numbers, where a look ahead shows that they cost less: exact ones, as all counts are.

Whole numbers that lie close together are told apart by one bit each, and texts of which there are a few are counted once
each, and not held against a list in every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mlgit.validation import predicates
from mlgit.validation.cells import Cell
from mlgit.validation.contract import Contract, ContractCheck

# Tables in files of fewer bytes are read sooner than looked at.
LARGE = 16 << 20
# So many rows are looked at for the texts of a column, and so many different ones are a few.
SAMPLE = 2048
_FEW = 64
# Numbers lie close together where so many bits are there for each, or as many as fit into a megabyte.
_BITS_EACH = 32
_BITS = 8 << 20
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """`spans`: the lowest and highest of columns of whole numbers that lie close together; `few`: columns with a few texts."""

    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    few: frozenset[str] = frozenset()

    def count(
        self, check: ContractCheck, contract: Contract, columns: Mapping[str, Cell], relation: Callable[[str], str]
    ) -> str:
        """How many rows break a check, or how many keys come again; '' where there is no other way.

        It stands in a SELECT of the rows with these columns; `relation` selects one of them by itself.
        """
        cell = columns.get(check.columns[0]) if check.columns else None
        if cell is None:
            return ""
        name = check.columns[0]
        if name in self.spans and is_key(check, columns):
            low, high = (f"CAST({each} AS {cell.type})" for each in self.spans[name])
            return f"count({cell.sql}) - coalesce(bit_count(bitstring_agg({cell.sql}, {low}, {high})), 0)"
        if name in self.few and is_list(check, columns):
            levels = f"SELECT {cell.sql}, count(*) AS often FROM ({relation(name)}) GROUP BY 1"
            # not in a WHERE, by which DuckDB passes over what a file tells has no such texts
            broken = predicates.broken(check, contract, columns)
            return f"(SELECT coalesce(sum(often) FILTER (WHERE {broken}), 0) FROM ({levels}))"
        return ""


def is_key(check: ContractCheck, columns: Mapping[str, Cell]) -> bool:
    """Whether a check is about whole numbers that may not come again."""
    cell = columns.get(check.columns[0]) if len(check.columns) == 1 else None
    return check.kind in ("unique", "duplicates") and cell is not None and cell.storage == "typed" and cell.type in _WHOLE


def is_list(check: ContractCheck, columns: Mapping[str, Cell]) -> bool:
    """Whether a check is about texts that are listed."""
    cell = columns.get(check.columns[0]) if len(check.columns) == 1 else None
    return check.kind == "values" and cell is not None and cell.storage == "typed" and cell.type == "VARCHAR"


def span(cell: Cell) -> str:
    """What a look ahead asks of a column of whole numbers."""
    return f"min({cell.sql}), max({cell.sql}), count({cell.sql})"


def close(asked: Iterable[tuple[str, tuple[int | None, int | None, int]]]) -> dict[str, tuple[int, int]]:
    """The columns whose numbers lie close together, by their lowest, highest and how many there are."""
    return {
        name: (low, high)
        for name, (low, high, known) in asked
        if low is not None and high is not None and high - low < max(_BITS, _BITS_EACH * known)
    }


def few(asked: Iterable[tuple[str, int]]) -> frozenset[str]:
    """The columns with a few texts, by how many different ones a sample has."""
    return frozenset(name for name, distinct in asked if distinct <= _FEW)
