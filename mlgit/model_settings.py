"""The keys of mlgit.yaml under `models:`: where a model's results lie, and what the columns of its predictions are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlgit.errors import MlgitError
from mlgit.metric_settings import MetricDeclaration
from mlgit.monitoring_settings import Kpi
from mlgit.schema import Boolean, Either, Key, ListOf, MapOf, Nothing, Number, Table, Text

Repeats = Literal["", "seeds", "folds"]

_CARD = Table(
    (
        Key("notes", Text(), "the human notes, default cards/NAME.yaml"),
        Key("out", Text(), "the generated card, default cards/NAME.md"),
        Key("profile", Text(choices=("hf", "annex-iv")), "what the card must hold: hf (default) or annex-iv"),
    )
)

# What each test set may say for itself.
_OF_TEST_SET = (
    Key(
        "predictions",
        Either((Text(), ListOf(Text()))),
        "a table with one row per test example, an output of the pipeline; several (a list, a pattern with *) need `repeats`",
    ),
    Key("repeats", Text(choices=("seeds", "folds")), "what several files of predictions differ by"),
    Key(
        "id",
        Either((Text(), ListOf(Text()))),
        "the column of the predictions that names a row, or the columns that do it together",
    ),
    Key("label", Text(), "the column with the truth, default label"),
    Key("prediction", Text(), "the column with the prediction, default prediction"),
    Key("score", Text(), "the column with the probability or score, default score"),
    Key(
        "scores",
        Either((Text(pattern=r".*\{class\}.*"), MapOf(Text(), any_key=True))),
        "the columns with the probabilities of classes: class -> column, or a pattern such as p_{class}",
    ),
    Key(
        "quantiles",
        MapOf(Text(), any_key=True),
        "columns with predicted quantiles: level -> column, as {0.1: q10, 0.9: q90}",
    ),
    Key("positive", Either((Text(), Number(), Boolean())), "the label that counts as positive, of a model with two"),
    Key("slices", ListOf(Text()), "columns of the predictions to report metrics by"),
    Key(
        "cluster",
        Either((Text(), Nothing())),
        "the column that names the group of a row; default gates.stats.cluster, null: none",
    ),
    Key(
        "order",
        Either((Text(), Nothing())),
        "the column with the time of a row, of rows that are a series; excludes cluster",
    ),
    Key("query", Text(), "the column that names the ranking (or the case) that a row belongs to: what is sampled as a whole"),
    Key("weight", Text(), "the column with the weight of a row, above 0"),
    Key("costs", MapOf(MapOf(Number(), any_key=True), any_key=True), "label -> prediction -> what that costs"),
    Key("test", ListOf(Text()), "the test data, as paths in the pipeline"),
)

SCHEMA = Table(
    (
        Key("metrics", Text(), "the metrics file of this model, an output of the pipeline"),
        *_OF_TEST_SET,
        Key(
            "tests",
            MapOf(Table(_OF_TEST_SET), key_pattern=r"[A-Za-z_][A-Za-z0-9_-]*"),
            "further test sets: name -> what differs there",
        ),
        Key("train", ListOf(Text()), "the training data, as paths in the pipeline"),
        Key("card", _CARD, "the model card"),
    )
)


@dataclass(frozen=True, slots=True)
class CardFiles:
    """Where a model's card and its notes lie, and the profile it is judged by."""

    notes: str
    out: str
    profile: str = "hf"


