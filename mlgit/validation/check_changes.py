"""The rules of two contracts, paired by what they are about, and which way each of them moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit.validation import directions
from mlgit.validation.contract import NONE, Contract, ContractCheck
from mlgit.validation.directions import Direction

# Quotes stay as they are; between them, space is space and a comment is nothing.
_SQL = re.compile(r"'[^']*'|\"[^\"]*\"|\$\$.*?\$\$|/\*.*?\*/|--[^\n]*|\s+|.", re.DOTALL)
_BROKEN: dict[Direction, str] = {
    "loosens": "consumers",
    "tightens": "producers",
    "both": "consumers and producers",
    "untested": "",
}
_NOUNS = {
    "values": "the values that are valid",
    "pattern": "the pattern",
    "range": "the range",
    "query": "the query",
    "missing": "what counts as missing",
}


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One thing that differs; `old` and `new` are '' where a side has nothing, or where nobody may see it.

    `path` is `COLUMN.WHAT`, `column` the column alone ('' for a rule of the whole table).
    """

    path: str
    old: str
    new: str
    direction: Direction
    sentence: str
    column: str = ""

    @property
    def breaks_whom(self) -> str:
        """Those who see the contract from the side that it breaks, '' for nobody."""
        return _BROKEN[self.direction]


def compare(
    old: Sequence[ContractCheck],
    new: Sequence[ContractCheck],
    *,
    sides: tuple[Contract, Contract],
    whole: Collection[str],
    types: Mapping[str, str],
) -> Iterator[ContractChange]:
    """How the checks moved. `whole` are the columns that came or went, which is told once; `types` those of the others."""
    words = _Words(sides, types)
    before, now = (_grouped(each, whole) for each in (old, new))
    for key in dict.fromkeys([*now, *before]):
        for one, other in _pairs(before.get(key, []), now.get(key, [])):
            if one is None or other is None:
                yield from words.alone(one, other)
            else:
                yield from words.both(one, other)


def _grouped(checks: Iterable[ContractCheck], whole: Collection[str]) -> dict[tuple[object, ...], list[ContractCheck]]:
    """By what they are about, each once; without what the types and the columns themselves tell."""
    found: dict[tuple[object, ...], list[ContractCheck]] = {}
    for each in map(_plain, checks):
        if each.kind == "present" or (each.columns and all(path in whole for path in each.columns)):
            continue
        group = found.setdefault((each.kind, frozenset(each.columns)), [])
        if not any(_same(each, other) for other in group):
            group.append(each)
    return found


def _plain(check: ContractCheck) -> ContractCheck:
    """The same rule in one form: `required` counts what is missing, `unique` duplicates, and none of them may be there."""
    match check.kind:
        case "required":
            return replace(check, kind="missing")
        case "unique":
            return replace(check, kind="duplicates")
        case "missing" if not check.options.get("values"):
            return replace(check, limit=NONE, condition="required", options={}) if _is_none(check) else check
        case "duplicates" if _is_none(check):
            return replace(check, limit=NONE, condition="unique together" if len(check.columns) > 1 else "unique")
        case _:
            return check


def _is_none(check: ContractCheck) -> bool:
    return directions.of_limits(check.limit, NONE, is_count=True) == "untested"


def _pairs(old: list[ContractCheck], new: list[ContractCheck]) -> Iterator[tuple[ContractCheck | None, ContractCheck | None]]:
    """Those that differ: the same first, which are left out, then those of one name, then in their order."""
    ways: tuple[Callable[[ContractCheck, ContractCheck], bool], ...] = (_same, _of_one_name, _any)
    for is_pair in ways:
        for each in list(new):
            found = next((other for other in old if is_pair(other, each)), None)
            if found is not None:
                old.remove(found)
                new.remove(each)
                if is_pair is not _same:
                    yield found, each
    yield from ((each, None) for each in old)
    yield from ((None, each) for each in new)


def _same(one: ContractCheck, other: ContractCheck) -> bool:
    return one.severity == other.severity and one.limit == other.limit and _options(one) == _options(other)


def _of_one_name(one: ContractCheck, other: ContractCheck) -> bool:
    return one.id == other.id


def _any(one: ContractCheck, other: ContractCheck) -> bool:
    return True


def _options(check: ContractCheck) -> dict[str, Any]:
    """What decides, without how it is written."""
    options = {key: value for key, value in check.options.items() if value is not None}
    if "values" in options:
        options["values"] = frozenset(map(directions.level, options["values"]))
    if "query" in options:
        options["query"] = _query(str(options["query"]))
    return options


