"""The body of a card: what the commit proves, and between it what people say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlgit.cards import catalogue, changes, review, usage
from mlgit.cards.material import Material
from mlgit.evaluation.model_metrics import ModelEvaluation, ModelMetric
from mlgit.model_settings import Model
from mlgit.registry.facts import DataFile, ModelFile
from mlgit.render.markdown import code_span, fenced, link_target, markdown_table, markdown_text, web_link
from mlgit.render.prose import prose
from mlgit.render.text import count, few, number, plain, size

_MOST_COLUMNS = 60
_NOT_STATED = "not stated"


def body(material: Material, *, gaps: Sequence[review.CardGap]) -> str:
    """The card below its front matter."""
    facts = material.facts
    parts = [
        _part("", [f"# {markdown_text(facts.artifact)}", markdown_text(facts.description), _identity(material)]),
        _part(catalogue.USE, _said(material, catalogue.USE, gaps)),
        _part(catalogue.HOW, [*_how(material), *_said(material, catalogue.HOW, gaps)]),
        _part(catalogue.EVALUATION, [*_evaluation(material), *_said(material, catalogue.EVALUATION, gaps)]),
        _part(catalogue.LIMITS, _said(material, catalogue.LIMITS, gaps)),
        _part(catalogue.DATA, [*_data(material), *_said(material, catalogue.DATA, gaps)]),
        _part(catalogue.TRAINING, [*_training(material), *_said(material, catalogue.TRAINING, gaps)]),
        _part(_changes_title(material), _changes(material)),
        _part(catalogue.UPKEEP, _said(material, catalogue.UPKEEP, gaps)),
        _part("Citation", _citation(material)),
        _part("What this card lacks", _lacks(gaps)),
        _part("Digests", _digests(material)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(title: str, blocks: Iterable[str]) -> str:
    found = [block for block in blocks if block]
    if not found:
        return ""
    return "\n\n".join([f"## {markdown_text(title)}", *found] if title else found)


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return markdown_table(("", ""), [row for row in rows if row[1]])


def _identity(material: Material) -> str:
    facts, notes = material.facts, material.notes
    model = facts.model
    licence = notes.license_name or notes.license
    rows = _pairs(
        (
            ("Type", facts.type),
            ("Task", notes.pipeline_tag),
            ("Labels", ", ".join(facts.labels)),
            ("Library", notes.library_name),
            ("Made from", ", ".join(notes.base_model)),
            ("Licence", f"{licence} ({notes.license_link})" if notes.license_link else licence),
            ("Owners", ", ".join(notes.owners)),
            ("Contact", notes.contact),
            ("Authors of the notes", ", ".join(notes.authors) or _NOT_STATED),
            ("File", ", ".join(part for part in (model.path, model.format, _size(model.size)) if part)),
            ("Loading it", _loading(model)),
        )
    )
    places = [("Repository", notes.repository or _NOT_STATED), ("Paper", notes.paper), ("Demo", notes.demo)]
    return "\n".join([rows, *(f"| {name} | {web_link(place)} |" for name, place in places if place)])


def _loading(model: ModelFile) -> str:
    if model.executes_code is None:
        return "whether it can run code is not known for this format" if model.format else ""
    if not model.executes_code:
        return f"runs no code from the file{f' (with {model.loader})' if model.loader else ''}"
    found = f": {', '.join(model.findings)}" if model.findings else ""
    return f"CAN RUN CODE from the file{found}. Load it only if you trust its makers."


def _size(n_bytes: int | None) -> str:
    return "" if n_bytes is None else size(n_bytes)


def _how(material: Material) -> list[str]:
    """How to have the file, and how to load it."""
    facts = material.facts
    released = f"mlgit model get {facts.artifact} -o {facts.model.path}"
    here = (
        f"{code_span(facts.model.path)} is in Git"
        if material.is_in_git
        else f"{code_span(f'dvc pull {facts.model.path}')} brings the file of this commit"
    )
    there = f"{here}, {code_span(released)} {'brings ' if material.is_in_git else ''}that of a release."
    verb = "pins" if len(facts.environment) == 1 else "pin"
    pins = f" It was made with what {markdown_text(few(sorted(facts.environment)))} {verb}." if facts.environment else ""
    lines = usage.code(facts.model)
    code = fenced(lines, "python") if lines else f"How to load it is {_NOT_STATED}: no loader of this format is known."
    return [there + pins, code]


def _citation(material: Material) -> list[str]:
    told = material.notes.citation
    if not told:
        return [f"{_NOT_STATED.capitalize()}."]
    return [fenced([plain(line) for line in told.strip().splitlines()], "bibtex" if told.lstrip().startswith("@") else "text")]


def _digests(material: Material) -> list[str]:
    """What the parts above are about, to the byte."""
    facts, model = material.facts, material.facts.model
    further = [each for each in facts.data if each.test_set]
    files = [*facts.with_role("train"), *facts.with_role("test"), *further, *facts.with_role("source")]
    rows = [("model", model.path, "md5", model.md5), ("model", model.path, "sha256", model.sha256)]
    rows += [(f"{_role(each)} data", each.path, "md5", each.md5) for each in files]
    rows += [("code", path, "md5", md5) for path, md5 in changes.code(facts).items()]
    rows += [("environment", path, "sha256", digest) for path, digest in sorted(facts.environment.items())]
    return [markdown_table(("of", "file", "", "digest"), [row for row in rows if row[3]])]


def _data(material: Material) -> list[str]:
    facts = material.facts
    further = [each for each in facts.data if each.test_set]
    files = [*facts.with_role("train"), *facts.with_role("test"), *further, *facts.with_role("source")]
    header = ("role", "path", "rows", "columns", "size")
    rows = [_data_row(each, material.columns.get(each.path, ())) for each in files]
    blocks = [markdown_table(header, rows, right=(2, 3, 4))] if rows else []
    for each in files:
        columns = material.columns.get(each.path, ())
        if each.role == "train" and columns:
            blocks.append(f"Columns of {markdown_text(each.path)}: {few(map(markdown_text, columns), most=_MOST_COLUMNS)}.")
    train, test = facts.with_role("train"), facts.with_role("test")
    known = [each.rows for each in (*train, *test)]
    if train and test and None not in known:
        n_train, n_test = (sum(each.rows or 0 for each in files) for files in (train, test))
        share = f" ({n_test / (n_train + n_test):.0%})" if n_train + n_test else ""
        blocks.append(f"Split: {count(n_train, 'row')} for training, {n_test} for the test{share}.")
    return [*blocks, *_leak(material)]


def _leak(material: Material) -> list[str]:
    """What training and test data have in common, which makes every metric too good."""
    train, test = ({each.md5 for each in material.facts.with_role(role)} for role in ("train", "test"))
    if train & test:
        return ["**Training and test data share a file: the metrics below do not tell how it does on new data.**"]
    return _shared(material.shared, "below")


def _shared(shared: tuple[int, int] | None, where: str) -> list[str]:
    if shared is None:
        return []
    found, rows = shared
    told = f"{found} of {count(rows, 'row')} of the test data {'is' if found == 1 else 'are'} in the training data too."
    return [f"**{told} The metrics {where} are too good.**" if found else told]


def _data_row(file: DataFile, columns: Sequence[str]) -> tuple[str, ...]:
    path = file.path if file.n_files is None else f"{file.path}/ ({count(file.n_files, 'file')})"
    rows = "" if file.rows is None else str(file.rows)
    return _role(file), path, rows, str(len(columns) or ""), _size(file.size)


def _role(file: DataFile) -> str:
    return f"{file.role} ({file.test_set})" if file.test_set else file.role


def _training(material: Material) -> list[str]:
    facts = material.facts
    stages = [(step.name, " && ".join(step.cmd.splitlines()), ", ".join(step.outs)) for step in facts.steps]
    blocks = [markdown_table(("stage", "command", "makes"), stages)] if stages else []
    values = list(changes.parameters(facts).items())
    blocks += [markdown_table(("parameter", "value"), values, right=(1,))] if values else []
    seeds = [f"{name} = {value}" for name, value in values if re.search(r"seed|random_state", name.rpartition(".")[2], re.I)]
    recorded = [("Seeds", ", ".join(seeds) or "none among the parameters")]
    recorded += [("Code", few(changes.code(facts)))] if changes.code(facts) else []
    recorded += [("Environment", few(sorted(facts.environment)))] if facts.environment else []
    picked = " ".join(markdown_text(each) for each in material.picked)
    return [f"**Picked from trials.** {picked}" if picked else "", *blocks, _pairs(recorded)]


def _evaluation(material: Material) -> list[str]:
    facts = material.facts
    blocks = [*_measured(material, material.model, material.evaluation, facts.with_role("test")), _plots(material)]
    for each in material.further:
        tested = next((one.test for one in facts.tests if one.name == each.model.test_set), ())
        blocks += [f"### Test set {markdown_text(each.model.test_set)}"]
        blocks += _measured(material, each.model, each.evaluation, tested) or [f"{_NOT_STATED.capitalize()}."]
        blocks += _shared(each.shared, "on it")
    stages = [(step.name, " && ".join(step.cmd.splitlines()), ", ".join(step.outs)) for step in facts.evaluation]
    blocks += [markdown_table(("stage", "command", "makes"), stages)] if stages else []
    values = list(changes.judged_by(facts).items())
    blocks += [markdown_table(("parameter", "value"), values, right=(1,))] if values else []
    return blocks


def _measured(material: Material, model: Model, evaluation: ModelEvaluation, test: Sequence[DataFile]) -> list[str]:
    """What rows and files say of a model on one test set."""
    tested = ", ".join(each.path for each in test)
    on = f" on {count(evaluation.rows, 'row')}" if evaluation.rows is not None else ""
    blocks = [f"Measured{on}{' of ' if on else ' on '}{markdown_text(tested)}." if tested else ""]
    if model.test_set and not tested and on:
        blocks = [f"Measured{on} of {markdown_text(model.predictions)}."]
    if evaluation.seeds or evaluation.folds:
        files = f"{evaluation.seeds} seeds" if evaluation.seeds else f"{evaluation.folds} folds"
        blocks.append(f"Each value that rows give is the mean over {files}.")
    metrics = [replace(each, name=model.named(each.name)) for each in evaluation.metrics]
    rows = [
        _metric_row(each, material.config.direction(plain.name) or "")
        for plain, each in zip(evaluation.metrics, metrics, strict=True)
    ]
    heads = ("metric", "value", f"{number(100 * evaluation.confidence_level)} % interval", "better")
    blocks += [markdown_table(heads, rows, right=(1,))] if rows else []
    notes = [f"- {markdown_text(each.name)}: {markdown_text(each.note)}" for each in metrics if each.note]
    methods: dict[str, list[str]] = {}
    for each in metrics:
        if each.method:
            methods.setdefault(each.method, []).append(each.name)
    told = "; ".join(f"{method} ({', '.join(names)})" for method, names in methods.items())
    blocks.append(f"Intervals hold for this model on rows like these. Methods: {markdown_text(told)}." if told else "")
    return [*filter(None, blocks), *filter(None, ["\n".join(notes)]), *_slices(model, evaluation)]


def _metric_row(each: ModelMetric, direction: str) -> tuple[str, ...]:
    interval = f"{each.low:.4g} to {each.high:.4g}" if each.low is not None and each.high is not None else "–"
    return each.name, number(each.value), interval, direction


def _slices(model: Model, evaluation: ModelEvaluation) -> list[str]:
    names = list(dict.fromkeys(name for each in evaluation.slices for name in each.metrics))
    rows = []
    for each in evaluation.slices:
        values = [each.metrics.get(name) for name in names]
        cells = ["–" if value is None else f"{value:.4g}" for value in values]
        rows.append((f"{each.column} = {each.value}", str(each.rows), *cells))
    heads = map(model.named, names)
    return [markdown_table(("slice", "rows", *heads), rows, right=range(1, len(names) + 2))] if rows else []


def _plots(material: Material) -> str:
    """All plots in one row, each below what it shows."""
    name = posixpath.basename(plot_folder(material.model.card.out))
    captions = [markdown_text(material.captions.get(key, key)) for key in material.plots]
    images = [
        f"![{caption}](<{link_target(f'{name}/{key}.svg')}>)" for key, caption in zip(material.plots, captions, strict=True)
    ]
    lines = [captions, ["---"] * len(captions), images]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) if images else ""


def plot_folder(out: str) -> str:
    """Where a card's plots lie: `cards/churn` for `cards/churn.md`."""
    stem, ending = posixpath.splitext(out)
    return stem if ending else f"{out}.plots"


