"""Values set inside files that people write: only the span of the value changes, comments and layout stay.

Whatever an edit does to the text, it counts only if the file then says what was wanted and nothing else is different.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import yaml

from mlgit.adapters.formats import documents, spans
from mlgit.adapters.formats.spans import Span
from mlgit.errors import MlgitError, nearest

_TEXT = "tag:yaml.org,2002:str"
_MOST_VALUES = 1_000_000
_MOST_CORRECTIONS = 100
_MOST_KEYS = 10_000  # to look for a near miss among
_MOST_CLOSE = 3


def value_of(text: str) -> Any:
    """A value as it is typed on a command line, read as YAML; a date stays the text that it is.

    Raises MlgitError for what no parameter file could hold.
    """
    value = documents.parse_yaml(text, name="--set")
    if isinstance(value, datetime.date):
        return text.strip()
    try:
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no letter that a file could hold
    except (TypeError, ValueError, RecursionError) as error:
        raise MlgitError(
            f"--set: '{text}' is not a valid parameter value", "numbers, texts, true, false, null, lists and mappings are"
        ) from error
    return value


def set_value(text: str, key: str, value: Any, *, name: str) -> str:
    """The text of a parameter file with one existing value replaced; `key` is a path with dots.

    A mapping sets the values that it names, a list replaces the whole list. Raises MlgitError for a key that is not there,
    for a section, and where the value cannot be changed alone: what stands behind an alias, for one.
    """
    before = _unshared(documents.parse(text, name=name), name=name)
    path = _path(before, key, name=name)
    wanted, rows = before, [(path, value)]
    if isinstance(value, dict) and isinstance(_at(before, path), dict):
        rows = [(_path(before, f"{key}.{each}", name=name), inner) for each, inner in value.items()]
    for place, inner in rows:
        if isinstance(inner, dict) and isinstance(_at(wanted, place), dict):
            return _each(text, rows, name=name)
        if isinstance(_at(wanted, place), dict) and _at(wanted, place):
            raise MlgitError(f"{name}: {'.'.join(map(str, place))}: a section, not a value", "name a value inside it")
        wanted = _with(
            wanted, place, tuple(inner) if isinstance(_at(wanted, place), tuple) and isinstance(inner, list) else inner
        )
    if name.lower().endswith(".toml"):
        return _checked(_toml(text, rows, name=name), wanted, key, name=name)
    changed = text
    for place, inner in rows:
        changed = _edited(changed, place, inner, name=name)
    return _checked(_corrected(changed, wanted, name=name), wanted, key, name=name)


def _each(text: str, rows: list[tuple[list[Any], Any]], *, name: str) -> str:
    for place, inner in rows:
        text = set_value(text, ".".join(map(str, place)), inner, name=name)
    return text


def _corrected(text: str, wanted: Any, *, name: str) -> str:
    """The text with all that followed a changed value through `<<` put back, as DVC does it."""
    for _ in range(_MOST_CORRECTIONS):
        moved = next(_differences(documents.parse(text, name=name), wanted), None)
        if moved is None:
            break
        text = _edited(text, *moved, name=name)
    return text


def _checked(text: str, wanted: Any, key: str, *, name: str) -> str:
    try:
        good = _equal(documents.parse(text, name=name), wanted)
    except MlgitError:
        good = False
    if not good:
        raise MlgitError(f"{name}: {key}: cannot be set in its place", f"edit {name}")
    return text


def insert_first(text: str, key: str, *, entry: str, value: str, name: str) -> str:
    """The text of a YAML file with `entry: value` as the new first entry of an existing section; `key` is a path with dots.

    `value` is YAML in one line. Raises MlgitError when the section is not there, is no mapping, or has the entry.
    """
    before = documents.parse(text, name=name)
    span = _find(spans.of_yaml(text), _path(before, key, name=name), name=name)
    if span.kind != "mapping" or not span.items:
        raise MlgitError(f"{name}: {key}: not a section with entries", f"write `{entry}: {value}` into it")
    first = span.items[0].start
    gap = ", " if span.indent < 0 else "\n" + " " * span.indent
    changed = text[:first] + f"{entry}: {value}{gap}" + text[first:]
    wanted = documents.parse(changed, name=name)
    section: Any = _at(wanted, _path(wanted, key, name=name))
    if section.pop(entry, None) != documents.parse_yaml(value, name=name) or wanted != before:
        raise MlgitError(f"{name}: {key}: '{entry}' cannot be added in its place", f"write `{entry}: {value}` into it")
    return changed


def append_rows(text: str, key: str, rows: Sequence[tuple[Any, str]], *, name: str) -> str:
    """The text of a YAML file with values behind the last of an existing list; `key` is a path with dots.

    Each has its text, as it is to stand in a list that begins its line: `- ` and what follows, further lines two to the right.
    Raises MlgitError where there is no such list in block style.
    """
    before = documents.parse(text, name=name)
    path = _path(before, key, name=name)
    span = _find(spans.of_yaml(text), path, name=name)
    if span.kind != "list" or span.indent < 0 or not span.items:
        raise MlgitError(f"{name}: {key}: not a list with a line for each entry", f"edit {name}")
    end = "\r\n" if "\r\n" in text else "\n"
    place = _end_of_line(text.replace("\r\n", " \n"), span.items[-1].span.end)
    added = "".join(end + " " * span.indent + line for _, written in rows for line in written.splitlines())
    wanted = _with(before, path, [*_at(before, path), *(value for value, _ in rows)])
    return _checked(text[:place] + added + text[place:], wanted, key, name=name)


def value_at(text: str, key: str, *, name: str) -> Any:
    """The value of a key in the text of a parameter file."""
    value = documents.parse(text, name=name)
    return _at(value, _path(value, key, name=name))


def _path(document: Any, key: str, *, name: str) -> list[Any]:
    """The keys and places that a path with dots goes through. Raises MlgitError where there is none."""
    found: list[Any] = []
    whole = document
    for part in key.split("."):
        shown = ".".join([*map(str, found), part])
        names = {str(each): each for each in document} if isinstance(document, dict) else {}
        if isinstance(document, (list, tuple)) and part.isdecimal() and int(part) < len(document):
            names = {part: int(part)}
        if part not in names:
            close = _closest(key, list(islice(_keys(whole), _MOST_KEYS)))
            raise MlgitError(f"{name}: no parameter '{shown}'{close}", f"add it to {name} first")
        found.append(names[part])
        document = document[names[part]]
    return found


def _closest(key: str, known: list[str]) -> str:
    """Which keys may have been meant: one that is close, and below another section those with the same last word."""
    last = key.rpartition(".")[2].casefold()
    close = [each for each in known if each.casefold() == key.casefold()]
    close = close or [each for each in known if each.rpartition(".")[2].casefold() == last]
    if not 0 < len(close) <= _MOST_CLOSE:
        close = list(filter(None, [nearest(key, known)]))
    return f", did you mean {' or '.join(map(repr, close))}?" if close else ""


def _keys(document: Any, above: str = "") -> Iterator[str]:
    rows: Any = document.items() if isinstance(document, dict) else ()
    for name, value in rows:
        yield f"{above}{name}"
        yield from _keys(value, f"{above}{name}.")


def _at(document: Any, path: list[Any]) -> Any:
    for part in path:
        document = document[part]
    return document


def _with(document: Any, path: list[Any], value: Any) -> Any:
    """A copy of a document with one value replaced."""
    if not path:
        return value
    if isinstance(document, dict):
        return {**document, path[0]: _with(document[path[0]], path[1:], value)}
    return type(document)(_with(each, path[1:], value) if place == path[0] else each for place, each in enumerate(document))


def _unshared(value: Any, *, name: str) -> Any:
    """A copy in which nothing stands twice, as aliases make it."""
    left = _MOST_VALUES

    def copy(value: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise MlgitError(f"{name}: its aliases stand for too many values to set one", f"edit {name}")
        if isinstance(value, dict):
            return {key: copy(inner) for key, inner in value.items()}
        return type(value)(map(copy, value)) if isinstance(value, (list, tuple)) else value

    try:
        return copy(value)
    except RecursionError as error:
        raise MlgitError(f"{name}: a value holds itself", f"edit {name}") from error


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return isinstance(one, dict) and isinstance(other, dict) and dict(one) == dict(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(inner, other[key]) for key, inner in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) or (one != one and other != other)


def _differences(found: Any, wanted: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[list[Any], Any]]:
    """The places of values that are not as wanted, with what is wanted there."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key, inner in wanted.items():
            yield from _differences(found.get(key), inner, (*path, key))
    elif not _equal(found, wanted):
        yield list(path), wanted


