"""`dvc.lock`, byte for byte as DVC writes it, kept as one piece of text per stage.

DVC dumps the whole file through ruamel.yaml. Dumping stage by stage and joining the texts gives the same bytes, so a
finished stage costs its own text only. The text of plain values is written here; for a value that would need quoting,
folding or a tag, `entry_text` answers None and the caller lets DVC's own serializer write that one stage.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from json.encoder import encode_basestring_ascii as _json
from typing import Any, NamedTuple

from mlgit.errors import MlgitError
from mlgit.pipeline import lockschema
from mlgit.pipeline.model import Digest, Entry, Item

HEADER = "schema: '2.0'\nstages:\n"


class LockText(NamedTuple):
    """The text of one dvc.lock: what stands before the stages, the text of every stage by name, what stands after.

    `whole` is the text of one that is not laid out stage by stage, and then all there is.
    """

    head: str
    pieces: Mapping[str, str]
    tail: str = ""
    whole: str = ""


# Plain scalars that YAML 1.2 and 1.1 both read as text and that no emitter quotes or folds: a letter, slash or dot first,
# then nothing that could be an indicator. ruamel folds at column 80, so a line has to stay below it.
_PLAIN = re.compile(r"(?:[A-Za-z/_]|\.\.?/)(?:[A-Za-z0-9_./@+=-]|[,;|&>*?()%!~^$'\"\[\]{}<\\`](?! *$)|:(?=[^ ])| (?=[^ #]))*")
_RESERVED = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|nan|inf|-?\.inf|\.nan")
_WIDTH = 80


def _plain(text: str, column: int) -> str | None:
    if column + len(text) >= _WIDTH:  # ruamel folds at spaces, and puts a long word on a line of its own
        return None
    return text if _is_plain(text) else None


@functools.lru_cache(4096)  # the paths and names of a stage are written to its lock and to the run cache
def _is_plain(text: str) -> bool:
    return not (not text or not _PLAIN.fullmatch(text) or _RESERVED.fullmatch(text) or ": " in text or " #" in text)


def _folded(text: str, column: int, indent: int) -> str | None:
    """A plain text of any length, broken where ruamel breaks it: at a space beyond the width, and before a word that does
    not fit."""
    if not _is_plain(text):
        return None
    if column + len(text) < _WIDTH:
        return text
    found = []
    for number, word in enumerate(text.split(" ")):
        if number:
            found.append(" " if column < _WIDTH else f"\n{' ' * indent}")
            column = column + 1 if column < _WIDTH else indent
        if column + len(word) > _WIDTH and column > indent:
            found.append(f"\n{' ' * indent}")
            column = indent
        found.append(word)
        column += len(word)
    return "".join(found)


def _scalar(value: Any, column: int, indent: int) -> str | None:
    if isinstance(value, str):
        return _folded(value, column, indent)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return text if column + len(text := str(value)) < _WIDTH else None
    if isinstance(value, float):
        return repr(value).lower() if value == value and abs(value) != float("inf") else None
    return None


def _value(prefix: str, value: Any, indent: int, rows: list[str]) -> bool:
    """Append `prefix value` (prefix ends with `:` or is a bare `-`) to the rows; False where only DVC knows the text."""
    if not isinstance(value, str) and isinstance(value, Mapping):
        return bool(value) and not isinstance(value, OrderedDict) and _nested(prefix, value, indent, rows)
    if isinstance(value, (list, tuple)):
        if not value:
            return False
        rows.append(prefix)
        return all(
            not isinstance(item, (Mapping, list, tuple)) and _value(" " * indent + "-", item, indent, rows) for item in value
        )
    text = _scalar(value, len(prefix) + 1, indent + 2)
    if text is None:
        return False
    rows.append(f"{prefix} {text}" if text else prefix)
    return True


def _nested(prefix: str, value: Mapping[Any, Any], indent: int, rows: list[str]) -> bool:
    rows.append(prefix)
    for key, inner in value.items():
        name = _plain(key, indent + 2) if isinstance(key, str) else None
        if name is None or not _value(f"{' ' * (indent + 2)}{name}:", inner, indent + 2, rows):
            return False
    return True


# An md5 can look like a number: `1234...` all digits, `12e3...`, or `0b0110...`.
_NUMBER = re.compile(r"[0-9]+(?:e[0-9]+)?|0b[01]+")


def _item_text(value: str | int) -> str:
    if isinstance(value, str):
        return f"'{value}'" if _NUMBER.fullmatch(value) else value
    return "true" if value is True else str(value)


def entry_text(name: str, entry: Entry) -> str | None:
    """The text of one stage in dvc.lock, or None where a value needs DVC's own serializer."""
    shown = _plain(name, 2)
    if shown is None:
        return None
    rows = [f"  {shown}:"]
    return "\n".join(rows) + "\n" if not _shares(entry) and _body(document(entry), 4, rows) else None


