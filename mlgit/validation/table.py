"""A table held against its contract, in words: what is broken, where, and such as what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlgit.render.text import count, few
from mlgit.render.text import number as shown_number
from mlgit.validation.finding import BrokenCell, ContractResult, Finding

HEADER = ("column", "rule", "rows", "such as")
# So many columns that a contract does not know are named.
_UNDECLARED = 5
_MOST_ROWS = 100


def headline(result: ContractResult) -> str:
    """One line: whether the data keeps its contract, and how many rules it breaks."""
    named = f"{result.contract.name} (v{result.contract.version})"
    total = count(len(result.findings), "rule")
    match result.outcome:
        case "pass":
            return f"{result.data} keeps {named}: {total}, {count(result.rows, 'row')}"
        case "warn":
            return f"{result.data} keeps {named}, with {count(len(result.broken), 'warning')}: {total}"
        case "fail":
            failed = sum(each.outcome == "fail" for each in result.findings)
            return f"{result.data} breaks {named}: {failed} of {total}"
        case _:
            unknown = sum(each.outcome == "invalid" for each in result.findings)
            return f"{result.data} cannot be held against {named}: {unknown} of {total} could not be evaluated"


def rows(result: ContractResult) -> list[tuple[str, str, str, str]]:
    """A row under HEADER for each rule that did not pass; rules of a column that is not there are told by its absence."""
    absent = {each.check.columns[0] for each in result.broken if each.check.kind == "present"}
    shown = [each for each in result.broken if each.check.kind == "present" or not absent.intersection(each.check.columns)]
    found = [_row(each, has_lines=result.has_lines) for each in shown[:_MOST_ROWS]]
    return [*found, ("…", f"and {len(shown) - _MOST_ROWS} more rules", "", "")] if len(shown) > _MOST_ROWS else found


def notes(result: ContractResult) -> Iterator[str]:
    """What else is worth knowing."""
    if result.undeclared:
        names = few(result.undeclared, most=_UNDECLARED)
        yield f"not in the contract: {names}"


def _row(finding: Finding, *, has_lines: bool) -> tuple[str, str, str, str]:
    check = finding.check
    column = ", ".join(check.columns) or "(table)"
    mark = "warning: " if finding.outcome == "warn" else ""
    if finding.outcome == "invalid":
        return column, check.condition, "?", finding.reason
    if check.kind == "present":
        return column, mark + check.condition, "", "no such column"
    return column, mark + condition(finding), _rows(finding), such_as(finding, has_lines=has_lines)


def condition(finding: Finding) -> str:
    """What was asked for, with its limit where it is one of one's own."""
    check = finding.check
    limit = check.limit.told
    return check.condition if limit == "none" or check.kind == "rows" else f"{check.condition}: {limit}"


def _rows(finding: Finding) -> str:
    if finding.rows is None:
        return ""
    return f"{finding.rows:,}" + (f" ({_share(finding.share)})" if finding.share is not None else "")


def _share(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 1 or not percent else f"{percent:.1g} %" if percent >= 0.01 else "< 0.01 %"


def such_as(finding: Finding, *, has_lines: bool) -> str:
    """Where a rule is broken, and what stands there: `line 101: 999; line 102: -1`."""
    check, word = finding.check, "line" if has_lines else "row"
    if check.kind in ("rows", "query"):
        return f"found {shown_number(finding.value)}" if finding.value is not None else ""
    if check.kind == "freshness":
        return f"{_age(finding.value)} old" if finding.value is not None else "older"
    if check.kind in ("unique", "duplicates"):
        return _twice(finding.samples, word)
    return "; ".join(_place(each, word) for each in finding.samples)


def _place(sample: BrokenCell, word: str) -> str:
    place = f"{f'{sample.part} ' if sample.part else ''}{word} {sample.place}"
    often = f" ({sample.rows:,})" if sample.rows > 1 else ""
    if sample.value is None:
        return place
    return f"{place}: {_quoted(sample.value)}{often}" if sample.value else f"{place}{often}"


def _twice(samples: Sequence[BrokenCell], word: str) -> str:
    """`'81733' at lines 4 and 90211`."""
    by_value: dict[str | None, list[BrokenCell]] = {}
    for each in samples:
        by_value.setdefault(each.value, []).append(each)
    said = []
    for value, same in by_value.items():
        places = " and ".join(f"{f'{each.part} ' if each.part else ''}{each.place}" for each in same)
        where = f"{word}{'s' if len(same) > 1 else ''} {places}"
        said.append(where if value is None else f"{_quoted(value)} at {where}")
    return "; ".join(said)


def _quoted(value: str) -> str:
    """Numbers as they are, texts in quotes."""
    try:
        float(value)
    except ValueError:
        return "'" + value.replace("'", "\\'") + "'"
    return value


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s"