def _edited(text: str, path: list[Any], value: Any, *, name: str) -> str:
    """The text with the value at a path replaced, whatever else that changes."""
    ending = name.rpartition(".")[2].lower()
    try:
        tree = {"json": spans.of_json, "py": spans.of_python}.get(ending, spans.of_yaml)(text)
    except yaml.YAMLError as error:
        raise MlgitError(f"{name}: values cannot be set in a file that is written like this", f"edit {name}") from error
    section = _find(tree, path[:-1], name=name)
    if section.kind != "alias" and section.inherits and str(path[-1]) not in {item.name for item in section.items}:
        last, row = section.items[-1].span.end, f"{_written(path[-1], ending)}: {_written(value, ending)}"
        if section.indent < 0:
            return f"{text[:last]}, {row}{text[last:]}"
        last = _end_of_line(text, last)
        return f"{text[:last]}\n{' ' * section.indent}{row}{text[last:]}"
    span = _find(tree, path, name=name)
    if span.aliases:
        text = _moved(text, span, documents.parse(text, name=name), path, name=name)
    elif span.kind == "list" and span.items and isinstance(value, list) and value:
        return _listed(
            text,
            span,
            [_written(each, ending) for each in value],
            [_written(each, ending) for each in _at(documents.parse(text, name=name), path)],
        )
    return _replaced(text, span, _written(value, ending), f"{name}: {'.'.join(map(str, path))}", name)