def _changes_title(material: Material) -> str:
    return f"Changes since {material.replaced.version}" if material.replaced else "Changes"


def _changes(material: Material) -> list[str]:
    replaced = material.replaced
    if replaced is None:
        return ["No version of this model was registered before."]
    rows = changes.changes(replaced.facts, material.facts, config=material.config)
    if not rows:
        return ["Nothing that is recorded differs."]
    return [markdown_table(("what", "name", "before", "now", ""), rows)]


def _said(material: Material, group: str, gaps: Sequence[review.CardGap]) -> list[str]:
    states = {gap.key: gap for gap in gaps}
    blocks = []
    for topic in catalogue.TOPICS:
        is_optional = topic.hf == "optional"
        if topic.group != group or not (topic.key in material.notes.sections or topic.key in states or is_optional):
            continue
        blocks.append(f"### {topic.title}")
        if is_optional and topic.key not in material.notes.sections and topic.key not in states:
            blocks.append(f"{_NOT_STATED.capitalize()}.")
            continue
        gap = states.get(topic.key)
        if gap and gap.state in ("missing", "placeholder"):
            blocks.append(f"*Not written yet. {topic.prompt}*")
            continue
        blocks.append(prose(material.notes.sections[topic.key].text))
        if gap:
            blocks.append(f"**Needs review.** {markdown_text(gap.message)}.")
    return blocks


def _lacks(gaps: Sequence[review.CardGap]) -> list[str]:
    if not gaps:
        return []
    return [markdown_table(("what", "state", ""), [(gap.key, gap.state, gap.message) for gap in gaps])]