@dataclass(frozen=True, slots=True)
class Model:
    """What mlgit.yaml declares for one artifact, as one of its test sets sees it; paths are relative to the project's root,
    '' where none is declared.

    `test_set` is '' for the main one, and `tests` are the others. `files` are the paths or patterns of several files of
    predictions, which differ by `repeats`; `predictions` is then their text. `id` is the column that names a row; where several
    do it together, they are `key`, and `id` is what they are called. `scores` is a pattern or (class, column) pairs,
    `quantiles` are (level, column), `costs` (label, ((prediction, cost), ...)). `declared` says what metrics are made of, and
    `named_metrics` are those by name alone that this model is measured by though no file records them.
    """

    name: str
    card: CardFiles
    metrics: str = ""
    predictions: str = ""
    files: tuple[str, ...] = ()
    repeats: Repeats = ""
    id: str = ""
    key: tuple[str, ...] = ()
    label: str = "label"
    prediction: str = "prediction"
    score: str = "score"
    scores: str | tuple[tuple[str, str], ...] = ()
    quantiles: tuple[tuple[float, str], ...] = ()
    positive: str | float | bool | None = None
    slices: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    cluster: str | None = None
    order: str = ""
    query: str = ""
    weight: str = ""
    costs: tuple[tuple[Any, tuple[tuple[Any, float], ...]], ...] = ()
    kpis: tuple[Kpi, ...] = ()
    declared: tuple[MetricDeclaration, ...] = ()
    named_metrics: tuple[str, ...] = ()
    test_set: str = ""
    tests: tuple[Model, ...] = ()

    @property
    def address(self) -> str:
        """What it is called among models and their test sets: NAME, or NAME@SET."""
        return f"{self.name}@{self.test_set}" if self.test_set else self.name

    @property
    def where(self) -> str:
        """The place in mlgit.yaml that declares it."""
        return f"models.{self.name}.tests.{self.test_set}" if self.test_set else f"models.{self.name}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return self.key or ((self.id,) if self.id else ())

    @property
    def declared_predictions(self) -> tuple[str, ...]:
        """Where predictions lie, as it is declared: files, or patterns of them."""
        return self.files or ((self.predictions,) if self.predictions else ())

    @property
    def prediction_paths(self) -> tuple[str, ...]:
        """Where predictions lie: each file, and of a pattern the folder in front of its first `*`."""
        paths = self.declared_predictions
        return tuple(dict.fromkeys(folder_of(each) if self.files and is_pattern(each) else each for each in paths))

    def named(self, metric: str) -> str:
        """What a metric of this test set is called: METRIC, or METRIC@SET."""
        return f"{metric}@{self.test_set}" if self.test_set else metric

    def dependence(self, *, rule: str | None, default: str) -> tuple[str, str]:
        """The columns that tell which rows belong together: that of groups, or that of time; '' for none.

        A rule is heeded before the model, and that before `default`; '' switches off, None says nothing. Without a word of
        groups, what is asked together is one.
        """
        known = next((each for each in (rule, self.cluster) if each is not None), None)
        cluster = (self.query or default if not self.order else "") if known is None else known
        return cluster, self.order if not cluster else ""


def with_columns_of(known: Model | None, model: Model) -> Model:
    """A model whose files are its own, and whose columns mean what `known` says, which decides."""
    if known is None or not known.predictions:
        return model
    return replace(
        model,
        repeats=known.repeats or model.repeats,
        id=known.id,
        key=known.key,
        label=known.label,
        prediction=known.prediction,
        score=known.score,
        scores=known.scores,
        quantiles=known.quantiles,
        positive=known.positive,
        slices=known.slices,
        cluster=known.cluster,
        order=known.order,
        query=known.query,
        weight=known.weight,
        costs=known.costs,
        kpis=known.kpis,
        declared=known.declared,
        named_metrics=known.named_metrics,
    )


def parse(
    name: str,
    declared: Mapping[str, Any],
    *,
    where: str = "",
    kpis: Iterable[Kpi] = (),
    metrics: Iterable[MetricDeclaration] = (),
    is_only: bool = False,
) -> Model:
    """A checked model with all of its test sets; `is_only`: there is no other, so that all `metrics` are its own.

    Raises MlgitError for keys that do not go together.
    """
    card, file = declared.get("card", {}), name.replace(":", "/")
    files = CardFiles(card.get("notes", f"cards/{file}.yaml"), card.get("out", f"cards/{file}.md"), card.get("profile", "hf"))
    own = {key: value for key, value in declared.items() if key not in ("card", "tests")}
    told = list(metrics)
    made = tuple(each for each in told if each.is_made or each.max_missing)
    by_name = tuple(each.name for each in told if not each.is_made) if is_only or "metrics" not in declared else ()
    plain = Model(name=name, card=files, kpis=tuple(kpis), declared=made, named_metrics=by_name)
    main = _with(plain, own, where)
    tests = []
    for each, others in declared.get("tests", {}).items():
        inherited = {key: value for key, value in own.items() if key not in ("predictions", "test", "metrics", "repeats")}
        if "predictions" not in others:
            raise MlgitError(f"{where}.tests.{each}.predictions: missing", "add it: a test set has predictions of its own")
        if others.get("order") or others.get("cluster"):  # what it says of rows goes before what it inherits
            inherited = {key: value for key, value in inherited.items() if key not in ("order", "cluster")}
        tests.append(replace(_with(plain, inherited | others, f"{where}.tests.{each}"), test_set=each))
    return replace(main, tests=tuple(tests)) if tests else main


