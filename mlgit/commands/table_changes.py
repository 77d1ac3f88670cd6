"""What takes reading whole tables to tell: what predictions show, and how far the values in data that differs have moved."""

from __future__ import annotations

from dataclasses import replace

from mlgit.commands import review
from mlgit.diff.diff import Diff
from mlgit.evaluation import leakage, metric_table, predictions
from mlgit.evaluation.model_pair import ModelPair
from mlgit.evaluation.model_results import asked, by_address
from mlgit.evaluation.prediction_flips import of_pair
from mlgit.evaluation.results import Leakage, TestedRows
from mlgit.gate import judge
from mlgit.revision import data_tables
from mlgit.revision.revision import Revision
from mlgit.tables import drift
from mlgit.tables.drift import TableDrift

# About five seconds of reading.
_MOST_BYTES = 256 << 20


def changed_tables(before: Revision, now: Revision, diff: Diff) -> tuple[TableDrift, ...]:
    """For each table on both sides that differs, rows, columns, and how far the values of each column moved.

    Columns that name rows are left out. Where there is too much to read, small tables go first.
    """
    found: dict[str, TableDrift] = {}
    read, total = [], 0
    for path, size in sorted(diff.changed_tables.items(), key=lambda each: each[1]):
        total += size
        if total <= _MOST_BYTES:
            read.append(path)
        else:
            found[path] = TableDrift(path, reason=f"more than {_MOST_BYTES >> 20} MiB of tables differ, so it was not read")
    models = [each for side in (diff.base, diff.head) for each in by_address(side.config.models).values()]
    keys = {key for model in models for key in model.keys}
    old, new = data_tables.read(before, read), data_tables.read(now, read)
    found |= {path: drift.measure(path, old.get(path), new.get(path), keys=keys) for path in read}
    return tuple(found[path] for path in diff.changed_tables)


def leaked(now: Revision, diff: Diff) -> tuple[Leakage, ...]:
    """What the training data of each model holds of its test data."""
    models, declared = (by_address(side.config.models) for side in (diff.head, diff.base))
    return leakage.look(now, models, declared=declared)


def compared_rows(before: Revision, now: Revision, diff: Diff) -> Diff:
    """The diff with what the predictions of both sides say of each model, row by row, as `mlgit gate` compares them.

    No stage runs for it: where the test data differs, the old model counts only if it was evaluated on the new rows before.
    """
    gates = diff.base.config.gates if diff.base.config.gates.rules else diff.head.config.gates
    deciding = replace(diff.head.config, gates=gates)
    baseline, current = (
        predictions.read(revision, asked(deciding, side.config if side.config.models else None), gates=gates)
        for revision, side in ((before, diff.base), (now, diff.head))
    )
    again = review.reevaluated(deciding, diff.head.config, before, now, baseline, current, run=False)
    case = judge.ReviewInput(
        deciding, diff.head.config, "", current=current, baseline=baseline, again=again, private=review.classified(before, now)
    )
    models = {name: each for name, each in judge.joined(case).items() if not each.is_void}
    return replace(
        diff,
        tested=tuple(_tested(case, each) for each in models.values()),
        measured=metric_table.measured(metric_table.Seen(deciding, models), gates.rules),
        rows=tuple(found for each in models.values() if (found := of_pair(each))),
    )


def _tested(case: judge.ReviewInput, joined: ModelPair) -> TestedRows:
    """With what would mend it, for a diff has no other place to say so."""
    found = judge.tested_by(case, joined)
    return replace(found, trouble=f"{found.trouble}; {joined.settle}") if found.trouble and joined.settle else found
