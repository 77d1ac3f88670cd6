"""The words of a diff, the same on terminals and in Markdown: a row of texts for everything that is shown."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mlgit.diff.cause import Cause, causes
from mlgit.diff.diff import DataChange, Diff, Difference, MetricChange, StageChange
from mlgit.evaluation import results
from mlgit.render.text import MOST_NAMES, count, few, level_of, number, signed, size
from mlgit.revision.snapshot import Data, Snapshot

if TYPE_CHECKING:
    from mlgit.evaluation.results import Flips, MetricResult
    from mlgit.tables.drift import TableDrift

_LONGEST = 48
_HOW = {
    "re-evaluated": ", the old model evaluated again on the new rows",
    "unpaired": ", not the same on both sides",
}
_MOST_NOTES = 8
# A population stability index below it is commonly read as stable (Siddiqi 2006, Credit Risk Scorecards).
STABLE = 0.1
# Whether the data of the later side keeps its contract.
KEPT = {
    "pass": "keeps it",
    "warn": "keeps it, with warnings",
    "fail": "breaks it",
    "invalid": "cannot be held against it",
}
_VERDICTS = {"unknown-direction": "direction not declared", "unknown": "not compared"}


class DiffSection(NamedTuple):
    """A table: its title, the head of its columns, its rows, and which columns hold numbers."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    right: tuple[int, ...] = ()


def heading(diff: Diff) -> str:
    """What is compared with what."""
    return f"diff {diff.base.label} -> {diff.head.label}"


def sections(diff: Diff, *, everything: bool) -> list[DiffSection]:
    """The tables that have a row; `everything` shows what is the same too."""
    names = diff.base.short, diff.head.short
    several = len({row.file for row in diff.metrics}) > 1
    shown = [(row, diff.measure(row)) for row in diff.metrics if everything or row.verdict != "same"]
    only = [each for each in diff.measured_only if everything or each.standing != "same"]
    has_interval = any(found and found.low is not None for found in (*only, *(found for _, found in shown)))
    metrics = [_metric(row, found, diff, several=several, has_interval=has_interval) for row, found in shown]
    metrics += [_of_rows(each, diff, has_interval=has_interval) for each in only]
    together = sum(found.pvalue is not None for found in diff.measured)
    interval = (_level(diff), "p (adjusted)" if together > 1 else "p") if has_interval else ()
    parameters = [
        (
            _clipped(row.key if row.file == "params.yaml" else f"{row.file}:{row.key}"),
            "" if row.change == "added" else value(row.old),
            "" if row.change == "removed" else value(row.new),
        )
        for row in diff.parameters
        if everything or row.change != "same"
    ]
    data = [(row.path, row.change, _size(row), _inside(row)) for row in diff.data if everything or row.change != "same"]
    stages = [row for change in diff.stages if everything or change.change != "same" for row in _stage(change)]
    found = (
        DiffSection("Metrics", ("metric", *names, "change", *interval, ""), metrics, (1, 2, 3)),
        DiffSection("Rows", ("model", "test rows", "fixed", "broken", "such as"), _rows(diff), (2, 3)),
        DiffSection("Causes", ("metrics", "differs upstream", "stage"), list(_causes(diff))),
        DiffSection("Parameters", ("parameter", *names), parameters),
        DiffSection("Data and outputs", ("path", "content", "size", "inside"), data),
        DiffSection("Tables", ("path", "how far values moved"), [_table(row) for row in diff.tables]),
        DiffSection("Contracts", ("data", "what", "moves", "breaks", "how"), list(_contracts(diff, everything=everything))),
        DiffSection("Stages", ("stage", "what differs"), stages),
    )
    return [section for section in found if section.rows]


def _of_rows(found: MetricResult, diff: Diff, *, has_interval: bool) -> tuple[str, ...]:
    """A metric that no file records."""
    if told := _with_interval(found.metric, found):
        return told
    base, head = ("" if each is None else value(each) for each in (found.baseline, found.current))
    delta = "" if found.delta is None else signed(found.delta)
    verdict = _not_shown(found, diff) or found.standing
    return _clipped(found.metric), base, head, delta, *(["", ""] if has_interval else []), verdict


