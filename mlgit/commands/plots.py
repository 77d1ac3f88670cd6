"""The plots of two revisions over each other: what each dvc.yaml declares, and the values and images of both sides."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.formats import documents
from mlgit.adapters.system import files
from mlgit.commands.notes import Note, unheard
from mlgit.diff import plot_points
from mlgit.diff.plot_definitions import PipelineFile, PlotDefinition, definitions, headers
from mlgit.diff.plot_points import PlotAxes, PlotSeries
from mlgit.errors import MlgitError
from mlgit.pipeline import parse
from mlgit.report import plots_page
from mlgit.report.plots_page import ComparedPlot, PlotImage
from mlgit.revision import comparison_start, recorded_paths
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

PAGE = "plots.html"
_LARGEST_IMAGE = 10 << 20
_LARGEST_DATA = 50 << 20
_READ = {".json", ".yaml", ".yml", ".csv", ".tsv", ".toml", ".py"}


@dataclass(frozen=True, slots=True)
class PlotsDiff:
    """The plots of two sides, by their names; `folder` is where mlgit keeps its own files."""

    sides: tuple[str, str]
    plots: tuple[ComparedPlot, ...]
    folder: Path

    @property
    def exit_code(self) -> int:
        """Yes where something can be seen."""
        return errors.EXIT_YES if any(each.is_drawn for each in self.plots) else errors.EXIT_CANNOT_ANSWER

    def page(self) -> str:
        """All of them as one HTML page that needs nothing else."""
        return plots_page.page(self.plots, sides=self.sides)

    def document(self) -> dict[str, Any]:
        """The points as JSON: schema 1."""
        return {"schema": 1, "base": self.sides[0], "head": self.sides[1], "plots": [each.document() for each in self.plots]}


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    revision: Revision
    found: Mapping[str, PlotDefinition]
    headers: Mapping[str, bool]


def plots_diff(base: str | None = None, head: str | None = None, *, pull: bool = False, note: Note = unheard) -> PlotsDiff:
    """The plots that the pipeline files of `base` and `head` declare; both as for `diff`. With `pull`, what the cache lacks
    is fetched.

    Raises MlgitError where neither side declares a plot.
    """
    with Revisions(projects.find()) as revisions:
        now = RevisionRef() if head is None else comparison_start.point(revisions, head)
        before = comparison_start.start(revisions, base=base, head=now, command="diff").point
        opened = [(ref.name, revisions.at(ref)) for ref in (before, now)]
        if pull:
            _fetch([revision for _, revision in opened], note)
        names = _names([name for name, _ in opened])
        sides = [_side(name, revision) for name, (_, revision) in zip(names, opened, strict=True)]
        known = list(dict.fromkeys(key for side in reversed(sides) for key in side.found))
        if not known:
            raise MlgitError(
                f"no plots are declared, neither in {names[0]} nor in {names[1]}",
                "declare them in dvc.yaml: `plots: [{loss.csv: {x: epoch, y: loss}}]`",
            )
        drawn = tuple(_compared(key, sides) for key in known)
        return PlotsDiff(names, drawn, revisions.project.own_folder)


def write_page(found: PlotsDiff, out: Path | None) -> Path:
    """Write the page where the user says, else into mlgit's own folder, which Git passes over. Returns its path.

    Raises MlgitError for a file that is there and no page of this command.
    """
    path = (out or found.folder / PAGE).resolve()
    if path.exists() and plots_page.MADE not in files.read_bytes(path).decode(errors="replace")[:1000]:
        raise MlgitError(f"{path}: exists, and is no page of `mlgit diff --plots`", "name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomic(path, found.page())
    return path


def _names(names: list[str]) -> tuple[str, str]:
    one, other = names
    return (one, other) if one != other else (f"{one} (base)", other)


def _fetch(revisions: Iterable[Revision], note: Note) -> None:
    from mlgit.revision import fetching

    for revision in revisions:
        wanted = [path for each in _side("", revision).found.values() for path in each.sources]
        if trouble := fetching.fetch(revision, wanted):
            note(trouble)


def _side(name: str, revision: Revision) -> _Side:
    read = [_pipeline_file(revision, path) for path in recorded_paths.pipeline_files(revision.pipeline)]

    def below(path: str) -> list[str]:
        try:
            return revision.contents.files(path)
        except MlgitError:  # a folder whose list is not here: it is told where it would be drawn
            return [path]

    return _Side(name, revision, definitions(read, below), headers(read, below))


def _pipeline_file(revision: Revision, path: str) -> PipelineFile:
    source = revision.files
    text, document = source.text(path), source.document(path)
    if text is None or not isinstance(document, Mapping):
        return PipelineFile(path)
    is_templated = parse.needs_templating(document, text)
    stages = source.resolve(path, document) if is_templated else document.get("stages") or {}
    bodies = tuple(body for body in stages.values() if isinstance(body, Mapping))
    return PipelineFile(path, tuple(source.plots(path)), bodies)


def _compared(key: str, sides: Iterable[_Side]) -> ComparedPlot:
    """One plot of both sides; where they declare it differently, as the current side does."""
    found = [(side, side.found[key]) for side in sides if key in side.found]
    settings: dict[str, Any] = {}
    for _, each in found:
        settings |= each.settings
    drawn: list[PlotSeries] = []
    images: list[PlotImage] = []
    troubles: list[str] = []
    axes = PlotAxes("", "")
    for side, definition in found:
        if posixpath.splitext(definition.name)[1].lower() in plots_page.IMAGES:
            images.append(_image(side, definition.name, troubles))
            continue
        try:
            read = {path: content for path in definition.sources if (content := _content(side, path, troubles)) is not None}
            more, named = plot_points.series(definition.name, settings, read, side=side.name)
            drawn, axes = [*drawn, *more], named if more else axes
        except MlgitError as error:
            troubles.append(f"{side.name}: {error.message}")
    if not (drawn or images or troubles):
        troubles.append("there are no points in it")
    title, template = settings.get("title"), settings.get("template")
    return ComparedPlot(
        key, str(title or key), str(template or "linear"), axes.x, axes.y, tuple(drawn), tuple(images), tuple(troubles)
    )


def _image(side: _Side, path: str, troubles: list[str]) -> PlotImage:
    try:
        content = side.revision.contents.read(path, most=_LARGEST_IMAGE)
    except MlgitError as error:
        troubles.append(f"{side.name}: {error.message}")
        content = None
    return PlotImage(side.name, path, content)


def _content(side: _Side, path: str, troubles: list[str]) -> Any:
    """What a file holds, parsed; None where there is none, which is told."""
    ending = posixpath.splitext(path)[1]
    if not recorded_paths.is_inside(path):
        raise MlgitError(f"{path}: not inside the project")
    if ending not in _READ:
        side.revision.contents.files(path)  # a folder whose list is not here tells how to have it
        raise MlgitError(f"{path}: a plot is made of JSON, YAML, CSV or TSV, or of an image")
    content = side.revision.contents.read(path, most=_LARGEST_DATA)
    if content is None:
        troubles.append(f"{side.name}: {path}: no such file")
        return None
    text = files.decode(content, name=path)
    if ending in (".csv", ".tsv"):
        return plot_points.table(text, path=path, header=side.headers.get(path, True))
    return documents.parse(text, name=path)
