"""Reads what a card is made from, besides the facts, and writes the card; every digest is checked on the way."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from mlgit.adapters.formats import documents, edits
from mlgit.adapters.system import files
from mlgit.cards import content, frontmatter, model_plots, notes, review
from mlgit.cards.card import Card
from mlgit.cards.material import FurtherEvaluation, Material, Replaced
from mlgit.errors import MlgitError
from mlgit.evaluation import model_metrics, predictions, row_columns
from mlgit.evaluation.model_results import ModelResults
from mlgit.model_settings import Model
from mlgit.project import Project
from mlgit.registry.facts import DataFile, Facts
from mlgit.revision.revision import Revision
from mlgit.tables import formats, limits, outline, overlap
from mlgit.tables.overlap import TableFile


@dataclass(frozen=True, slots=True)
class Found:
    """The card that is there: its files by path (bytes), and what its front matter says of mlgit's own."""

    files: Mapping[str, bytes]
    own: Mapping[str, Any]


def _data(revision: Revision, file: DataFile) -> bytes:
    """The bytes that a digest stands for, from where they lie or from the cache.

    Raises MlgitError when they are at neither place.
    """
    for found in (_content(revision, file.path), _read(Path(revision.cache.path(file.md5)))):
        if found is not None and hashlib.md5(found, usedforsecurity=False).hexdigest() == file.md5:
            return found
    raise MlgitError(
        f"{file.path}: its content (md5 {file.md5}) is not here, and the card needs it",
        f"`dvc pull {file.path}` brings it back, or `mlgit run` makes it again",
    )


def _content(revision: Revision, path: str) -> bytes | None:
    """The bytes of a file as it lies, None where there is none."""
    if revision.files.size(path) is None:
        return None
    with revision.files.stream(path) as stream:
        return stream.read()


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def material(
    revision: Revision, facts: Facts, *, model: Model, replaced: Replaced | None, picked: Sequence[str] = ()
) -> Material:
    """Everything a card is made from; `picked` says which trial the model is.

    Raises MlgitError for notes and predictions that cannot be read, and for bytes that are not at hand.
    """
    text = revision.files.text(model.card.notes)
    read = notes.parse(None if text is None else documents.parse_yaml(text, name=model.card.notes), name=model.card.notes)
    config = revision.config
    scored = {each.address: _results(revision, facts, model=each) for each in (model, *model.tests)}
    named = {name: model_metrics.recorded_beside(scored, each.model, config.directions) for name, each in scored.items()}
    results, *others = scored.values()
    drawn = model_plots.draw(results)
    return Material(
        facts=replace(facts, artifact=model.name, commit=""),
        config=config,
        model=model,
        notes=read,
        evaluation=model_metrics.evaluate(results, stats=config.gates.stats, named=named[model.address]),
        further=tuple(
            FurtherEvaluation(
                each.model,
                model_metrics.evaluate(each, stats=config.gates.stats, named=named[each.model.address]),
                _shared(revision, facts, _test_of(facts, each.model), model=each.model),
            )
            for each in others
        ),
        plots={name: picture for name, (picture, _) in drawn.items()},
        captions={name: caption for name, (_, caption) in drawn.items()},
        notes_sha256="" if text is None else hashlib.sha256(text.encode()).hexdigest(),
        columns={each.path: _columns(revision, each) for each in facts.data if each.role in ("train", "test")},
        replaced=replaced,
        shared=_shared(revision, facts, facts.with_role("test"), model=model),
        is_in_git=_is_in_git(revision, facts.model.path),
        picked=tuple(picked),
    )


def _is_in_git(revision: Revision, path: str) -> bool:
    """Whether DVC has nothing recorded of a file, or leaves it to Git."""
    with suppress(MlgitError):  # a folder of DVC's whose list of files is not here
        return path in revision.uncached or revision.contents.recorded(path) is None
    return False


def _results(revision: Revision, facts: Facts, *, model: Model) -> ModelResults:
    """What the gates read of the model too. Raises MlgitError for predictions that are recorded and cannot
    be read, or lack a column that mlgit.yaml names."""
    read = predictions.read(revision, {model.address: model}, gates=revision.config.gates).scored[model.address]
    if read.trouble and facts.predictions and facts.predictions.md5:
        raise MlgitError(read.trouble, read.hint)
    if read.table:
        # metrics of columns and rankings need no predicted class
        named = () if model.declared or model.scores or model.query else (model.label, model.prediction)
        for name in (*named, *model.slices):
            row_columns.column_of(model, read.table, name)
    return read


