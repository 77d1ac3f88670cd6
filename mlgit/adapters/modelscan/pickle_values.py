"""What stands for names and objects while a pickle is looked through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the unpickler would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]


@dataclass(slots=True, eq=False)
class MadeObject:
    """An object that the unpickler would make, with the state it would be given.

    `maker` is what makes it: a class, or a function with its arguments. `is_closed` says that it has its state, after
    which nothing is done to it in what picklers write. `itemsize` and `has_objects` are what was proven of a NumPy type.
    """

    maker: Global | None
    arguments: tuple[Any, ...] = ()
    state: Any = None
    is_closed: bool = False
    itemsize: int | None = None
    has_objects: bool = False


@dataclass(slots=True, eq=False)
class Pairs:
    """A dict. Only the entries under a literal text are known; `is_plain` says that there are no others, none twice.

    `is_closed`: something was proven by its entries, after which none is set in what picklers write.
    """

    values: dict[str, Any] = field(default_factory=dict)
    is_plain: bool = True
    is_closed: bool = False

    def update(self, flat: list[Any]) -> None:
        """Add alternating keys and values. Raises ValueError for a key without a value."""
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            self.is_plain &= type(key) is str and key not in self.values
            if type(key) is str:
                self.values[key] = value


@dataclass(slots=True, eq=False)
class Items:
    """A list, set or frozenset: what is in it does not matter, for each item was judged where it was made."""

    kind: str
    is_empty: bool = True