def run_cache_text(entry: Entry, *, beside: str | None = None) -> str | None:
    """The text of a run-cache file for an entry, or None where it needs DVC's own serializer.

    `beside` is the entry's text in dvc.lock, if it is at hand.
    """
    rows: list[str] = []
    if beside and not entry.params and isinstance(entry.cmd, str) and len(entry.cmd) < _WIDTH - len("    cmd: "):
        return "".join([row[4:] for row in beside.splitlines(keepends=True)[1:]])  # nothing in it is folded
    return "\n".join(rows) + "\n" if not _shares(entry) and _body(document(entry), 0, rows) else None


def _shares(entry: Entry) -> bool:
    """Whether one list or mapping stands twice among the parameters (`a` and `a.b`): DVC writes a YAML alias for it."""
    seen: set[int] = set()
    waiting: list[Any] = [value for values in entry.params.values() for value in values.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (Mapping, list, tuple)):
            if id(value) in seen:
                return True
            seen.add(id(value))
            waiting.extend(value.values() if isinstance(value, Mapping) else value)
    return False


def _body(body: Mapping[str, Any], indent: int, rows: list[str]) -> bool:
    pad = " " * indent
    for key, value in body.items():
        if key in ("deps", "outs"):
            rows.append(f"{pad}{key}:")
            for item in value:
                path = _plain(item["path"], indent + 8)
                if path is None:
                    return False
                rows.append(f"{pad}- path: {path}")
                rows.extend(f"{pad}  {field}: {_item_text(inner)}" for field, inner in item.items() if field != "path")
        elif not _value(f"{pad}{key}:", value, indent, rows):
            return False
    return True


def document(entry: Entry) -> dict[str, Any]:
    """The entry as the mapping that dvc.lock holds, in DVC's order; what is empty is left out."""
    body: dict[str, Any] = {"cmd": list(entry.cmd) if isinstance(entry.cmd, tuple) else entry.cmd}
    if entry.deps:
        body["deps"] = [_item(item) for item in entry.deps]
    if entry.params:
        body["params"] = {path: dict(values) for path, values in entry.params.items()}
    if entry.outs:
        body["outs"] = [_item(item) for item in entry.outs]
    return body


def _item(item: Item) -> dict[str, Any]:
    digest = item.digest
    row: dict[str, Any] = {"path": item.path, "hash": "md5", "md5": digest.md5, "size": digest.size}
    if digest.nfiles is not None:
        row["nfiles"] = digest.nfiles
    if digest.isexec:
        row["isexec"] = True
    return row