def _with_interval(name: str, found: MetricResult) -> tuple[str, ...]:
    """What rows say of a metric; () where they do not give an interval."""
    if found.low is None or found.high is None:
        return ()
    places = _places(found.high - found.low)
    values = [f"{each:.{places}f}" for each in (found.baseline, found.current) if each is not None]
    delta, low, high = (f"{each:+.{places}f}" for each in (found.delta or 0, found.low, found.high))
    return _clipped(name), *values, delta, f"{low} to {high}", _chance(found), found.standing


def _metric(row: MetricChange, found: MetricResult | None, diff: Diff, *, several: bool, has_interval: bool) -> tuple[str, ...]:
    """What is recorded; where rows were compared, what they say, for the baseline can be one evaluated again."""
    name = f"{row.file}:{row.name}" if several or not row.name else row.name
    if found is not None and (told := _with_interval(name, found)):
        return told
    base, head = ("" if each is None else value(each) for each in (row.base, row.head))
    delta = "" if row.delta is None else signed(row.delta)
    verdict = _not_shown(found, diff) or _VERDICTS.get(row.verdict, row.verdict)
    return _clipped(name), base, head, delta, *(["", ""] if has_interval else []), verdict


def _chance(found: MetricResult) -> str:
    """The p-value of no difference, and what it is among those of the other metrics."""
    told = [_digits(each) for each in (found.pvalue, found.pvalue_adjusted) if each is not None]
    return f"{told[0]} ({told[1]})" if len(told) == 2 and told[0] != told[1] else "".join(told[:1])


def _digits(pvalue: float) -> str:
    return "<0.001" if pvalue < 0.001 else f"{pvalue:.3f}" if pvalue < 0.1 else f"{pvalue:.2f}"


def _places(width: float) -> int:
    """As many as show two digits of an interval's width: more would be noise."""
    return min(8, max(0, 1 - math.floor(math.log10(width)))) if width > 0 else 4


def _not_shown(found: MetricResult | None, diff: Diff) -> str:
    """The word for a metric of a model whose rows do not tell it."""
    if found is None or found.standing not in ("unverified", "invalid", "inconclusive"):
        return ""
    how = next((each.how for each in diff.tested if each.model == found.model), None)
    return "of other rows" if how == "unpaired" else found.standing


def _level(diff: Diff) -> str:
    levels = {each.confidence_level for each in diff.measured if each.low is not None}
    return level_of(min(levels, default=0.9))


def _rows(diff: Diff) -> list[tuple[str, ...]]:
    """For each model whose rows were compared: how many, and which became right or wrong."""
    turned = {each.model: each for each in diff.rows}
    found: list[tuple[str, ...]] = []
    for each in diff.tested:
        counts = turned.get(each.model)
        if counts or each.n:
            keyed = f"{each.n} by {_clipped(each.key)}" if each.key else str(each.n)
            numbers = (str(counts.fixed), str(counts.broken)) if counts else ("", "")
            found.append((each.model, f"{keyed}{_HOW.get(each.how, '')}", *numbers, _examples(counts) if counts else ""))
    return found


def _examples(counts: Flips) -> str:
    """The first rows that broke, or else that were fixed."""
    word, total, keys = (
        ("broken", counts.broken, counts.broken_keys) if counts.broken else ("fixed", counts.fixed, counts.fixed_keys)
    )
    return f"{word}: {few(map(_clipped, keys), total=total)}" if keys else ""


def _causes(diff: Diff) -> Iterator[tuple[str, ...]]:
    """For each metrics file that differs, what differs on the way to it, one thing in a row."""
    for file, found in causes(diff).items():
        named = _few(row.name for row in diff.metrics if row.file == file and row.verdict != "same")
        stages: dict[str, list[str]] = {}
        for cause in found:
            stages.setdefault(because(cause), []).append(cause.stage)
        rows = stages or {"nothing: it differs by chance, or by what is not declared": []}
        for index, (text, readers) in enumerate(rows.items()):
            yield "" if index else named, text, _few(readers)


