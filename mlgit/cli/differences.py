"""What takes reading whole tables to tell: what predictions prove, and how far the values in data that differs have moved."""

from __future__ import annotations

from dataclasses import replace

from mlgit.cli import reviewing
from mlgit.compare import judging, measuring, moved, predictions, tables
from mlgit.compare.diff import Diff
from mlgit.compare.joining import Joined
from mlgit.compare.review import Moved, Tested
from mlgit.compare.scores import asked
from mlgit.compare.snapshot import Point
from mlgit.compare.turned import turned
from mlgit.project import Project

# About five seconds of reading.
_MOST_BYTES = 256 << 20


def changed_tables(project: Project, before: Point, now: Point, diff: Diff) -> tuple[Moved, ...]:
    """For each table on both sides that differs, rows, columns, and how far the values of each column moved.

    Columns that name rows are left out. Where there is too much to read, small tables go first.
    """
    found: dict[str, Moved] = {}
    read, total = [], 0
    for path, size in sorted(diff.changed_tables.items(), key=lambda each: each[1]):
        total += size
        if total <= _MOST_BYTES:
            read.append(path)
        else:
            found[path] = Moved(path, reason=f"more than {_MOST_BYTES >> 20} MiB of tables differ, so it was not read")
    keys = {model.id for side in (diff.base, diff.head) for model in side.config.models.values() if model.id}
    old, new = tables.read(project, before, read), tables.read(project, now, read)
    found |= {path: moved.moved(path, old.get(path), new.get(path), keys=keys) for path in read}
    return tuple(found[path] for path in diff.changed_tables)


def compared_rows(project: Project, before: Point, now: Point, diff: Diff) -> Diff:
    """The diff with what the predictions of both sides say of each model, row by row, as `mlgit gate` compares them.

    No stage runs for it: where the test data differs, the old model counts only if it was evaluated on the new rows before.
    """
    gates = diff.base.config.gates if diff.base.config.gates.rules else diff.head.config.gates
    deciding = replace(diff.head.config, gates=gates)
    baseline, current = (
        predictions.read(project, point, asked(deciding, side.config if side.config.models else None), gates=gates)
        for point, side in ((before, diff.base), (now, diff.head))
    )
    again = reviewing.again(project, deciding, diff.head.config, before.commit, baseline, current, now, run=False)
    case = judging.Case(deciding, diff.head.config, "", current=current, baseline=baseline, again=again)
    models = {name: each for name, each in judging.joined(case).items() if not each.is_void}
    return replace(
        diff,
        tested=tuple(_tested(case, each) for each in models.values()),
        measured=measuring.measured(measuring.Seen(deciding, models), gates.rules),
        rows=tuple(found for each in models.values() if each.rows and (found := turned(each.rows))),
    )


def _tested(case: judging.Case, joined: Joined) -> Tested:
    """With what would mend it, for a diff has no other place to say so."""
    found = judging.tested_by(case, joined)
    return replace(found, trouble=f"{found.trouble}; {joined.settle}") if found.trouble and joined.settle else found
