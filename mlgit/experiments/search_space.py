"""What a search may set: parameters with the values that are listed for them, or with the range that they are drawn from.

train.lr=0.1,0.2         one of the values
train.layers=[64,32]     one value, which is a list
train.name="a,b"         a text with a comma
train.depth=2..8         a whole number from 2 to 8
train.lr=1e-4..1e-1/log  a number, as likely in each power of ten
train.rate=0..0.5/0.1    0, 0.1, ... 0.5
conf/net.yaml:width=1,2  a parameter of another file than params.yaml
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mlgit.errors import MlgitError
from mlgit.experiments.number_range import NumberRange

DEFAULT_FILE = "params.yaml"
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"\s*(?P<low>{_NUMBER})\s*\.\.\s*(?P<high>{_NUMBER})\s*(?:/\s*(?P<end>.*?))?\s*", re.DOTALL)
# What begins so was meant as a range, whatever follows: `1..x`.
_NEARLY = re.compile(rf"\s*{_NUMBER}\s*\.\.")
_LONGEST_NUMBER = 32
_LARGEST = 1e300
_MOST_CHOICES = 10_000
_MOST_STEPS = 1 << 53
_SHOWN = 40
_CLOSED_BY = {"[": "]", "{": "}"}
_QUOTED = re.compile(r"""\"(?:\\.|[^"\\])*\"|'(?:''|[^'])*'""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A parameter of a search: the values it may have (one, where it is set and not searched), or its range.

    `text` is what was typed.
    """

    file: str
    key: str
    choices: tuple[Any, ...] = ()
    span: NumberRange | None = None
    text: str = ""

    @property
    def name(self) -> str:
        """`[FILE:]KEY`, as parameters are named in a trial's facts."""
        return self.key if self.file == DEFAULT_FILE else f"{self.file}:{self.key}"

    @property
    def size(self) -> int | None:
        """How many values there are; None for a range of fractions."""
        return len(self.choices) if self.span is None else self.span.size

    def value(self, index: int) -> Any:
        """One of the values, in the order in which they were typed."""
        return self.choices[index] if self.span is None else self.span.value(index)

    def draw(self, share: Fraction) -> Any:
        """The value below which such a share (from 0, less than 1) of all draws lies."""
        return self.choices[int(share * len(self.choices))] if self.span is None else self.span.draw(share)

    def index(self, value: Any) -> int | None:
        """Which of its values one is; None for one that is none of them."""
        wanted = exactly(value)
        if self.span is None:
            return next((place for place, each in enumerate(self.choices) if exactly(each) == wanted), None)
        return self.span.index(value)


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The parameters of a search, in the order in which they were given."""

    dimensions: tuple[Dimension, ...] = ()

    @property
    def size(self) -> int | None:
        """How many different settings there are; None where a range of fractions is among them."""
        sizes = [each.size for each in self.dimensions]
        known = [each for each in sizes if each is not None]
        return math.prod(known) if len(known) == len(sizes) else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What was typed for each."""
        return tuple(each.text for each in self.dimensions)

    def at(self, index: int) -> dict[str, Any]:
        """One of the settings of a space that has a size: the last parameter changes first, as digits of a number do."""
        found: dict[str, Any] = {}
        for each in reversed(self.dimensions):
            size = each.size
            assert size
            index, place = divmod(index, size)
            found[each.name] = each.value(place)
        return {each.name: found[each.name] for each in self.dimensions}


def exactly(value: Any) -> str:
    """A text that is the same for the same value only: 1, 1.0, true and "1" are four."""
    return json.dumps(value)


def setting(changes: Mapping[str, Any]) -> str:
    """A text that is the same for the same parameters with the same values only."""
    return exactly(sorted(changes.items(), key=lambda each: each[0]))


def parse(texts: Sequence[str], *, value_of: Callable[[str], Any]) -> SearchSpace:
    """The space that each `--set [FILE:]PARAM=VALUES` adds a parameter to; `value_of` reads one value as YAML 1.2.

    Raises MlgitError for what is no such text, and for a parameter that is given twice.
    """
    found: dict[str, Dimension] = {}
    for text in texts:
        each = _dimension(text, value_of)
        for other in found.values():
            _check_apart(each, other)
        found[each.name] = each
    return SearchSpace(tuple(found.values()))


def _check_apart(one: Dimension, other: Dimension) -> None:
    if one.file != other.file:
        return
    if one.key == other.key:
        raise MlgitError(f"--set {one.name}: given twice", "list all of its values behind one: `--set train.lr=0.1,0.2`")
    short, long = sorted((one.key, other.key), key=len)
    if long.startswith(f"{short}."):
        raise MlgitError(f"--set {short}: {long}, which is inside of it, is set too", "set one of both")


def _dimension(text: str, value_of: Callable[[str], Any]) -> Dimension:
    target, equals, values = text.partition("=")
    file, _, key = target.strip().rpartition(":")
    if not equals or not key:
        raise MlgitError(
            f"--set: '{_short(text)}' is not PARAM=VALUE", "for example `--set train.depth=4` or `--set train.lr=0.1,0.2`"
        )
    file = _file(file, text) if file else DEFAULT_FILE
    if not all(key.split(".")):
        raise MlgitError(f"--set: '{_short(key)}' is no name of a parameter", "names of sections and values, with dots between")
    where = f"--set {key if file == DEFAULT_FILE else f'{file}:{key}'}"
    if not values.strip():
        raise MlgitError(f"{where}: no value", f'an empty text is `{key}=""`, in the shell `--set \'{key}=""\'`')
    span = _span(values, where)
    if span is not None:
        return Dimension(file, key, span=span, text=text.strip())
    return Dimension(file, key, choices=tuple(_choices(values, where, value_of)), text=text.strip())