def because(cause: Cause) -> str:
    """A cause in a few words."""
    if cause.kind == "stage":
        return f"stage {cause.change}"
    if cause.kind == "command":
        return f"command: {_clipped(cause.old)} -> {_clipped(cause.new)}"
    if cause.kind != "parameter":
        return f"{cause.kind} {cause.change}: {_clipped(cause.name)}"
    name = _clipped(cause.name)
    if cause.change == "changed":
        return f"{name}: {value(cause.old)} -> {value(cause.new)}"
    return f"{name}: {cause.change} ({value(cause.new if cause.change == 'added' else cause.old)})"


def value(settled: Any) -> str:
    """A value as people write it, cut where it is long."""
    match settled:
        case None:
            return "null"
        case bool():
            return "true" if settled else "false"
        case int() | float():
            return _clipped(number(settled))
        case str():
            return _clipped(settled) if settled.strip() else json.dumps(settled)
        case _:
            return _clipped(json.dumps(settled, ensure_ascii=False))


def _clipped(text: str) -> str:
    level = text.replace("\t", "\\t")  # a tab would push the columns apart
    return level if len(level) <= _LONGEST else f"{level[: _LONGEST - 1]}…"


def _size(row: DataChange) -> str:
    return _step(*(size(each.digest.size) if each and each.digest else None for each in (row.old, row.new)))


def _inside(row: DataChange) -> str:
    """How many files or rows are inside, and which columns came or went."""
    files = _step(*(_files(each) for each in (row.old, row.new)))
    tables = [each.shape if each else None for each in (row.old, row.new)]
    if row.old and row.new and None in tables:  # one side's numbers would be taken for both
        tables = []
    rows = _step(*(f"{each.rows}" if each else None for each in tables)) if tables else ""
    columns = _step(*(f"{len(each.columns)}" if each else None for each in tables)) if tables else ""
    moved = [f"+{name}" for name in row.columns_added] + [f"-{name}" for name in row.columns_removed]
    moved += [f"{number} {how}" for how, number in (row.files or {}).items() if number]
    counted = [f"{number} {noun}" for number, noun in ((files, "files"), (rows, "rows"), (columns, "columns")) if number]
    return ", ".join(counted) + (f" ({_few(moved)})" if moved else "")


def _table(row: TableDrift) -> tuple[str, ...]:
    """The columns that moved most, as far as an index is large enough to matter."""
    far = [f"{_clipped(name)} {index:.2f}" for name, index in row.moved if index >= STABLE]
    told = [f"retyped: {_few(row.retyped)}"] if row.retyped else []
    told += [f"moved (index): {few(far)}"] if far else []
    stable = sum(index < STABLE for _, index in row.moved)
    told += [f"{count(stable, 'column')} stable"] if stable else []
    return row.path, "; ".join([*told, *filter(None, [row.reason])]) or "no column could be compared"


def _contracts(diff: Diff, *, everything: bool) -> Iterator[tuple[str, ...]]:
    """For each file of data, what became of its contract, and whether the data keeps it."""
    for found in diff.contracts:
        rows: list[tuple[str, ...]] = [
            (_clipped(each.path), each.direction, each.breaks_whom, each.sentence) for each in found.changes
        ]
        if found.trouble:
            rows = [("", "unknown", "", found.trouble)]
        if wrong := found.version_told("consumer"):
            rows.append(("version", "", "", wrong))
        if found.kept:
            rows.append(("the data", "", "", KEPT[found.kept] + (f": {found.because}" if found.because else "")))
        if not rows and everything:
            rows = [("", "same", "", "")]
        for index, row in enumerate(rows):
            yield "" if index else found.path, *row


def _files(data: Data | None) -> str | None:
    digest = data.digest if data else None
    return None if digest is None or digest.nfiles is None or digest.nfiles < 0 else str(digest.nfiles)


