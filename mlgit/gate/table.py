"""A review for a terminal: the verdict first, a line for each rule, then the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mlgit.evaluation import results
from mlgit.evaluation.results import MetricResult, TestedRows
from mlgit.evaluation.suggest import Suggestion
from mlgit.gate import leakage
from mlgit.gate.review import Review
from mlgit.gate.rule_result import RuleResult
from mlgit.render.terminal import paint, table
from mlgit.render.text import count, few, level_of, number, plain, signed, span
from mlgit.revision.refs import Baseline

# Beside the word, so that neither colour nor sign alone tells an outcome.
_SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "inconclusive": "?", "invalid": "⊘", "first": "+", "waived": "~"}
_COLORS = {"pass": "green", "warn": "yellow", "fail": "red", "invalid": "red"}
_ROWS = {
    "paired": "paired by {key}",
    "re-evaluated": "paired by {key}; the test set changed, and the baseline's model was judged on the new rows",
    "unpaired": "not paired",
    "unverified": "single numbers of the baseline only",
    "first": "nothing to compare with",
    "invalid": "invalid",
}


def render(review: Review, *, current: str, color: bool = False) -> str:
    """The whole review as text; `current` is how the current side is called."""
    blocks = [
        [paint(_verdict(review), _COLORS[review.verdict], color=color), plain(_against(review, current)), *_tested(review)],
        [line for each in review.judged for line in _rule(each, color=color)],
        metrics(review.metrics),
        [plain(f"{few(names)}: {about}") for about, names in results.remarks(review.metrics, tested=review.tested).items()],
        _turned(review),
        _changes(review),
        [f"{paint('note:', 'yellow', color=color)} {plain(each)}" for each in review.notes],
    ]
    return "\n\n".join("\n".join(each) for each in blocks if each)


def _verdict(review: Review) -> str:
    effects = Counter(each.effect for each in review.judged)
    unknown = sum(each.effect == "fail" and each.outcome == "invalid" for each in review.judged)
    total = count(len(review.judged), "rule")
    if not review.judged:
        return "invalid: nothing was judged"
    if review.verdict == "invalid":
        return f"invalid: {effects['fail']} of {total} could not be judged"
    if review.verdict == "fail":
        more = f", {unknown} could not be judged" if unknown else ""
        return f"fail: {effects['fail'] - unknown} of {total} failed{more}"
    if review.verdict == "warn":
        return f"warn: {effects['warn']} of {total} warned, none failed"
    others = Counter(each.outcome for each in review.judged if each.outcome != "pass")
    passed = len(review.judged) - others.total()
    return ", ".join([f"pass: {passed} of {total} passed", *(f"{number} {outcome}" for outcome, number in others.items())])


def _against(review: Review, current: str) -> str:
    found = review.baseline
    rules = f"; rules of {review.rules_from}" if review.rules_from and (not found or review.rules_from != found.name) else ""
    return f"{current} vs {_named(found)}{rules}" if found else f"{current}; no baseline has results{rules}"


def _named(found: Baseline) -> str:
    name = found.name if found.commit.startswith(found.name) else f"{found.name} ({found.commit[:7]})"
    told = [f"{count(found.distance, 'commit')} before the one wanted, which has no results"] if found.distance else []
    told += [f"{count(found.age_days, 'day')} older"] if found.age_days else []
    return name + (f", {', '.join(told)}" if told else "")


def _tested(review: Review) -> Iterator[str]:
    for each in review.tested:
        told = f"{each.model}: {each.rows}, " if each.n else f"{each.model}: "
        told += _ROWS[each.how].format(key=each.key)
        told += f" ({each.trouble})" if each.trouble else ""
        yield plain(told + _wear(each))
        yield from _noticed(each)
    for model, said in leakage.worth_telling(review.leakage):
        yield plain(f"{model}: {said}")


def _noticed(tested: TestedRows) -> Iterator[str]:
    """What makes the numbers of both sides less comparable, or less likely, than they look."""
    if tested.changes and tested.changes.told:
        yield plain(f"{tested.model}: the test set changed: {tested.changes.told}")
    if tested.judging:
        yield plain(f"{tested.model}: the code that judges changed: {few(tested.judging)}")
    yield from (plain(f"{tested.model}: {each}") for each in tested.remarks)


def _wear(tested: TestedRows) -> str:
    if not tested.judged:
        told = "how many other models were judged on this test set cannot be counted"
        return f"; {told}: {tested.uncounted}" if tested.uncounted else ""
    models = f"{'at least ' if tested.is_at_least else ''}{count(tested.judged, 'other model')}"
    return f"; {models} {'was' if tested.judged == 1 else 'were'} already judged on this test set"


def _rule(judged: RuleResult, *, color: bool) -> Iterator[str]:
    sign = paint(f"{_SIGNS[judged.outcome]} {judged.outcome}", _COLORS[judged.effect], color=color)
    named = judged.id + (f" ({judged.model})" if judged.model else "")
    told = [f"needs {judged.needs}"] if judged.needs else []
    got = _got(judged)
    told += [f"got {got}"] if got else []
    told += [judged.reason] if judged.reason else []
    yield f"{sign}  {plain(named)}: {plain('; '.join(told))}"
    if judged.settle:
        yield f"    to settle it: {plain(judged.settle)}"


def _got(judged: RuleResult) -> str:
    if judged.delta is not None and judged.kind != "bound":  # that is about the value or the change that its reason tells
        if judged.low is None or judged.high is None:
            return signed(judged.delta)
        low, high, delta = span(judged.low, judged.high, judged.delta)
        return f"{'+' if judged.delta > 0 else ''}{delta} ({low} to {high})"
    return ""


def metrics(found: Iterable[MetricResult]) -> list[str]:
    """Both sides of each metric, their difference, and what it is worth, as the lines of a table."""
    rows = [
        (
            each.metric if not each.better else f"{each.metric} {'↑' if each.better == 'higher' else '↓'}",
            each.model,
            *_numbers(each),
            each.standing,
        )
        for each in found
    ]
    if not rows:
        return []
    interval = level_of(max(each.confidence_level for each in found))
    header = ("metric", "model", "baseline", "current", "difference", interval, "")
    return table(header, rows, right=(2, 3, 4)).split("\n")


def _numbers(row: MetricResult) -> tuple[str, ...]:
    """Both sides, the difference and its interval: with the digits that the interval supports, where there is one."""
    delta = "" if row.delta is None else signed(row.delta)
    if row.low is None or row.high is None or row.baseline is None or row.current is None or row.delta is None:
        return _value(row.baseline), _value(row.current), delta, ""
    low, high, before, now, moved = span(row.low, row.high, row.baseline, row.current, row.delta)
    return before, now, moved if row.delta <= 0 else f"+{moved}", f"{low} to {high}"


def _value(value: float | None) -> str:
    return "" if value is None else number(value)


def _turned(review: Review) -> list[str]:
    return [plain(f"{each.model}: {count(each.fixed, 'row')} fixed, {each.broken} broken") for each in review.turned]


def _changes(review: Review) -> list[str]:
    if not review.rule_changes:
        return []
    lines = [f"changed here (the rules of {review.rules_from} judge, and files are read where each side names them):"]
    for each in review.rule_changes:
        told = {"added": each.now, "removed": each.before, "changed": f"{each.before} → {each.now}"}[each.change]
        lines.append(f"  {each.change} {each.id}: {told}")
    return [plain(line) for line in lines]


def suggestions(found: Mapping[str, tuple[Suggestion, ...]]) -> str:
    """What each test set can show, metric by metric, and which rules ask for more."""
    blocks = []
    for model, rows in found.items():
        cells = [
            (
                each.metric,
                count(each.n_counted or each.n, each.counted),
                str(each.n_discordant),
                _value(each.smallest),
                _value(each.margin),
                "" if each.rows_for_half is None else str(each.rows_for_half),
            )
            for each in rows
            if each.smallest is not None
        ]
        header = ("metric", "rows that count", "of which differ", "smallest that can be shown", "margin", "for half of it")
        lines = [plain(model), *table(header, cells, right=range(1, 6)).split("\n")] if cells else [plain(model)]
        reasons: dict[str, list[str]] = {}
        for each in rows:
            if each.reason:
                reasons.setdefault(each.reason, []).append(each.metric)
        lines += [plain(f"{', '.join(names)}: {reason}") for reason, names in reasons.items()]
        notes: dict[str, list[str]] = {}
        for each in rows:
            if each.note:
                notes.setdefault(each.note, []).append(each.metric)
        lines += [plain(f"{', '.join(names)}: {note}") for note, names in notes.items()]
        for each in rows:
            for rule, needed in each.too_narrow:
                more = (
                    f"more {'folds' if each.counted == 'fold' else 'seeds'} or rows"
                    if needed is None
                    else count(needed, each.counted)
                )
                lines.append(plain(f"rule {rule} asks for more than these rows can tell: {more} would be needed"))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
