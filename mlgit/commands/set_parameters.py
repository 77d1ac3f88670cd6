"""Writes parameters into the parameter files of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project
from mlgit.adapters.formats import edits
from mlgit.adapters.system import files
from mlgit.errors import MlgitError


@dataclass(frozen=True, slots=True)
class ParameterSetting:
    """A parameter that was asked for: its value in the file before and now, as text."""

    file: str
    key: str
    before: str
    now: str
    changed: bool


def set_parameters(changes: Sequence[str]) -> tuple[ParameterSetting, ...]:
    """Write each `[FILE:]PARAM=VALUE` into its file, all of them or none.

    Raises MlgitError for what is no such change, and for a parameter that its file does not have.
    """
    root = project.find().root
    wanted: list[tuple[str, Any]] = []
    for change in changes:
        target, equals, text = change.partition("=")
        if not equals or not target.rpartition(":")[2] or not text:
            raise MlgitError(f"--set: '{change}' is not PARAM=VALUE", "for example `--set train.depth=4`")
        wanted.append((target, edits.value_of(text)))
    return set_values(root, wanted)


def set_values(root: Path, changes: Sequence[tuple[str, Any]], *, write: bool = True) -> tuple[ParameterSetting, ...]:
    """Give parameters, each `[FILE:]KEY`, values in the files below `root`, all of them or none; see `set_parameters`.

    Without `write` it is only looked whether that can be done.
    """
    texts: dict[str, str] = {}
    done: list[ParameterSetting] = []
    for target, value in changes:
        file, _, key = target.rpartition(":")
        name = file or "params.yaml"
        before = texts[name] if name in texts else files.read_text(root / name, name=name)
        texts[name] = edits.set_value(before, key, value, name=name)
        old, new = (str(edits.value_at(each, key, name=name)) for each in (before, texts[name]))
        done.append(ParameterSetting(name, key, old, new, texts[name] != before))
    for name, text in texts.items() if write else ():
        files.write_atomic(root / name, text)
    return tuple(done)