def _step(old: str | None, new: str | None) -> str:
    """`old -> new`, or the one of them that there is."""
    return old or new or "" if old is None or new is None or old == new else f"{old} -> {new}"


def _stage(row: StageChange) -> list[tuple[str, str]]:
    if not row.differences:
        return [(row.address, row.change)]
    told = enumerate(sentences(row.differences))
    return [("" if index else row.address, sentence) for index, sentence in told]


def sentences(differences: Iterable[Difference]) -> list[str]:
    """One sentence for each kind of difference, with the names of all that share it."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in differences:
        if each.kind == "command":
            grouped["command", "changed"] = [f"{_clipped(each.old)} -> {_clipped(each.new)}"]
        else:
            grouped.setdefault((each.kind, each.change), []).append(each.name)
    return [f"{kind} {change}: {_few(names)}" for (kind, change), names in grouped.items()]


def _few(names: Iterable[str]) -> str:
    return few(map(_clipped, names))


def summary(diff: Diff, *, everything: bool) -> str:
    """The last line: how much is the same, so that it is seen what was compared at all."""
    same = {
        "metric": sum(row.verdict == "same" for row in diff.metrics),
        "parameter": sum(row.change == "same" for row in diff.parameters),
        "file or folder": sum(row.change == "same" for row in diff.data),
        "stage": sum(row.change == "same" for row in diff.stages),
    }
    counted = [_counted(number, noun) for noun, number in same.items() if number]
    if not counted:
        return ""
    if diff.is_empty:
        return f"no differences: {_and(counted)} {'is' if sum(same.values()) == 1 else 'are'} the same"
    return "" if everything else f"the same: {_and(counted)} (--all shows them)"


def _counted(number: int, noun: str) -> str:
    return (
        "1 file or folder"
        if (number, noun) == (1, "file or folder")
        else (f"{number} files and folders" if noun == "file or folder" else count(number, noun))
    )


def _and(texts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def remarks(diff: Diff) -> list[tuple[str, str]]:
    """What a reader has to know beside the tables: sentences, each with what to do about it (or '')."""
    found = [remark for side in (diff.base, diff.head) for remark in _notes(side)]
    for name in diff.turned:
        before, now = diff.base.config.direction(name), diff.head.config.direction(name)
        found.append((f"mlgit.yaml turns the direction of {name}: {before} -> {now or 'not declared'}", ""))
    found += [(f"{each.model}: {each.trouble}", "") for each in diff.tested if each.trouble]
    found += [(f"{few(names)}: {about}", "") for about, names in results.remarks(diff.measured, tested=diff.tested).items()]
    found += [(f"{each.model}: {each.told}", "take them out of one of both") for each in diff.leakage if each.leaked]
    if diff.undeclared:
        found.append(
            (f"which way is better is not declared for {_few(diff.undeclared)}", f"add to mlgit.yaml: {line_to_add(diff)}")
        )
    return found


def _notes(side: Snapshot) -> list[tuple[str, str]]:
    shown = [(f"{side.label}: {note.message}", note.hint) for note in side.notes[:_MOST_NOTES]]
    left = len(side.notes) - len(shown)
    return [*shown, (f"{side.label}: {count(left, 'more note')}", "`--format json` has them all")] if left else shown


def line_to_add(diff: Diff) -> str:
    """The line of mlgit.yaml that declares the directions that are missing; the direction itself is for people to say."""
    names = [name if re.fullmatch(r"[A-Za-z_][\w.-]*", name) else json.dumps(name) for name in diff.undeclared[:MOST_NAMES]]
    return "metrics: {" + ", ".join(f"{name}: {{direction: higher}}" for name in names) + "} (or lower)"


def why_nothing(base: Snapshot, head: Snapshot) -> str:
    """Why two sides had nothing in common."""
    empty = [side.label for side in (base, head) if side.is_empty]
    if empty:
        return f"no stage, metric, parameter or data in {' and '.join(empty)}"
    return f"{base.label} and {head.label} have no metric, parameter, data or stage in common that could be read"
