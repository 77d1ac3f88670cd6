"""A table of trials as text for a terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlgit.experiments.comparison import ComparedTrials, TrialRow
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_columns import TrialColumn
from mlgit.render import terminal
from mlgit.render.markdown import markdown_text
from mlgit.render.terminal import paint
from mlgit.render.text import count, few, number, plain, seconds

_WIDEST = 32  # columns of a terminal for one value
_CSV_FACTS = ("name", "baseline", "ref", "commit", "status", "started", "seconds", "sampler", "sweep", "number")
# What a spreadsheet takes for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(found: tuple[bool, Any]) -> str:
    """A value as people read it; `-` for none."""
    is_there, value = found
    if not is_there:
        return "-"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value)
    return value if isinstance(value, str) else json.dumps(finite(value), ensure_ascii=False)


def label(row: TrialRow) -> str:
    """What stands at the head of a row."""
    return row.trial.name or row.trial.commit[:7]


def table(found: ComparedTrials, *, color: bool = False, columns: int | None = None) -> str:
    """Lines for a terminal, of so many columns where that is given: what does not fit is counted below."""
    has_status = any(row.trial.status != "finished" for row in found.rows)
    head = ["trial", *(["status"] if has_status else [])]
    rows = [[_marked(row), *([_status(row)] if has_status else [])] for row in found.rows]
    shown = list(found.columns)
    cells = [[terminal.cut(plain(cell(each.value(row.trial))), _WIDEST) for each in shown] for row in found.rows]
    if columns is not None:
        shown = shown[: _fitting(head, rows, shown, cells, columns)]
    lines = [[*start, *values[: len(shown)]] for start, values in zip(rows, cells, strict=True)]
    header = [*head, *(terminal.cut(each.label, _WIDEST) for each in shown)]
    text = terminal.table(header, lines, right=range(len(head), len(header))).split("\n")
    painted = [text[0], *(_painted(row, line, color=color) for row, line in zip(found.rows, text[1:], strict=True))]
    return "\n".join(
        [*painted, *(paint(each, "dim", color=color) for each in notes(found, unshown=found.columns[len(shown) :]))]
    )


def _fitting(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    shown: Sequence[TrialColumn],
    cells: Sequence[Sequence[str]],
    columns: int,
) -> int:
    """How many columns fit; one at least."""
    used = sum(2 + max(map(terminal.width, map(plain, parts))) for parts in zip(head, *rows, strict=True)) - 2
    fitting = 0
    for position, each in enumerate(shown):
        used += 2 + max([terminal.width(plain(each.label)), *(terminal.width(values[position]) for values in cells)])
        if used > columns and fitting:
            break
        fitting += 1
    return fitting


def _marked(row: TrialRow) -> str:
    return label(row) + (" *" if row.is_best else " +" if row.is_on_front else "")


def _status(row: TrialRow) -> str:
    return "baseline" if row.is_baseline else row.trial.status


def _painted(row: TrialRow, line: str, *, color: bool) -> str:
    if row.is_baseline:
        return paint(line, "bold", color=color)
    if row.is_best:
        return paint(line, "green", color=color)
    style = {"failed": "red", "killed": "red", "running": "cyan", "queued": "dim"}.get(row.trial.status)
    return paint(line, style, color=color) if style else line


def notes(found: ComparedTrials, *, unshown: Sequence[TrialColumn] = ()) -> Iterator[str]:
    """What a reader of the table has to know, a line each."""
    return map(plain, _notes(found, unshown))


def _notes(found: ComparedTrials, unshown: Sequence[TrialColumn]) -> Iterator[str]:
    if found.best is not None:
        way = "higher" if found.descending else "lower"
        yield f"* best {found.objective} ({way} is better)"
    if any(row.is_on_front and not row.is_best for row in found.rows):
        yield f"+ no other trial is better in all of {few(found.objectives)}"
    if unshown:
        yield f"{count(len(unshown), 'column')} not shown, for want of room: {few([each.label for each in unshown])}"
    if found.same and found.trials:
        first = found.rows[0].trial
        yield f"the same in all rows: {few([f'{each.label}={cell(each.value(first))[:40]}' for each in found.same])}"
    if found.n_left_out:
        yield f"{count(found.n_left_out, 'more trial')}"
    if found.n_filtered:
        yield f"{count(found.n_filtered, 'trial')} did not match"
    for row in found.rows:
        if row.trial.status in ("failed", "killed") and row.trial.message:
            yield f"{label(row)} {row.trial.status}: {row.trial.message.splitlines()[0][:200]}"
    troubled = [row for row in found.rows if row.trial.notes]
    for row in troubled[:5]:
        yield f"{label(row)}: {'; '.join(row.trial.notes)[:300]}"
    if len(troubled) > 5:
        yield f"{count(len(troubled) - 5, 'more trial')} could not be read whole: --json tells why"


def markdown(found: ComparedTrials) -> str:
    """A table for a comment or a page."""
    header = ["trial", *(each.label for each in found.columns)]
    lines = [_line(header), "|" + "---|" + "---:|" * len(found.columns)]
    for row in found.rows:
        cells = [cell(each.value(row.trial)) for each in found.columns]
        name = f"**{markdown_text(label(row))}**" if row.is_best else markdown_text(_marked(row))
        lines.append("| " + " | ".join([name, *map(markdown_text, cells)]) + " |")
    return "\n".join([*lines, "", *(f"{markdown_text(each)}  " for each in notes(found))]).rstrip()


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown_text, cells)) + " |"


def comma_separated(found: ComparedTrials) -> str:
    """CSV: facts, then every metric and parameter. A text that a spreadsheet would take for a formula begins with `'`."""
    columns = (*found.columns, *found.same)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_CSV_FACTS, *(each.label for each in columns)])
    for row in found.rows:
        facts = _facts(row)
        values = [_csv_cell(each.value(row.trial)) for each in columns]
        writer.writerow([*(_csv_cell((facts[name] is not None, facts[name])) for name in _CSV_FACTS), *values])
    return stream.getvalue().rstrip("\n")


def _facts(row: TrialRow) -> Mapping[str, Any]:
    each = row.trial
    known = {**each.document(), "baseline": each.baseline}
    return known | {"name": label(row), "status": _status(row), "number": known["number"] or None}


def _csv_cell(found: tuple[bool, Any]) -> str:
    is_there, value = found
    if not is_there or value is None:
        return ""
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(finite(value), ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def document(found: ComparedTrials) -> dict[str, Any]:
    """The table as JSON: schema 1."""
    baselines = [_baseline(each) for each in found.baselines]
    return {
        "schema": 1,
        "baseline": baselines[0]["commit"] if baselines else None,
        "baselines": baselines,
        "objective": found.objective or None,
        "direction": (("higher" if found.descending else "lower") if found.objective else None),
        "sorted_by": found.sorted_by.label if found.sorted_by else None,
        "best": found.best.name if found.best else None,
        "left_out": found.n_left_out,
        "experiments": [_experiment(row) for row in found.rows if not row.is_baseline],
    }


def _baseline(trial: Trial) -> dict[str, Any]:
    values = {"params": finite(dict(trial.params)), "metrics": finite(dict(trial.metrics)), "notes": list(trial.notes)}
    return {"name": trial.name or trial.commit[:7], "commit": trial.commit, **values}


def _experiment(row: TrialRow) -> dict[str, Any]:
    told: dict[str, Any] = finite(row.trial.document())
    return told | {"baseline": row.trial.baseline, "pareto": row.is_on_front, "notes": list(row.trial.notes)}


def finite(value: Any) -> Any:
    """A value as strict JSON has it: numbers that are none become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def name_lines(trials: Sequence[Trial], *, only_names: bool = False) -> list[str]:
    """A line a trial: its name, and what is known of it."""
    if only_names:
        return [plain(each.name) for each in trials]
    rows = [[each.name, each.status, each.commit[:7], _time(each), each.facts.sweep] for each in trials]
    return terminal.table(["trial", "status", "commit", "took", "search"], rows).split("\n") if rows else []


def _time(trial: Trial) -> str:
    return seconds(trial.facts.seconds) if trial.facts.seconds is not None else "-"
