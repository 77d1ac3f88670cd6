"""Copies what the store for MLflow is made of out of mlgit, under a name of its own, when its wheel is built.

What it is made of is found, not listed: every module that the entry points import, directly or not.
"""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # for who only wants to know what is copied
    BuildHookInterface = object

SOURCE = Path(__file__).resolve().parents[1]
PACKAGE, COPY = "mlgit", "mlgit_tracking"
START = "mlgit.tracking.plugin"


def modules(start: str = START, *, source: Path = SOURCE) -> dict[str, Path]:
    """Every module of mlgit that a module imports, directly or not, also inside functions: name -> file."""
    found: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        path = _file(name, source)
        if name in found or path is None:
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0], *_imported(path)]
    return dict(sorted(found.items()))


def foreign(found: dict[str, Path]) -> dict[str, set[str]]:
    """The packages that modules import and that are not mlgit's: package -> the modules."""
    named: dict[str, set[str]] = {}
    for name, path in found.items():
        for each in _imported(path):
            top = each.partition(".")[0]
            if top != PACKAGE:
                named.setdefault(top, set()).add(name)
    return named


def rewritten(text: str) -> str:
    """The source of a module with the package's new name in its imports, and nowhere else."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            place = node.lineno - 1
            lines[place] = re.sub(rf"\b((?:from|import) ){PACKAGE}\b", rf"\g<1>{COPY}", lines[place], count=1)
    return "".join(lines)


def copy(target: Path, *, source: Path = SOURCE) -> None:
    """Write the package into a folder."""
    for path in modules(source=source).values():
        place = target / path.relative_to(source / PACKAGE)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
    (target / "py.typed").touch()


def _file(name: str, source: Path) -> Path | None:
    if name.partition(".")[0] != PACKAGE:
        return None
    place = source.joinpath(*name.split("."))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class CopyStore(BuildHookInterface):  # type: ignore[misc]
    """What hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the copy, and have it put into the wheel."""
        self._folder = Path(tempfile.mkdtemp(prefix="mlgit-tracking-"))
        copy(self._folder)
        build_data["force_include"][str(self._folder)] = COPY

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the copy away."""
        shutil.rmtree(self._folder)
