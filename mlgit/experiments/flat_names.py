"""One name for each value of a trial, the same in all trials that are shown together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Files = Mapping[str, Mapping[str, Any]]


class FlatNames:
    """Names of values that stand in files: `KEY`, and `FILE:KEY` where an earlier file has the key too, in whatever trial."""

    def __init__(self, shown: Iterable[Files]) -> None:
        keys: dict[str, dict[str, None]] = {}
        seen: set[tuple[int, ...]] = set()
        for files in shown:
            same = tuple(map(id, files.values()))
            if same not in seen:
                seen.add(same)
                for path, values in files.items():
                    keys.setdefault(path, {}).update(dict.fromkeys(values))
        self._names: dict[str, dict[str, str]] = {}
        taken: set[str] = set()
        for path, names in keys.items():
            self._names[path] = {key: f"{path}:{key}" if key in taken else key for key in names}
            taken.update(names)

    def flat(self, files: Files) -> dict[str, Any]:
        """The values of one trial by these names."""
        return {self._names[path][key]: value for path, values in files.items() for key, value in values.items()}


def meant(values: Mapping[str, Any], name: str) -> Any:
    """The value of this name, else of the only one whose last part is called so; None where there is none."""
    if name in values:
        return values[name]
    called = [value for key, value in values.items() if key.replace(":", ".").rpartition(".")[2] == name]
    return called[0] if len(called) == 1 else None