def _query(text: str) -> str:
    parts: list[str] = []
    for each in _SQL.findall(text):
        part = " " if each.isspace() or each.startswith("--") else each
        if part != " " or parts[-1:] != [" "]:
            parts.append(part)
    return "".join(parts).strip().removesuffix(";").rstrip()


class _Words:
    """Changes in words, as far as they may be told."""

    def __init__(self, sides: tuple[Contract, Contract], types: Mapping[str, str]) -> None:
        self._sides, self._types = sides, types
        hidden = {each for side in sides for each in (*side.classified, *(column.path for column in side.columns))}
        self._private = {
            name.removesuffix("[]").lower()
            for path in hidden
            if any(side.is_private(path) for side in sides)
            for name in (path, path.rpartition(".")[2])
        }

    def alone(self, old: ContractCheck | None, new: ContractCheck | None) -> Iterator[ContractChange]:
        """A rule that came or went. A warning lets all data pass."""
        check = new or old
        assert check
        if check.kind == "type":
            return  # the column tells it
        if check.kind in ("range", "length") and not self._is_hidden(check):
            yield from self._bounds(old, new)
            return
        direction: Direction = "untested" if check.severity == "warning" else "tightens" if new else "loosens"
        told = self._told(check)
        word = "new rule" if new else "no longer"
        sentence = f"{_place(check)}: {word}: {told}{_aside(check)}"
        old_text, new_text = (self._shown(each) if each else "" for each in (old, new))
        yield ContractChange(_path(check), old_text, new_text, direction, sentence, _column(check))

    def both(self, old: ContractCheck, new: ContractCheck) -> Iterator[ContractChange]:
        """A rule that both sides have, and that differs."""
        if new.kind in ("range", "length") and not self._is_hidden(old, new):
            yield from self._bounds(old, new)
            return
        moved = _direction(old, new, self._types.get(_column(new), ""))
        was_guard, is_guard = old.severity == "error", new.severity == "error"
        if moved == "untested" and was_guard is is_guard:
            return  # the same in other words
        direction = moved if was_guard and is_guard else _of_severity(was_guard, is_guard)
        said = [self._step(old, new), *([] if was_guard is is_guard else [_turn(is_guard)])]
        sentence = f"{_place(new)}: {'; '.join(said)}{_aside(new) if was_guard is is_guard else ''}"
        yield ContractChange(_path(new), self._shown(old), self._shown(new), direction, sentence, _column(new))

    def _bounds(self, old: ContractCheck | None, new: ContractCheck | None) -> Iterator[ContractChange]:
        """Each end of a range or length on its own."""
        check = new or old
        assert check
        kind = self._types.get(_column(check), "")
        before, now = (dict(each.options) if each else {} for each in (old, new))
        suffix = ""
        if check.kind == "length":
            suffix = "Items" if kind == "array" else "Length"
            before, now = ({"minimum": each.get("low") or None, "maximum": each.get("high")} for each in (before, now))
            kind = "integer"
        for end in directions.ENDS:
            moved = directions.of_ends(before, now, end, kind=kind)
            if moved == "untested":
                continue
            what = f"{end[:3]}{suffix}" if suffix else end
            first, last = _end_told(before, end), _end_told(now, end)
            told = f"{first} became {last}" if first and last else f"{last} is new" if last else f"{first} is gone"
            path, sentence = f"{_place(check)}.{what}", f"{_place(check)}: {what} {told}"
            yield ContractChange(path, first, last, moved, sentence, _column(check))

    def _step(self, old: ContractCheck, new: ContractCheck) -> str:
        said = []
        before, now = _options(old), _options(new)
        if old.kind == "values" and before.get("values") != now.get("values"):
            said.append(self._levels(old, new))
        elif before != now:
            hidden = self._is_hidden(old, new)
            noun = _NOUNS.get(new.kind, new.kind)
            said.append(f"{noun} changed" if hidden or new.kind == "query" else f"{old.condition} became {new.condition}")
        if old.limit != new.limit:
            noun = "" if new.kind in ("rows", "query") else f"{new.kind} "
            said.append(f"{noun}{old.limit.told} became {new.limit.told}")
        return "; ".join(said) or self._told(new)

    def _levels(self, old: ContractCheck, new: ContractCheck) -> str:
        before, now = ({directions.level(each): each for each in side.options["values"]} for side in (old, new))
        more, less = [each for each in now if each not in before], [each for each in before if each not in now]
        if self._is_hidden(old, new):
            told = [f"{len(more)} more" if more else "", f"{len(less)} fewer" if less else ""]
            return f"valid values: {', '.join(filter(None, told))}"
        told = [f"{_few(more)} is valid too" if more else "", f"{_few(less)} is valid no longer" if less else ""]
        return "; ".join(filter(None, told))

    def _told(self, check: ContractCheck) -> str:
        """A rule with its limit; only what it is about where its values are hidden."""
        condition = _NOUNS.get(check.kind, check.kind) if self._is_hidden(check) else check.condition
        return condition if check.limit == NONE or check.kind == "rows" else f"{condition}: {check.limit.told}"

    def _shown(self, check: ContractCheck) -> str:
        return "" if self._is_hidden(check) else self._told(check)

    def _is_hidden(self, *checks: ContractCheck) -> bool:
        """Whether a rule holds values that may not be seen, on either side: those of a classified column."""
        for check in checks:
            if check.kind not in _NOUNS or (check.kind == "missing" and not check.options.get("values")):
                continue
            if any(side.is_private(path) for side in self._sides for path in check.columns):
                return True
            if self._names_private(str(check.options.get("query", ""))):
                return True
        return False

    def _names_private(self, query: str) -> bool:
        """Whether a query names a classified column, whose name may hold more than letters."""
        text = query.lower().replace('""', '"')
        return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in self._private if name in text)


