"""What stands in a report, and in which order: the verdict in a sentence, then what shows it, then all the rest folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlgit.evaluation.results import Leakage, MetricResult, TestedRows, remarks
from mlgit.gate.rule_result import RuleResult
from mlgit.render.text import few
from mlgit.report import details, slice_rows
from mlgit.report.document import Failure, PickedTrial, Report
from mlgit.report.figures import ARROWS, OUTCOME_TONES, SIGNS, STANDING_TONES, STANDINGS, difference, got, level_head, side
from mlgit.report.page import Block, Log, Page, PageSection, PageTable, Paragraph, TextSpan, Words, clipped, code, strong, text
from mlgit.validation.evolution import Evolution

_MOST_NAMED, _MOST_NOTES, _MOST_CODE = 3, 10, 8
_LONGEST_PART = 160
_QUIET = ("same", "no worse")


def page(report: Report, *, previous: str = "") -> Page:
    """The report as a page; `previous` is the sentence of an earlier verdict that no longer holds."""
    if report.state == "nothing changed" and not report.rule_changes:
        return Page(headline(report), (PageSection("top", _top(report, "")),))
    sections = [PageSection("top", _top(report, previous)), PageSection("failure", tuple(_failure(report)))]
    # the verdict, what moved, who is hurt, why: at most three tables, whatever the report holds
    sections += [PageSection("rules changed", tuple(_rule_changes(report))), PageSection("gates", tuple(_gates(report)))]
    sections += [PageSection("metrics", tuple(_metrics(report))), PageSection("hurt slices", tuple(slice_rows.hurt(report)))]
    sections += [PageSection("changed", tuple(_changed(report))), *_changed_rules(report)]
    sections += [*_other_metrics(report), *slice_rows.folded(report), *details.sections(report)]
    return Page(headline(report), tuple(each for each in sections if each.blocks))


def headline(report: Report) -> Words:
    """The verdict in one sentence, none of whose parts is long."""
    return clipped(_headline(report), _LONGEST_PART)


def _headline(report: Report) -> Words:
    if report.state == "run failed":
        failed = report.failure
        return (text("⛔ the run failed: "), *(_ended(failed) if failed else (text("see the log"),)))
    if report.state == "nothing changed" and not report.rule_changes:
        return (text("✅ nothing changed: no metric, parameter, data or stage differs"),)
    if report.state == "invalid" and not report.rules:
        return (text("🚫 no valid comparison: "), text(report.notes[0] if report.notes else "nothing was compared"))
    if report.state == "first" and report.verdict not in ("fail", "invalid"):
        return (text("🆕 first results"), *_names(" for ", [row.metric for row in report.metrics]))
    if not report.rules:
        return (
            text("no gates are declared"),
            *_rows_changed(report),
            *_names(" · differs: ", [row.metric for row in _moved(report)]),
        )
    return (text(_count(report)), *_rows_changed(report), *_worst(report))


def _rows_changed(report: Report) -> Words:
    """Rows that were taken from the judges, given to them, or given another truth."""
    told = [(each.model, each.changes.told) for each in report.tested if each.changes and each.changes.told]
    named = [said if len(report.tested) == 1 else f"{model}: {said}" for model, said in told]
    return (text(f" · test set changed: {'; '.join(named)}"),) if named else ()


def _ended(failed: Failure) -> Words:
    """Which stage, and with what code, where it had one."""
    ended = (text(f" ended with code {failed.code}"),) if failed.code else ()
    return (code(failed.stage), *ended) if failed.stage else (text("see the log"),)


def _count(report: Report) -> str:
    total, noun = len(report.rules), "gate" if len(report.rules) == 1 else "gates"
    failed = sum(rule.effect == "fail" for rule in report.rules)
    invalid = sum(rule.effect == "fail" and rule.outcome == "invalid" for rule in report.rules)
    warned = sum(rule.effect == "warn" for rule in report.rules)
    if report.verdict == "invalid" or (failed and failed == invalid):
        return f"🚫 no valid comparison: {max(invalid, 1)} of {total} {noun} could not judge"
    if failed:
        return f"⛔ {failed} of {total} {noun} failed"
    if warned:
        return f"⚠️ {warned} of {total} {noun} {'warns' if warned == 1 else 'warn'}"
    waived = sum(rule.outcome == "waived" for rule in report.rules)
    return f"✅ {f'all {total} {noun}' if total > 1 else 'the gate'} passed" + (f", {waived} waived" if waived else "")


def _worst(report: Report) -> Words:
    """The rule that decides, with what it found."""
    bad = [rule for rule in report.rules if rule.effect == "fail"] or [rule for rule in report.rules if rule.effect == "warn"]
    if not bad:
        return ()
    rule = bad[0]
    needs = f", needed: {rule.needs}" if rule.needs and rule.outcome not in ("invalid", "first") else ""
    found = rule.reason if rule.outcome in ("invalid", "first", "inconclusive") else got(rule)
    return (text(" · "), code(rule.metric or rule.id), text(f" {found}{needs}"))


def _names(before: str, names: Iterable[str]) -> Words:
    known = list(dict.fromkeys(names))
    if not known:
        return ()
    words: list[TextSpan] = [text(before)]
    for index, name in enumerate(known[:_MOST_NAMED]):
        words += [text(", "), code(name)] if index else [code(name)]
    more = len(known) - _MOST_NAMED
    return (*words, text(f" and {more} more")) if more > 0 else tuple(words)


def _top(report: Report, previous: str) -> tuple[Block, ...]:
    found: list[Block] = []
    if previous and report.state in ("run failed", "invalid"):
        found.append(Paragraph((text("Before: "), TextSpan(previous, "struck"), text(" (no longer holds)"))))
    found.append(Paragraph(_compared(report)))
    if report.is_self_reported:
        why = text("the numbers come from a job that ran this change's own code. They count once a maintainer has run ")
        found.append(Paragraph((strong("Self-reported by a fork: "), why, code("verify"), text(".")), is_notice=True))
    if report.base and report.base.is_old:
        old = text(f"the baseline is {report.base.age_days} days older than this change, more than ")
        allowed = (code("gates.baseline.max_age"), text(" allows."))
        found.append(Paragraph((strong("Old baseline: "), old, *allowed), is_notice=True))
    for tested in report.tested:
        found += _handled(tested)
        found += _noticed(tested)
    found += [_leaked(each) for each in report.leakage if each.leaked != 0]
    found += [notice for each in report.contracts for notice in _contract(each)]
    found += [_picked(each) for each in report.trials[:_MOST_NAMED]]
    told = [*report.notes[:_MOST_NOTES]]
    told += [f"{len(report.notes) - _MOST_NOTES} more notes are in the report"] if len(report.notes) > _MOST_NOTES else []
    return (*found, *(Paragraph((strong("Note: "), text(note)), is_notice=True) for note in told))


def _picked(trial: PickedTrial) -> Paragraph:
    """Where the change is from, where it is one of many that were tried."""
    words = f" {' '.join(trial.told)}" if trial.told else f" {trial.name}"
    title = f"Picked from {trial.n_trials:,} trials:" if trial.n_trials > 1 else "From a trial:"
    return Paragraph((strong(title), text(words)), is_notice=True)


def _noticed(tested: TestedRows) -> Iterator[Block]:
    """What makes the numbers of both sides less comparable, or less likely, than they look."""
    if tested.judging:
        named: list[TextSpan] = []
        for each in tested.judging[:_MOST_CODE]:
            named += [text(", "), code(each)] if named else [code(each)]
        more = len(tested.judging) - _MOST_CODE
        left = (text(f" and {more} more"),) if more > 0 else ()
        yield Paragraph((strong("The code that judges changed: "), *named, *left), is_notice=True)
    for remark in tested.remarks:
        yield Paragraph((strong("Look twice: "), code(tested.model), text(f": {remark}.")), is_notice=True)


def _leaked(found: Leakage) -> Paragraph:
    """Test rows that the model may have learned from; or that nobody could look for them."""
    if found.leaked is None:
        return Paragraph((code(found.model), text(f": {found.told}.")))
    return Paragraph((strong("Leakage: "), code(found.model), text(f": {found.told}.")), is_notice=True)


def _contract(found: Evolution) -> Iterator[Block]:
    """A contract that breaks those who rely on it, or that the data breaks."""
    if found.trouble:
        yield Paragraph((strong("Contract: "), code(found.path), text(f" was not compared: {found.trouble}.")), is_notice=True)
    if breaking := found.breaking("consumer"):
        told = few([each.sentence for each in breaking], most=_MOST_NAMED)
        yield Paragraph((strong("Contract: "), code(found.path), text(f" breaks consumers: {told}.")), is_notice=True)
    if found.kept in ("fail", "invalid"):
        how = "breaks" if found.kept == "fail" else "cannot be held against"
        words = (text(f" {how} "), code(found.contract), text(f": {found.because}."))
        yield Paragraph((strong("Contract: "), code(found.path), *words), is_notice=True)


def _compared(report: Report) -> Words:
    """Which two sides, on which rows."""
    words: list[TextSpan] = [code(report.head.commit[:7] or report.head.name or "workspace")]
    if report.base:
        words += [text(" vs "), text(f"{report.base.name} "), code(report.base.commit[:7])]
        if report.base.distance:
            words.append(text(f", {report.base.found} of the merge base, {report.base.distance} commits before it"))
    for tested in report.tested:
        words += [text(f" · {_rows(tested, several=len(report.tested) > 1)}")]
    return (*words, text(" · "), TextSpan("run", "link", report.run.url)) if report.run.url else tuple(words)


def _rows(tested: TestedRows, *, several: bool) -> str:
    of = f"{tested.model}: " if several else ""
    which = {
        "paired": f"same test set ({tested.rows}{f', paired by {tested.key}' if tested.key else ''})",
        "re-evaluated": f"new test set, the baseline model judged on it again ({tested.rows}, paired by {tested.key})",
        "unpaired": f"another test set ({tested.rows}): unpaired",
        "unverified": "recorded numbers only, which show nothing",
        "first": f"{tested.rows}, nothing to compare with",
        "invalid": "invalid: the rows cannot be compared",
    }
    return of + which[tested.how]


def _handled(tested: TestedRows) -> Iterator[Block]:
    if tested.how == "invalid" or (tested.trouble and tested.how != "unverified"):
        yield Paragraph((strong("Rows cannot be compared: "), code(tested.model), text(f" {tested.trouble}")), is_notice=True)
    elif tested.is_changed:
        how = "the baseline model was run on the new rows" if tested.how == "re-evaluated" else "it shows no difference"
        rows = f": {tested.changes.told}; " if tested.changes and tested.changes.told else " "
        yield Paragraph((strong("The test set changed: "), code(tested.model), text(f"{rows}{how}.")), is_notice=True)


def _failure(report: Report) -> Iterator[Block]:
    failed = report.failure
    if failed:
        if failed.command:
            yield Paragraph((text("Stage "), *_ended(failed), text(": "), code(failed.command)))
        if failed.lines:
            yield Log(failed.lines)


def _rule_changes(report: Report) -> Iterator[Block]:
    if report.rule_changes:
        told = f"It was judged by the rules of {_short(report.rules_from) or 'the baseline'}, and others hold after a merge."
        named = _names(": ", (each.id for each in report.rule_changes))
        yield Paragraph((strong("This change edits the rules it is judged by"), *named, text(f". {told}")), is_notice=True)


def _changed_rules(report: Report) -> Iterator[PageSection]:
    rows = tuple(
        ((code(each.id),), (text(each.change),), (text(each.before or "–"),), (text(each.now or "–"),))
        for each in report.rule_changes
    )
    if rows:
        table = PageTable("Rules that change", ("Rule", "Change", "Judged by", "After a merge"), rows)
        yield PageSection("changed rules", (table,), f"Rules that change: {len(rows)}")


def _short(revision: str) -> str:
    return revision[:7] if re.fullmatch(r"[0-9a-f]{40,64}", revision) else revision


def _moved(report: Report) -> list[MetricResult]:
    return [row for row in report.metrics if row.is_gated or row.standing not in _QUIET or (row.delta or 0) != 0]


def _metrics(report: Report) -> Iterator[Block]:
    """Those with a gate; where none has one, all that differ."""
    shown, others, quiet = _split(report)
    if shown:
        yield _metric_table(report, shown, "Metrics")
    given = [row for row in report.metrics if row.standing != "invalid"]  # which say why in the table
    for about, names in remarks(given, tested=report.tested).items():
        yield Paragraph((*_names("", names), text(f": {about}.")))
    moved = [row for row in others if row.standing in ("worse", "better")]
    if moved:
        named: list[TextSpan] = []
        for row in moved[:_MOST_NAMED]:
            named += [text(", ")] if named else []
            named += [code(row.metric), text(f" {STANDINGS[row.standing]}", tone=STANDING_TONES[row.standing])]
        more = len(moved) - _MOST_NAMED
        yield Paragraph((text("Without a gate: "), *named, text(f" and {more} more" if more > 0 else "")))
    if quiet and not others:
        yield Paragraph((text(f"{quiet} more {'metric is' if quiet == 1 else 'metrics are'} unchanged."),))


def _other_metrics(report: Report) -> Iterator[PageSection]:
    _, others, quiet = _split(report)
    if others:
        unchanged = f", {quiet} unchanged" if quiet else ""
        title = f"Other metrics: {len(others)} {'differs' if len(others) == 1 else 'differ'}{unchanged}"
        yield PageSection("other metrics", (_metric_table(report, others, "Other metrics"),), title)


def _split(report: Report) -> tuple[list[MetricResult], list[MetricResult], int]:
    """The metrics that stand open, the others that differ, and how many do not."""
    moved = sorted(_moved(report), key=lambda row: -abs(row.delta or 0) / (abs(row.baseline or 0) or 1))
    gated = [row for row in moved if row.is_gated]
    quiet = len(report.metrics) - len(moved)
    return (gated, [row for row in moved if not row.is_gated], quiet) if gated else (moved, [], quiet)


def _metric_table(report: Report, shown: Sequence[MetricResult], caption: str) -> PageTable:
    several = len({row.model for row in report.metrics}) > 1
    rows = tuple(_metric(row, several) for row in shown)
    return PageTable(caption, ("Metric", "Baseline", "Now", f"Δ{level_head(shown)}", "Verdict"), rows, frozenset({1, 2, 3}))


def _metric(row: MetricResult, several: bool) -> tuple[Words, ...]:
    name = f"{row.model}: {row.metric}" if several and row.model else row.metric
    named = strong(name) if row.is_gated else text(name)
    verdict = STANDINGS[row.standing] + (f": {row.reason}" if row.reason and row.standing in ("invalid", "changed") else "")
    sides = ((text(side(row, row.baseline)),), (text(side(row, row.current)),))
    return (
        (named, text(ARROWS[row.better])),
        *sides,
        (text(difference(row)),),
        (text(verdict, tone=STANDING_TONES.get(row.standing, "")),),
    )


def _gates(report: Report) -> Iterator[Block]:
    if report.rules:
        order = {"fail": 0, "warn": 1, "pass": 2}
        rows = tuple(_gate(rule) for rule in sorted(report.rules, key=lambda rule: order[rule.effect]))
        yield PageTable("Gates", ("Outcome", "Gate", "Needs", "Got"), rows)


def _gate(rule: RuleResult) -> tuple[Words, ...]:
    found = got(rule)
    told = [found] if found != rule.reason else []
    is_said = rule.outcome == "pass" or (rule.kind == "bound" and rule.outcome in ("fail", "warn"))
    told += [] if told and is_said and not rule.is_recorded else [rule.reason]
    told = [": ".join(filter(None, told))]
    told += [f"To settle it: {rule.settle}"] if rule.settle and rule.outcome != "pass" else []
    sign = f"{SIGNS[rule.outcome]} {rule.outcome}"
    return (
        (text(sign, tone=OUTCOME_TONES.get(rule.outcome, "")),),
        (code(rule.id),),
        (text(rule.needs or "–"),),
        (text(". ".join(filter(None, told)) or "–"),),
    )


def _changed(report: Report) -> Iterator[Block]:
    """What may have caused it, who is hurt, and what these rows could show."""
    words: list[TextSpan] = []
    for each in report.parameters[:_MOST_NAMED]:
        words += [text(" · ")] if words else []
        words += [code(each.name), text(f" {each.old or '–'} → {each.new or '–'}")]
    if len(report.parameters) > _MOST_NAMED:
        words.append(text(f" and {len(report.parameters) - _MOST_NAMED} more parameters"))
    for turned in report.turned:
        words += [text(" · ")] if words else []
        words.append(text(f"{turned.fixed:,} rows fixed, {turned.broken:,} broken"))
    if words:
        yield Paragraph((strong("Changed: "), *words))