def _with(plain: Model, declared: Mapping[str, Any], where: str) -> Model:
    """A model with what one test set declares."""
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in declared.items()}
    if given.get("cluster") and given.get("order"):
        raise MlgitError(
            f"{where}.order: rows belong together by a cluster or by time, not by both", "take out `cluster:` or `order:`"
        )
    given |= {key: given[key] or "" for key in ("cluster", "order") if key in given}
    if given.get("query") and given.get("order"):
        raise MlgitError(f"{where}.order: rows of a query are no series", "take out `query:` or `order:`")
    given |= _files(given, where)
    if "id" in given:
        given |= _key(given["id"], where)
    if isinstance(given.get("scores"), Mapping):
        given["scores"] = tuple((str(each), column) for each, column in given["scores"].items())
    if "quantiles" in given:
        given["quantiles"] = tuple(sorted((_level(each, where), column) for each, column in given["quantiles"].items()))
    if "costs" in given:
        given["costs"] = tuple(
            (label, tuple((said, float(cost)) for said, cost in costs.items())) for label, costs in given["costs"].items()
        )
    return replace(plain, **given)


def _files(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """One file of predictions, or several that differ by something."""
    declared = given.get("predictions", "")
    listed = declared if isinstance(declared, tuple) else (declared,)
    has_many = isinstance(declared, tuple) or is_pattern(declared)
    if isinstance(declared, tuple) and not declared:
        raise MlgitError(f"{where}.predictions: names no file", "name one, or take the key out")
    if has_many and "repeats" not in given:
        raise MlgitError(f"{where}.repeats: missing", "add what the files differ by: `repeats: seeds`, or `repeats: folds`")
    if not has_many and "repeats" in given:
        raise MlgitError(
            f"{where}.repeats: predictions are one file", "name several: `predictions: [a.csv, b.csv]`, or a pattern with *"
        )
    if len(set(listed)) < len(listed):
        raise MlgitError(f"{where}.predictions: names a file twice", "name each file of predictions once")
    return {"predictions": ", ".join(listed), "files": listed if has_many else ()}


def is_pattern(path: str) -> bool:
    """Whether a path of predictions stands for all files that match it."""
    return any(each in path for each in "*?[")


def folder_of(pattern: str) -> str:
    """The folder in front of the first part of a pattern that is not a plain name; '' for the project's root."""
    parts = pattern.split("/")
    first = next(place for place, part in enumerate(parts) if is_pattern(part))
    return "/".join(parts[:first])


def _key(declared: Any, where: str) -> dict[str, Any]:
    columns = declared if isinstance(declared, tuple) else (declared,)
    if not columns or len(set(columns)) < len(columns):
        raise MlgitError(
            f"{where}.id: names {'a column twice' if columns else 'no column'}", "name each column of the key once"
        )
    return {"id": " + ".join(columns), "key": columns if len(columns) > 1 else ()}


def _level(declared: Any, where: str) -> float:
    try:
        found = float(declared)
    except (TypeError, ValueError):
        found = -1.0
    if not 0 < found < 1 or isinstance(declared, bool):
        raise MlgitError(
            f"{where}.quantiles: {declared!r} is no level", "write levels between 0 and 1, as {0.1: q10, 0.9: q90}"
        )
    return found


_CLASS = "{class}"


def columns_of_classes(model: Model, header: Iterable[str]) -> dict[str, str]:
    """The columns with the probabilities of classes, by the text of the class; those of a pattern as the header has them.

    What another file of several says (`prediction_files`) is in none of them: no name in a file holds a NUL.
    """
    if not isinstance(model.scores, str):
        return dict(model.scores)
    before, _, after = model.scores.partition(_CLASS)
    pattern = re.compile(f"{re.escape(before)}([^\\0]+){re.escape(after)}")
    return {found[1]: each for each in header if (found := pattern.fullmatch(each))}