def _direction(old: ContractCheck, new: ContractCheck, kind: str) -> Direction:
    before, now, limit = _options(old), _options(new), new.limit
    counted = new.kind not in ("query", "rows")
    found: list[Direction] = [directions.of_limits(old.limit, limit, is_count=counted or new.kind == "rows")]
    match new.kind:
        case "range":
            sides = (old.options, new.options)
            found += [directions.of_ends(*sides, end, kind=kind) for end in directions.ENDS]
        case "multiple":
            found.append(directions.of_multiples(before["of"], now["of"]))
        case "values":
            found.append(directions.of_levels(old.options["values"], new.options["values"], limit))
            found.append(_of_pattern(before.get("pattern"), now.get("pattern"), limit))
        case "missing":
            marked = directions.of_levels(old.options.get("values", ()), new.options.get("values", ()), limit)
            found.append(directions.turned(marked))
            if ("within" in before) is not ("within" in now):  # of objects that are there, or in every row
                found.append(directions.of_count(limit, is_more="within" not in now))
        case "pattern":
            found.append(_of_pattern(before.get("pattern"), now.get("pattern"), limit))
        case "freshness":
            found.append(_of_numbers(before["seconds"], now["seconds"]))
        case _:
            found.append("both" if before != now else "untested")
    return directions.joined(found)


def _of_pattern(old: object, new: object, limit: Any) -> Direction:
    """Nobody can tell which texts two patterns share."""
    if old == new:
        return "untested"
    return "both" if old and new else directions.of_count(limit, is_more=bool(new))


def _of_numbers(old: float, new: float) -> Direction:
    return "untested" if old == new else "tightens" if new < old else "loosens"


def _of_severity(was_guard: bool, is_guard: bool) -> Direction:
    """A failure that is a warning now, or no longer; between warnings nothing can fail."""
    return "untested" if was_guard is is_guard else "tightens" if is_guard else "loosens"


def _turn(is_guard: bool) -> str:
    return "a failure is no warning any more" if is_guard else "a failure is a warning only"


def _aside(check: ContractCheck) -> str:
    return " (a warning only)" if check.severity == "warning" else ""


def _place(check: ContractCheck) -> str:
    return ", ".join(check.columns) or "the table"


def _column(check: ContractCheck) -> str:
    return check.columns[0] if check.columns else ""


def _path(check: ContractCheck) -> str:
    """`COLUMN.WHAT`; rules with a name of their own stand below their column."""
    return check.id if not check.columns or check.id.startswith(f"{check.columns[0]}.") else f"{check.columns[0]}.{check.id}"


def _end_told(side: Mapping[str, Any], end: str) -> str:
    value, beyond = side.get(end), side.get(f"exclusive{end.capitalize()}")
    word = "above" if end == "minimum" else "below"
    told = [str(value)] if value is not None else []
    return " and ".join([*told, f"{word} {beyond}"] if beyond is not None else told)


def _few(values: Sequence[str]) -> str:
    shown = [repr(each) for each in values[:5]]
    return ", ".join([*shown, f"{len(values) - 5} more"] if len(values) > 5 else shown)