def _find(span: Span, path: list[Any], *, name: str) -> Span:
    for position, part in enumerate(path):
        found = [item.span for item in span.items if item.name == str(part)]
        shown = ".".join(map(str, path[: position + 1]))
        if not found:
            raise MlgitError(f"{name}: {shown}: cannot be set in its place", f"edit {name}")
        span = found[-1]
        if span.kind == "alias" and position + 1 < len(path):
            raise MlgitError(
                f"{name}: {shown} is an alias: a value in it cannot be set alone", f"write its values out in {name}"
            )
    return span


def _moved(text: str, span: Span, document: Any, path: list[Any], *, name: str) -> str:
    """The text with an anchor and its value at the first place that repeats it, so that the others stay what they are."""
    start, end = span.aliases[0]
    moved = text[span.start : span.end]
    if "\n" in moved:
        moved = f"{spans.anchor(text, span)} {_written(_at(document, path), 'yaml')}"
    return text[:start] + moved + text[end:]


def _replaced(text: str, span: Span, new: str, where: str, name: str) -> str:
    if span.kind in ("list", "mapping") and span.indent >= 0:
        if span.head < 0:
            raise MlgitError(f"{where}: cannot be set in its place", f"edit {name}")
        return f"{text[: span.head]} {new}{text[span.head : span.start].rstrip()}{text[span.end :]}"
    gap = " " if span.start == span.end and text[span.start - 1 : span.start] in (":", "-") else ""
    return text[: span.start] + gap + new + text[span.end :]


def _listed(text: str, span: Span, new: list[str], old: list[str]) -> str:
    """The text of a list with the items that are different replaced, added or taken away; comments at the others stay."""
    last, common = span.items[-1].span, min(len(new), len(old))
    if len(new) > len(old):
        rows = new[len(old) :]
        place = last.end if span.indent < 0 else _end_of_line(text, last.end)
        added = "".join(f", {row}" if span.indent < 0 else f"\n{' ' * span.indent}- {row}" for row in rows)
        text = text[:place] + added + text[place:]
    elif len(new) < len(old):
        start, end = span.items[common - 1].span.end, last.end
        if span.indent >= 0:
            start, end = _end_of_line(text, start), _end_of_line(text, end)
        text = text[:start] + text[end:]
    for place in reversed(range(common)):
        item = span.items[place].span
        if new[place] != old[place]:
            text = text[: item.start] + (" " if item.start == item.end else "") + new[place] + text[item.end :]
    return text


def _end_of_line(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def _toml(text: str, rows: list[tuple[list[Any], Any]], *, name: str) -> str:
    """As DVC writes it: with tomlkit, which keeps comments and layout."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document: Any = tomlkit.parse(text)
        for path, value in rows:
            _at(document, path[:-1])[path[-1]] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, TypeError, ValueError, LookupError) as error:
        raise MlgitError(
            f"{name}: {'.'.join(map(str, rows[0][0]))}: TOML cannot hold this value there", f"edit {name}"
        ) from error


def _written(value: Any, ending: str) -> str:
    """A value as it can stand inside a line of a file."""
    if ending == "json":
        return json.dumps(value)
    if ending == "py":
        return repr(value) if not isinstance(value, float) or math.isfinite(value) else f"{'-' if value < 0 else ''}1e999"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(each, ending) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key, ending)}: {_written(inner, ending)}" for key, inner in value.items()) + "}"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    if isinstance(value, str) and _reads_back(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_back(text: str) -> bool:
    if any(char in text for char in "\n#:,[]{}&*!|>'\"%@`\\") or text != text.strip() or not text:
        return False
    # YAML 1.1 takes `on`, `1_0` and `<<` for something else, and many readers are of that version
    if yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False)) != _TEXT:  # type: ignore[no-untyped-call]
        return False
    try:
        return bool(documents.parse_yaml(text, name="--set") == text)
    except MlgitError:
        return False