def parse_entry(body: Mapping[str, Any], *, name: str, stage: str) -> Entry | None:
    """The entry in a stage of a parsed dvc.lock; None for one that only DVC understands (cloud versions, DVC 2 hashes).

    Raises MlgitError for a stage that is not a lock entry at all.
    """
    try:
        cmd = body["cmd"]
        _check_command(cmd)
        if not _is_plain_entry(body):
            return None
        params = body.get("params") or {}
        for values in (*params.values(), {} if isinstance(cmd, str | list) else cmd):
            values.items()  # what is no mapping has none
        return Entry(
            cmd=tuple(cmd) if isinstance(cmd, list) else cmd,
            deps=tuple(map(parse_item, body.get("deps") or ())),
            params=params,
            outs=tuple(map(parse_item, body.get("outs") or ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise MlgitError(
            f"{name}: stages.{stage}: not a lock entry ({error})", f"restore the file: `git checkout -- {name}`"
        ) from error


def parse_foreign(body: Mapping[str, Any]) -> Entry:
    """What is known of an entry that only DVC understands: the items that have an md5. That of DVC 2 passes over line ends."""
    cmd = body["cmd"]
    deps, outs = (tuple(known_items(body.get(key) or ())) for key in ("deps", "outs"))
    return Entry(tuple(cmd) if isinstance(cmd, list) else cmd, deps, body.get("params") or {}, outs)


def known_items(rows: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """Those of the items that are recorded with an md5, by whatever version of DVC."""
    for row in rows:
        with suppress(KeyError, TypeError):
            yield parse_item(row)


def _check_command(cmd: Any) -> None:
    if not isinstance(cmd, str) and not (isinstance(cmd, list) and all(isinstance(item, str) for item in cmd)):
        raise TypeError("cmd is not a command")


def _is_plain_entry(body: Mapping[str, Any]) -> bool:
    known = {"path", "hash", "md5", "size", "nfiles", "isexec"}
    items = [*(body.get("deps") or ()), *(body.get("outs") or ())]
    return all(item.keys() <= known and item.get("hash") == "md5" and "md5" in item for item in items)


_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


def parse_item(row: Mapping[str, Any]) -> Item:
    """A dependency or output as a lock or .dvc file records it.

    Raises TypeError for anything else. What is called an md5 becomes a path in the cache, so it has to be one.
    """
    path, md5, size, nfiles = row["path"], row["md5"], row.get("size", 0), row.get("nfiles")
    if not isinstance(path, str) or not isinstance(md5, str) or not isinstance(size, int) or not isinstance(nfiles, int | None):
        raise TypeError(f"'{path}' is not recorded as DVC does it")
    if not _MD5.fullmatch(md5):
        raise TypeError(f"'{md5}' is not an md5")
    if nfiles is None and md5.endswith(".dir"):
        nfiles = -1  # written by hand or by an old DVC: a folder whose file count is not known
    return Item(path, Digest(md5, size, nfiles, bool(row.get("isexec"))))


def split(text: str, names: Sequence[str], *, name: str) -> tuple[str, dict[str, str], str]:
    """A lock's text as what stands before the stages, the text of every stage by name, and what stands after them.

    `names` are the stages as they follow each other. Raises MlgitError for text that is not laid out as DVC does it.
    """
    head, found, stages = text.partition("stages:\n")
    pieces: list[list[str]] = []
    tail: list[str] = []
    for row in re.findall(r"[^\n]*\n|[^\n]+", stages):  # a line of YAML: splitlines() knows more line ends
        if tail or row[0] not in " #\n":
            tail.append(row)
        elif row.startswith("  ") and row[2:3] not in (" ", "\n", "#") and not row.startswith("  : "):
            pieces.append([row])
        elif pieces:
            pieces[-1].append(row)
        else:
            found += row
    if not found or (head and not head.endswith("\n")) or len(pieces) != len(names):
        raise MlgitError(f"{name}: not laid out as DVC writes it", f"restore the file: `git checkout -- {name}`")
    texts = {stage: "".join(piece) for stage, piece in zip(names, pieces, strict=True)}
    if texts and not tail and not text.endswith("\n"):
        texts[names[-1]] += "\n"
    return head + found, texts, "".join(tail)


def join(head: str, pieces: Mapping[str, str], tail: str = "") -> str:
    """The whole lock again. DVC numbers YAML anchors (of values that stand twice in a stage) through the whole file."""
    whole = "".join(pieces.values())
    if ("&id" in whole or "*id" in whole) and _ANCHOR.search(whole):
        whole = "".join(_renumbered(list(pieces.values())))
    return head + whole + tail


_ANCHOR = re.compile(r"(?m)((?::|-) )([&*])id([0-9]{3,})(?=(?: \{\}| \[\])?$)")


def _renumbered(texts: list[str]) -> list[str]:
    used, found = 0, []
    for text in texts:
        numbers = sorted({int(number) for _, _, number in _ANCHOR.findall(text)})
        ranks = {number: used + rank for rank, number in enumerate(numbers, 1)}
        used += len(numbers)
        found.append(_ANCHOR.sub(lambda match, ranks=ranks: f"{match[1]}{match[2]}id{ranks[int(match[3])]:03d}", text))  # type: ignore[misc]
    return found


def run_cache_key(entry: Entry) -> str:
    """The name under which the run cache files every result for this command on these inputs."""
    return _sha256(entry, f"[{', '.join(_json(item.path) for item in entry.outs)}]")


def run_cache_value(entry: Entry) -> str:
    """The name of this very result in the run cache."""
    return _sha256(entry, _items_json(entry.outs) if entry.outs else "")


def _sha256(entry: Entry, outs: str) -> str:
    """The digest of an entry without sizes as JSON with sorted keys, which is written here for all but parameters."""
    cmd = _json(entry.cmd) if isinstance(entry.cmd, str) else json.dumps(entry.cmd)
    rows = [f'"cmd": {cmd}']
    if entry.deps:
        rows.append(f'"deps": {_items_json(entry.deps)}')
    if outs:
        rows.append(f'"outs": {outs}')
    if entry.params:
        rows.append(f'"params": {json.dumps(_without_sizes(entry.params), sort_keys=True)}')
    return hashlib.sha256(f"{{{', '.join(rows)}}}".encode()).hexdigest()


def _items_json(items: Iterable[Item]) -> str:
    rows = []
    for path, digest in items:
        mark = '"isexec": true, ' if digest.isexec else ""
        rows.append(f'{{"hash": "md5", {mark}"md5": "{digest.md5}", "path": {_json(path)}}}')
    return f"[{', '.join(rows)}]"


def _without_sizes(value: Any) -> Any:
    # DVC leaves out every key called size or nfiles, wherever it stands (also among parameters).
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _without_sizes(inner) for key, inner in value.items() if key not in ("size", "nfiles")}
    return [_without_sizes(inner) for inner in value] if isinstance(value, list) else value


def lock_text(text: str, document: Any, *, name: str) -> LockText:
    """The parts of a dvc.lock, given as text and parsed; the whole where it is not laid out stage by stage.

    Raises MlgitError, naming the place, for anything that DVC does not accept.
    """
    lockschema.check(document, name=name)
    stages = document.get("stages")
    if not stages:
        return LockText("", {}, whole=text)
    try:
        return LockText(*split(text, list(stages), name=name))
    except MlgitError:  # people may have written it
        return LockText("", {}, whole=text)


def is_free(text: LockText) -> bool:
    """Whether the stages of a lock can be written one by one: no comment or name in it concerns two of them."""
    if text.whole or any(_LOOSE.search(row) for row in (*text.pieces.values(), text.tail)):
        return False
    found = [_ANCHOR.findall(row) for row in text.pieces.values() if "*" in row]
    return all({row[2] for row in rows if row[1] == "*"} <= {row[2] for row in rows if row[1] == "&"} for rows in found)


def is_usual(text: LockText) -> bool:
    """Whether what stands around the stages is, for sure, as DVC writes it; comments may stand at the head."""
    return not text.tail and bool(_HEAD.fullmatch(text.head))


# Comments, empty lines and line ends, which ruamel keeps with the value before them, and anchors that people named.
_LOOSE = re.compile(r"(?m)(?:^|[ \t])#|^ *$(?!\Z)|[\r\t]|[:-] [&*](?!id[0-9]{3,}(?: \{\}| \[\])?$)")
_HEAD = re.compile(r"(?:#(?: ?[!-~]+)*\n)*schema: '2\.0'\nstages:\n")


def is_laid_out(stage: str, body: Mapping[str, Any], text: str) -> bool:
    """Whether the text of a stage is, for sure, what DVC writes for this body: it would leave it as it is."""
    shown = _plain(stage, 2)
    rows = [f"  {shown}:"]
    return shown is not None and _body(body, 4, rows) and "\n".join(rows) + "\n" == text