def _columns(revision: Revision, file: DataFile) -> tuple[str, ...]:
    if formats.of(file.path) is None or file.n_files is not None or not file.md5 or (file.size or 0) > limits.OUTLINE_BYTES:
        return ()
    content = _data(revision, file)
    with suppress(MlgitError):  # no table, whatever its name says
        return outline.measure(content, path=file.path).columns
    return ()


def _test_of(facts: Facts, model: Model) -> tuple[DataFile, ...]:
    return next((each.test for each in facts.tests if each.name == model.test_set), ())


def _shared(revision: Revision, facts: Facts, tested: Sequence[DataFile], *, model: Model) -> tuple[int, int] | None:
    compared = [*facts.with_role("train"), *tested]
    train, test = ([_table(revision, each) for each in some] for some in (facts.with_role("train"), tested))
    if not train or not test or not all(each.md5 and each.n_files is None for each in compared):
        return None
    with suppress(MlgitError):  # no tables, or too large
        found = overlap.count(train, test, keys=model.keys)
        return (found.rows, found.of) if found.of else None
    return None


def _table(revision: Revision, file: DataFile) -> TableFile:
    return TableFile(file.path, functools.partial(_opened, revision, file), file.size)


def _opened(revision: Revision, file: DataFile) -> BinaryIO:
    return io.BytesIO(_data(revision, file))


def find(revision: Revision, model: Model) -> Found:
    """The card that is there, with its plots; no files where there is none."""
    card = _content(revision, model.card.out)
    if card is None:
        return Found({}, {})
    folder = content.plot_folder(model.card.out)
    plots = {path: _content(revision, path) for path in (f"{folder}/{name}.svg" for name in model_plots.PLOTS)}
    there = {path: plot for path, plot in plots.items() if plot is not None}
    return Found({model.card.out: card, **there}, _own(card, model.card.out))


def _own(card: bytes, path: str) -> dict[str, Any]:
    try:
        return frontmatter.own(documents.parse_yaml(frontmatter.split(card.decode()), name=path))
    except (MlgitError, UnicodeDecodeError):  # somebody's own card: it is compared as bytes
        return {}


def write(project: Project, card: Card, found: Found) -> list[str]:
    """Write the card and its plots, each at once or not at all; take away plots that it has no more.

    Returns the paths that changed. Raises MlgitError for a file at the card's place that is no card of mlgit's.
    """
    if card.path in found.files and not found.own:
        raise MlgitError(
            f"{card.path}: somebody wrote this file, not `mlgit card build`, so it is not replaced",
            "move it away, or name another place in mlgit.yaml: `models: {NAME: {card: {out: PATH}}}`",
        )
    changed = []
    for path, text in reversed(list(card.files.items())):  # the card last: it refers to the plots
        if found.files.get(path) != text.encode():
            (project.root / path).parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(project.root / path, text)
            changed.append(path)
    for path in found.files:
        if path not in card.files:
            files.remove(project.root / path)
            changed.append(path)
    return sorted(changed)


def stamp(project: Project, facts: Facts, *, model: Model, sections: tuple[str, ...]) -> list[str]:
    """Write into the notes that these sections (`all` for every one) were read for the training data of today.

    Returns the sections that are now marked. Raises MlgitError for a section that is not there, and without training data.
    """
    name = model.card.notes
    if not (project.root / name).exists():
        raise MlgitError(
            f"{name}: no such file, so there is nothing to have read",
            "write it first, as `sections: {limitations: {text: What it cannot do.}}`, or leave --reviewed out",
        )
    text = files.read_text(project.root / name, name=name)
    known = notes.parse(documents.parse_yaml(text, name=name), name=name).sections
    digest = review.data_digest(facts.with_role("train"))
    if not digest:
        raise MlgitError(
            f"mlgit.yaml: models.{model.name}.train: missing: notes are reviewed for the training data",
            "name the training data: `train: [PATH]`",
        )
    chosen = [key for key in known if not notes.is_placeholder(known[key].text)] if "all" in sections else list(sections)
    for key in chosen:
        review.require(key, known, file=name)
        text = _stamped(text, key, digest, is_marked=bool(known[key].reviewed_for), name=name)
    files.write_atomic(project.root / name, text)
    return chosen


def _stamped(text: str, key: str, digest: str, *, is_marked: bool, name: str) -> str:
    section = f"sections.{key}"
    if is_marked:
        return edits.set_value(text, f"{section}.reviewed_for.data", digest, name=name)
    return edits.insert_first(text, section, entry="reviewed_for", value=f'{{data: "{digest}"}}', name=name)
