"""Compares what two versions answered to the same requests: a champion and one on trial, by the prediction log."""

from __future__ import annotations

import datetime
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlgit import errors
from mlgit import lazy_numpy as np
from mlgit.commands import dates, places, policy_inputs
from mlgit.config import NAME as CONFIG
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, metric_evidence
from mlgit.evaluation.model_results import ModelResults, RevisionResults, Table, columns
from mlgit.gate import document, judge
from mlgit.gate.judge import ReviewInput
from mlgit.gate.review import Review
from mlgit.model_settings import Model
from mlgit.monitoring import labels as read_labels
from mlgit.monitoring.truth import Labels, plain
from mlgit.render.text import count, few
from mlgit.revision.refs import Baseline
from mlgit.revision.revisions import Revisions
from mlgit.rules import Gates
from mlgit.serving import answer_differences, log_reader, paired_answers
from mlgit.serving.answer_differences import Agreement, AmountDifferences
from mlgit.serving.paired_answers import PairedAnswers

ComparedVerdict = Literal["pass", "warn", "fail", "invalid"]
# What the answers are called where predictions of a pipeline have a path.
_LOG = "the log"
_ROW_ID = "id"


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
    names = {*wanted, model.label} - {model.prediction, model.score, key}
    truth = read_labels.read_file(Path(labels), key=key, label=model.label, wanted=names)
    return _with_labels(found, model, about, truth, rules_from=deciding.name)


def _of_log(model: Model, label: str | None) -> Model:
    """The model as the log has its rows: no test data stands behind them."""
    plain = replace(model, predictions=_LOG, files=(), repeats="", metrics="", test=(), train=(), tests=(), order="")
    return replace(plain, id=_ROW_ID, key=(), label=label or model.label)


def _about(config: Config, names: set[str]) -> Config:
    """The rules and waivers about metrics of this model; a further test set is none of the log's rows."""
    gates = config.gates
    about = [each for each in gates.rules if each.kind not in ("data", "contract") and not each.on]
    kept = [each for each in about if not each.model or each.model in names]
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


def _with_labels(found: AnswerComparison, model: Model, about: Config, truth: Labels, *, rules_from: str) -> AnswerComparison:
    """What the rows say of both that have a label: judged as a change is, the challenger beside the champion."""
    pairs = found.pairs
    chosen = [place for place, name in enumerate(pairs.ids) if name in truth.places]
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


def _table(pairs: PairedAnswers, side: int, chosen: list[int], model: Model, truth: Labels) -> Table:
    ids = [pairs.ids[place] for place in chosen]
    rows = np.array([truth.places[each] for each in ids])
    found: dict[str, Any] = {name: [values[place] for place in chosen] for name, values in pairs.columns.items()}
    found |= {name: values[rows].tolist() for name, values in truth.columns.items()}
    found |= {model.id: ids, model.prediction: [pairs.predictions[side][place] for place in chosen]}
    found |= {model.score: [pairs.scores[side][place] for place in chosen]} if pairs.scores else {}
    return {name: plain(values) for name, values in found.items()}


def _results(name: str, model: Model, table: Table, about: Config) -> RevisionResults:
    """One side, with every metric that is declared and that rows give."""
    scored = ModelResults(model, table=table)
    asked = dict.fromkeys([*(rule.metric for rule in about.gates.rules if rule.metric), *about.directions])
    found: dict[str, float] = {}
    for metric in asked:
        made = definitions.of(model, metric)
        value = metric_evidence.value(scored, made.metric) if made is not None else None
        if value is not None and math.isfinite(value):
            found[metric] = value
    return RevisionResults(name, {model.name: replace(scored, recorded=found)})
