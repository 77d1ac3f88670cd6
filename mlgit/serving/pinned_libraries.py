"""The libraries that a model is read with, at the versions that the files of its release pin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

# What a model is made of; of other libraries a version says nothing about whether the model can be read.
LIBRARIES = frozenset(
    {
        *("scikit-learn", "skops", "numpy", "scipy", "pandas", "joblib", "lightgbm", "xgboost", "catboost"),
        *("imbalanced-learn", "quantile-forest"),
    }
)

Pin = tuple[str, str]
Form = Literal[".toml", ".json", ".txt", ""]

_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*([A-Za-z0-9.!+_-]+)\s*(?:[;#\\].*|--hash.*)?"
)
_OF_CONDA = re.compile(
    r"\s*-\s*[\"']?(?:[\w-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*={1,3}\s*([0-9][A-Za-z0-9.!+_-]*?)(?:=\S*)?[\"']?\s*(?:#.*)?"
)


def form(name: str) -> Form:
    """How a file of a project's top folder that pins versions is written; '' for one that does not."""
    if name in ("uv.lock", "poetry.lock", "pdm.lock") or re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return ".toml"
    if name == "Pipfile.lock":
        return ".json"
    is_text = re.fullmatch(r"(requirements|constraints).*\.txt", name) or name in ("environment.yml", "environment.yaml")
    return ".txt" if is_text else ""


def read(contents: Mapping[str, Any]) -> dict[str, str]:
    """The versions of LIBRARIES, by name, that files pin: the parsed document of each by its name, or its text.

    What a lock says counts before what requirements say. A library that one file pins twice, as for two platforms, is left out.
    """
    found: dict[str, str] = {}
    settled: set[str] = set()
    for name in sorted(contents, key=_rank):
        pins: dict[str, set[str]] = {}
        for library, version in _pins(name, contents[name]):
            pins.setdefault(_plain(library), set()).add(version)
        for library, versions in pins.items():
            if library in LIBRARIES and library not in settled:
                settled.add(library)
                found |= {library: next(iter(versions))} if len(versions) == 1 else {}
    return dict(sorted(found.items()))


def _plain(name: str) -> str:
    """A name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _rank(name: str) -> tuple[int, bool, str]:
    order = ("uv.lock", "pylock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements", "constraints", "environment")
    return next((place for place, each in enumerate(order) if name.startswith(each)), len(order)), name.count("-") > 0, name


def _pins(name: str, content: Any) -> Iterator[Pin]:
    """What a file pins."""
    if isinstance(content, str):
        yield from _of_lines(content, _OF_CONDA if name.startswith("environment") else _REQUIREMENT)
    elif isinstance(content, Mapping):
        yield from _of_pipfile(content) if name == "Pipfile.lock" else _named(content.get("packages", content.get("package")))


def _named(rows: Any) -> Iterator[Pin]:
    for row in rows if isinstance(rows, list) else ():
        name, version = (row.get("name"), row.get("version")) if isinstance(row, Mapping) else (None, None)
        if isinstance(name, str) and isinstance(version, str):
            yield name, version


def _of_pipfile(document: Mapping[str, Any]) -> Iterator[Pin]:
    packages = document.get("default")
    for name, row in packages.items() if isinstance(packages, Mapping) else ():
        version = row.get("version") if isinstance(row, Mapping) else None
        if isinstance(version, str) and version.startswith("=="):
            yield name, version.removeprefix("==")


def _of_lines(text: str, pattern: re.Pattern[str]) -> Iterator[Pin]:
    for line in text.splitlines():
        found = pattern.fullmatch(line) if len(line) < 10_000 else None
        if found and "*" not in found[2]:
            yield found[1], found[2]