def _file(file: str, text: str) -> str:
    parts = file.replace("\\", "/").split("/")
    if file.startswith("/") or ".." in parts or ":" in file:
        raise MlgitError(
            f"--set: '{_short(text)}': not a file of the project", "name it from the project's folder: `conf/net.yaml:width=64`"
        )
    return "/".join(each for each in parts if each not in ("", "."))


def _span(values: str, where: str) -> NumberRange | None:
    match = _RANGE.fullmatch(values)
    if match is None and _NEARLY.match(values):
        raise MlgitError(
            f"{where}: '{_short(values)}' is no range, and stands for itself only in quotes",
            "ranges are LOW..HIGH, LOW..HIGH/log or LOW..HIGH/STEP, alone: `--set train.lr=1e-4..1e-1/log`",
        )
    if match is None:
        return None
    low, high = (_number(match[each], where) for each in ("low", "high"))
    if isinstance(low, float) or isinstance(high, float):
        low, high = float(low), float(high)
    if low > high:
        raise MlgitError(f"{where}: {match['low']} is above {match['high']}", "write the lower end first")
    found = _ended(low, high, match, where)
    if (found.size or 0) > _MOST_STEPS:
        raise MlgitError(
            f"{where}: '{_short(values)}' has more numbers than can be told apart", "a shorter range, or a longer step"
        )
    return found


def _ended(low: float, high: float, match: re.Match[str], where: str) -> NumberRange:
    end = match["end"]
    if end is None:
        return NumberRange(low, high)
    if end.lower() == "log":
        if low <= 0:
            raise MlgitError(
                f"{where}: a logarithmic range begins above 0, not at {match['low']}",
                f"for example `1e-5..{match['high']}/log`",
            )
        return NumberRange(low, high, is_log=True)
    if not re.fullmatch(_NUMBER, end):
        raise MlgitError(f"{where}: '/{_short(end)}' behind a range", "there are `/log` and a step: `0..1/log`, `0..1/0.1`")
    step = _number(end, where)
    if not 0 < step <= max(high - low, 0):
        raise MlgitError(
            f"{where}: a step of {end} from {match['low']} to {match['high']}",
            "a step is above 0, and no longer than the range",
        )
    return NumberRange(low, high, step=step)


def _number(text: str, where: str) -> float:
    """A number as YAML 1.2 reads it: whole where neither point nor exponent stands in it."""
    number: float = 0
    with_point = bool(re.search(r"[.eE]", text))
    if len(text) <= _LONGEST_NUMBER:
        number = float(text) if with_point else int(text)
    if len(text) > _LONGEST_NUMBER or abs(number) > _LARGEST:
        raise MlgitError(
            f"{where}: {_short(text)} is too large or too long for a number", "numbers of at most 32 characters, below 1e300"
        )
    return number


def _choices(values: str, where: str, value_of: Callable[[str], Any]) -> Iterator[Any]:
    seen: set[str] = set()
    for item in _split(values, where):
        if not item:
            raise MlgitError(f"{where}: nothing between two commas of '{_short(values)}'", 'an empty text is `""`')
        if _NEARLY.match(item):
            raise MlgitError(
                f"{where}: '{_short(item)}' in a list", "a range stands alone, a text that looks like one in quotes"
            )
        try:
            value = value_of(item)
        except MlgitError as error:
            raise MlgitError(f"{where}: {error.message.removeprefix('--set: ')}", error.hint) from error
        if exactly(value) in seen:
            raise MlgitError(f"{where}: {_short(item)} is listed twice", "list each value once")
        seen.add(exactly(value))
        if len(seen) > _MOST_CHOICES:
            raise MlgitError(f"{where}: more than {_MOST_CHOICES:,} values", "give a range: `LOW..HIGH`, `LOW..HIGH/STEP`")
        yield value


def _split(values: str, where: str) -> Iterator[str]:
    """What stands between the commas that are neither in quotes nor in brackets.

    As in YAML, both count where a value begins: the brackets of `a[0]` and the quote of `it's` are letters.
    """
    start, place, fresh = 0, 0, True
    awaited: list[str] = []  # the brackets that close those that are open, the innermost last
    while place < len(values):
        letter = values[place]
        quoted = _QUOTED.match(values, place) if fresh and letter in "\"'" else None
        if fresh and letter in "\"'" and quoted is None:
            raise _unclosed(values, where)
        if quoted is not None:
            place, fresh = quoted.end() - 1, False
        elif letter in _CLOSED_BY and (fresh or awaited):
            awaited.append(_CLOSED_BY[letter])
            fresh = True
        elif awaited and letter in _CLOSED_BY.values():
            if letter != awaited.pop():
                raise _unclosed(values, where)
            fresh = False
        elif letter == "," and not awaited:
            yield values[start:place].strip()
            start, fresh = place + 1, True
        elif not letter.isspace():
            fresh = bool(awaited) and letter in ",:"
        place += 1
    if awaited:
        raise _unclosed(values, where)
    yield values[start:].strip()


def _unclosed(values: str, where: str) -> MlgitError:
    return MlgitError(
        f"{where}: '{_short(values)}': a quote or bracket that is not closed", "close it, and quote the whole for the shell"
    )


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
