"""Compares what two versions answered to the same requests: a champion and one on trial, by the prediction log."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlgit import errors
from mlgit import lazy_numpy as np
from mlgit.commands import dates, places, policy_inputs
from mlgit.config import NAME as CONFIG
from mlgit.config import Config, Model
from mlgit.errors import MlgitError, near_miss
from mlgit.evaluation import metric_evidence
from mlgit.evaluation.model_results import ModelResults, RevisionResults, Table, columns
from mlgit.gate import document, judge
from mlgit.gate.judge import ReviewInput
from mlgit.gate.review import Review
from mlgit.render.text import count, few
from mlgit.revision.refs import Baseline
from mlgit.revision.revisions import Revisions
from mlgit.rules import Gates
from mlgit.serving import answer_differences, log_reader, paired_answers
from mlgit.serving.answer_differences import Agreement, AmountDifferences
from mlgit.serving.paired_answers import PairedAnswers
from mlgit.statistics import metrics
from mlgit.tables import formats, limits, outline, selection

ComparedVerdict = Literal["pass", "warn", "fail", "invalid"]
# What the answers are called where predictions of a pipeline have a path.
_LOG = "the log"
_ROW_ID = "id"
# Larger whole numbers are not exact beside floats.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class AnswerComparison:
    """Two versions beside each other. `agreement` is None for predictions that are amounts, `amounts` where there are none.

    `review` is what labels say, None without any; `labelled` of the pairs have one.
    """

    model: str
    pairs: PairedAnswers
    agreement: Agreement | None = None
    amounts: AmountDifferences | None = None
    review: Review | None = None
    labelled: int = 0
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> ComparedVerdict | None:
        """What the declared rules say, as `mlgit gate` does; without rules, whether any metric is shown to be worse.

        None without labels: then nobody knows who is right.
        """
        if self.review is None:
            return None
        if self.review.judged:
            return self.review.verdict
        standings = {each.standing for each in self.review.metrics}
        if not standings - {"invalid"}:
            return "invalid"
        return "fail" if "worse" in standings else "warn" if standings & {"inconclusive", "invalid", "changed"} else "pass"

    @property
    def exit_code(self) -> int:
        """No where the challenger is shown to be worse; it cannot be told where labels decide nothing at all."""
        return {"fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}.get(str(self.verdict), errors.EXIT_YES)

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        found = document.document(self.review) if self.review else {}
        left_out = {key: getattr(self.pairs, key) for key in ("alone", "repeated", "incomplete", "others")}
        return {
            "schema": 1,
            "model": self.model,
            "champion": self.pairs.champion._asdict(),
            "challenger": self.pairs.challenger._asdict(),
            "from": self.pairs.since,
            "to": self.pairs.until,
            "pairs": len(self.pairs.ids),
            "left_out": left_out,
            "agreement": asdict(self.agreement) if self.agreement else None,
            "differences": asdict(self.amounts) if self.amounts else None,
            "labelled": self.labelled if self.review else None,
            "verdict": self.verdict,
            "rules": found.get("rules", []),
            "metrics": found.get("metrics", []),
            "turned": found.get("turned", []),
            "notes": [*self.notes, *found.get("notes", [])],
        }


def compare(
    name: str,
    *,
    log: str | None = None,
    since: str | None = None,
    until: str | None = None,
    labels: str | None = None,
    label: str | None = None,
    key: str = _ROW_ID,
) -> AnswerComparison:
    """Compare the champion of a model with the version that was asked the same last.

    `log` is a folder or file of its prediction log (default: where mlgit.yaml has it), read from the date or time `since` to
    `until`. `labels` is a table with the truth in its column `label` (default: as in predictions), and the log's ids in `key`.
    Raises MlgitError where no request was answered by two versions, and where none of them has a label.
    """
    here = places.place(name)
    with Revisions(here.project) as revisions:
        deciding = policy_inputs.in_force(revisions, revisions.head)
    config = deciding.config
    local = here.name.rpartition(":")[2]
    declared = next((each for each in (here.name, local) if each in config.models), local)
    model = _of_log(config.model(declared), label)
    paths = [Path(log)] if log else [here.project.root / config.serving(declared).log.path]
    about = _about(config, {declared, here.name, local})
    wanted, _ = columns(model, rules=about.gates.rules, cluster=about.gates.stats.cluster)
    begin, end = dates.window(since, until)
    rows = log_reader.rows(paths, since=begin, until=end)
    pairs = paired_answers.collect(rows, models={here.name, local}, positive=model.positive, wanted=wanted)
    if pairs is None or not pairs.ids:
        raise _nothing(here.name, paths[0], pairs)
    found = _without_labels(here.name, pairs)
    if labels is None:
        return found
    truth = _labels(Path(labels), model, key=key, wanted=wanted)
    return _with_labels(found, model, about, truth, rules_from=deciding.name)


def _of_log(model: Model, label: str | None) -> Model:
    """The model as the log has its rows: no test data stands behind them."""
    return replace(model, predictions=_LOG, metrics="", test=(), train=(), id=_ROW_ID, label=label or model.label, order="")


def _about(config: Config, names: set[str]) -> Config:
    """The rules and waivers about metrics of this model."""
    gates = config.gates
    kept = [each for each in gates.rules if each.kind not in ("data", "contract") and (not each.model or each.model in names)]
    ids = {each.id for each in kept}
    waivers = tuple(each for each in gates.waivers if each.rule in ids)
    rules = tuple(each._replace(model="") for each in kept)
    return replace(config, gates=gates._replace(rules=rules, waivers=waivers, leakage=Gates().leakage))


def _nothing(name: str, path: Path, pairs: PairedAnswers | None) -> MlgitError:
    if pairs is not None:
        return MlgitError(
            f"{path}: {count(pairs.incomplete, 'pair')} of {name}, and none with two predictions",
            "`predict` under `serving:` says what is answered and logged",
        )
    return MlgitError(
        f"{path}: no request was answered by two versions of {name}",
        f"name an environment under serving.{name}.shadow in {CONFIG}, and promote a version to it: a shadow is asked the same "
        "as the champion, and a canary other requests",
    )


def _without_labels(name: str, pairs: PairedAnswers) -> AnswerComparison:
    champion, challenger = pairs.predictions
    notes = [
        (pairs.alone, "row", f"that the champion answered {{}} no answer of the {pairs.challenger.role}", ("has", "have")),
        (pairs.repeated, "id", "came more than once, and {} left out", ("is", "are")),
        (pairs.incomplete, "pair", "{} no prediction on one of both sides", ("has", "have")),
        (pairs.others, "pair", "of other versions {} left out", ("is", "are")),
    ]
    told = tuple(f"{count(number, noun)} {said.format(verbs[number != 1])}" for number, noun, said, verbs in notes if number)
    if pairs.are_numbers:
        return AnswerComparison(name, pairs, None, answer_differences.amounts(champion, challenger), notes=told)
    amounts = answer_differences.amounts(*pairs.scores) if pairs.scores else None
    return AnswerComparison(name, pairs, answer_differences.agreement(champion, challenger), amounts, notes=told)


@dataclass(frozen=True, slots=True)
class _Truth:
    """Rows of the labels by the id in the log: each with the columns that are asked for."""

    rows: Mapping[str, Mapping[str, Any]]
    path: str


def _labels(path: Path, model: Model, *, key: str, wanted: Iterable[str]) -> _Truth:
    names = {*wanted, key, model.label} - {model.prediction, model.score}
    try:
        if path.stat().st_size > limits.PREDICTIONS_BYTES:
            raise MlgitError(f"{path}: larger than {limits.PREDICTIONS_BYTES >> 20} MiB", "leave out columns that nobody needs")
        content = path.read_bytes()
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
    where = f"x{formats.ending(path.name)}"
    try:
        found = selection.select(content, path=where, names=names, texts={key})
        known = outline.measure(content, path=where).columns
    except MlgitError as error:
        raise MlgitError(f"{path}: {error.message}", error.hint) from error
    for name, option in ((key, "--id"), (model.label, "--label")):
        if name not in found:
            raise MlgitError(f"{path}: no column '{name}'{near_miss(name, known)}", f"{option} names it: {', '.join(known)}")
    return _Truth(_by_id(path, {name: list(found[name]) for name in found}, key=key, label=model.label), str(path))


def _by_id(path: Path, table: Mapping[str, list[Any]], *, key: str, label: str) -> dict[str, Mapping[str, Any]]:
    rows: dict[str, Mapping[str, Any]] = {}
    for place, (name, truth) in enumerate(zip(table[key], table[label], strict=True)):
        if truth is None or truth != truth or name is None or name != name:
            continue
        if rows.get(str(name), {label: truth})[label] != truth:
            raise MlgitError(f"{path}: '{name}' has two labels", "keep the one that counts")
        rows[str(name)] = {each: values[place] for each, values in table.items() if each != key}
    return rows


def _with_labels(found: AnswerComparison, model: Model, about: Config, truth: _Truth, *, rules_from: str) -> AnswerComparison:
    """What the rows say of both that have a label: judged as a change is, the challenger beside the champion."""
    pairs = found.pairs
    chosen = [place for place, name in enumerate(pairs.ids) if name in truth.rows]
    if not chosen:
        raise MlgitError(
            f"{truth.path}: none of {count(len(pairs.ids), 'pair')} has a label there",
            f"ids are those of the log, as `{pairs.ids[0]}`; --id names their column",
        )
    tables = [_table(pairs, side, chosen, model, truth) for side in (0, 1)]
    names = [f"{each.version} ({each.role})" for each in (pairs.champion, pairs.challenger)]
    before, now = (_results(name, model, table, about) for name, table in zip(names, tables, strict=True))
    case = ReviewInput(about, about, rules_from, current=now, baseline=before, found=Baseline(names[0], "", "named"))
    review = judge.review(case, today=datetime.date.today())
    left = len(pairs.ids) - len(chosen)
    notes = [f"{count(left, 'pair')} {'has' if left == 1 else 'have'} no label yet"] if left else []
    lost = [metric for metric in about.directions if metric not in now.scored[model.name].recorded]
    notes += [f"not compared, for these rows do not give it: {few(lost)}"] if lost else []
    return replace(found, review=review, labelled=len(chosen), notes=(*found.notes, *notes))


def _table(pairs: PairedAnswers, side: int, chosen: list[int], model: Model, truth: _Truth) -> Table:
    ids = [pairs.ids[place] for place in chosen]
    found = {name: [values[place] for place in chosen] for name, values in pairs.columns.items()}
    given = dict.fromkeys(name for each in ids for name in truth.rows[each])
    found |= {name: [truth.rows[each].get(name) for each in ids] for name in given}
    found |= {model.id: ids, model.prediction: [pairs.predictions[side][place] for place in chosen]}
    found |= {model.score: [pairs.scores[side][place] for place in chosen]} if pairs.scores else {}
    return {name: _column(values) for name, values in found.items()}


def _column(values: list[Any]) -> Any:
    """Values as an array: truth values or numbers where all are, else as they are."""
    plain = [each.item() if isinstance(each, np.generic) else each for each in values]
    kinds = set(map(type, plain))
    if kinds == {bool} or (kinds <= {int, float} and all(abs(each) < _EXACT for each in plain if type(each) is int)):
        return np.array(plain)
    return np.fromiter(plain, dtype=object, count=len(plain))


def _results(name: str, model: Model, table: Table, about: Config) -> RevisionResults:
    """One side, with every metric that is declared and that rows give."""
    scored = ModelResults(model, table=table)
    asked = dict.fromkeys([*(rule.metric for rule in about.gates.rules if rule.metric), *about.directions])
    found: dict[str, float] = {}
    for metric in asked:
        short = metric.rpartition(".")[2]
        value = metric_evidence.value(scored, short) if short in metrics.METRICS else None
        if value is not None and math.isfinite(value):
            found[metric] = value
    return RevisionResults(name, {model.name: replace(scored, recorded=found)})
