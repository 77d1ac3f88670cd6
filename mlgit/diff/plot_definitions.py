"""Which plots the pipeline files declare, as DVC reads them: at the top of a dvc.yaml, and as outputs of stages."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Below = Callable[[str], list[str]]
_AXES = ("x", "y")
# What an output may say of its plot.
_OF_OUTPUTS = ("template", "x", "y", "x_label", "y_label", "title", "header")


@dataclass(frozen=True, slots=True)
class PlotDefinition:
    """One plot: its name (a path, where it is about one file), the file that declares it ('' for outputs), and its settings."""

    name: str
    file: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """The files its values come from: those of y, then the first of x."""
        x, y = self.settings.get("x"), self.settings.get("y")
        found = list(y) if isinstance(y, Mapping) else [self.name]
        found += list(x)[:1] if isinstance(x, Mapping) else []
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """A dvc.yaml with all templating done: what stands below `plots:`, and the bodies of its stages."""

    path: str
    plots: tuple[Any, ...] = ()
    stages: tuple[Mapping[str, Any], ...] = ()


def definitions(files: Iterable[PipelineFile], below: Below) -> dict[str, PlotDefinition]:
    """The plots by what they are called; one declared in several files is called `FILE::NAME`.

    `below` gives the files below a folder, and the path itself for anything else.
    """
    known: dict[str, dict[str, PlotDefinition]] = {}
    listed = list(files)
    for each in listed:
        for found in _at_top(each, below):
            known.setdefault(found.name, {})[found.file] = found
    for name, settings in _outputs(listed, below).items():
        known.setdefault(name, {})[""] = PlotDefinition(name, "", settings)
    return {
        f"{found.file}::{name}" if len(by_file) > 1 and found.file else name: found
        for name, by_file in known.items()
        for found in by_file.values()
    }


def headers(files: Iterable[PipelineFile], below: Below) -> dict[str, bool]:
    """Whether the first row of a table names its columns, for the outputs that say so."""
    return {path: bool(settings["header"]) for path, settings in _outputs(list(files), below).items() if "header" in settings}


def _at_top(file: PipelineFile, below: Below) -> list[PlotDefinition]:
    folder = posixpath.dirname(file.path)
    declared: dict[str, Mapping[str, Any]] = {}
    for each in file.plots:
        declared |= {str(name): dict(body or {}) for name, body in each.items()} if isinstance(each, Mapping) else {each: {}}
    parents = [_joined(folder, name) for name in declared]
    found: dict[str, PlotDefinition] = {}
    for name, settings in declared.items():
        if isinstance(settings.get("y"), Mapping):
            found[name] = PlotDefinition(name, file.path, _moved(settings, folder))
            continue
        place = _joined(folder, name)
        for path in below(place):
            if _nearest(path, parents) == place:
                before = found[path].settings if path in found else {}
                found[path] = PlotDefinition(path, file.path, {**before, **settings})
    return list(found.values())


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _moved(settings: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The settings with the paths of x and y seen from the project's root."""
    moved = dict(settings)
    for axis in _AXES:
        if isinstance(moved.get(axis), Mapping):
            moved[axis] = {_joined(folder, str(path)): columns for path, columns in moved[axis].items()}
    return moved


def _nearest(path: str, parents: Iterable[str]) -> str:
    """The definition that a file in a folder belongs to: that of the nearest folder."""
    around = [each for each in parents if path == each or path.startswith(f"{each}/")]
    return max(around, key=len, default=path)


def _outputs(files: Iterable[PipelineFile], below: Below) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        for stage in file.stages:
            folder = posixpath.join(posixpath.dirname(file.path), str(stage.get("wdir") or ""))
            for row in stage.get("plots") or ():
                for path, own in row.items() if isinstance(row, Mapping) else [(row, {})]:
                    settings = {key: own[key] for key in _OF_OUTPUTS if key in own} if isinstance(own, Mapping) else {}
                    found |= {each: {**found.get(each, {}), **settings} for each in below(_joined(folder, str(path)))}
    return found
