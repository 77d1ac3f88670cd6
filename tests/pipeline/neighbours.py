"""Two revisions of a generated project that lie near each other, as texts in memory."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mlgit.errors import MlgitError
from mlgit.pipeline import lock, sources
from mlgit.pipeline.load import load
from mlgit.pipeline.model import Digest, Entry, Item
from mlgit.pipeline.sources import CommitFiles
from tests.pipeline.generator import generate

Texts = dict[str, str]
Edit = Callable[[str, random.Random], str]


class Revision(CommitFiles):
    """The files of a revision, held in memory."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        sources._Documents.__init__(self)
        self.root = Path("/project")
        self.texts = dict(texts)
        self.read: set[str] = set()
        self._parsing = {}

    def text(self, path: str) -> str | None:
        self.read.add(path)
        return self.texts.get(path)

    def pipeline_files(self) -> list[str]:
        found = [path for path in self.texts if path.rpartition("/")[2] == "dvc.yaml" or path.endswith(".dvc")]
        return sorted(found, key=lambda path: (path.count("/"), path))


def project(rng: random.Random) -> Texts:
    """A generated project with everything recorded."""
    made = generate(rng.randrange(10**6))
    texts = {path: text for path, text in made.files.items() if not path.startswith(".")}
    texts |= {f"{path}.dvc": _tracked(path, rng) for path in made.data}
    try:
        pipeline = load(Revision(texts))
    except MlgitError:  # a name that DVC does not take
        return texts
    written: dict[str, str] = {}
    for stage in pipeline.graph.stages:
        if not stage.is_source:
            items = [Item(path, _digest(rng)) for path in ("in.txt", "d/x", "a b")]
            entry = Entry(f"run {stage.name}", tuple(items[: rng.randint(0, 3)]), {}, tuple(items[: rng.randint(0, 2)]))
            piece = lock.entry_text(stage.name, entry) or _quoted(stage.name)
            written[stage.lock_file] = written.get(stage.lock_file, lock.HEADER) + piece
    return texts | written


def edited(texts: Texts, rng: random.Random, *, most: int = 3) -> Texts:
    """The same project after some edits, of locks for the most part."""
    found = dict(texts)
    locks = [path for path in found if path.endswith(".lock")]
    for _ in range(rng.randint(1, most)):
        if locks and rng.random() < 0.75:
            path = rng.choice(locks)
            found[path] = rng.choice(LOCK_EDITS)(found[path], rng)
        else:
            path = rng.choice(sorted(found))
            found[path] = rng.choice(FILE_EDITS)(found[path], rng)
    if rng.random() < 0.03:
        del found[rng.choice(sorted(found))]
    return found


def _digest(rng: random.Random) -> Digest:
    return Digest(f"{rng.getrandbits(128):032x}", rng.randrange(1000), None, False)


def _tracked(path: str, rng: random.Random) -> str:
    return f"outs:\n- md5: {rng.getrandbits(128):032x}\n  size: 3\n  hash: md5\n  path: {path.rpartition('/')[2]}\n"


def _quoted(name: str) -> str:
    return f"  '{name}':\n    cmd: run\n"


def _pieces(text: str) -> tuple[str, list[str]]:
    head, *pieces = re.split(r"(?m)^(?=  \S)", text)
    return head, pieces


def _piece(change: Callable[[str, random.Random], str]) -> Edit:
    """An edit of one stage of a lock."""

    def edit(text: str, rng: random.Random) -> str:
        head, pieces = _pieces(text)
        if pieces:
            at = rng.randrange(len(pieces))
            pieces[at] = change(pieces[at], rng)
        return head + "".join(pieces)

    return edit


def _exchange(text: str, rng: random.Random) -> str:
    head, pieces = _pieces(text)
    rng.shuffle(pieces)
    return head + "".join(pieces)


def _anchored(text: str, rng: random.Random) -> str:
    """One value told by an anchor in a stage, and by an alias in the next."""
    head, pieces = _pieces(text)
    value = rng.choice(["[1, 2]", "[3]", "x"])
    for at, word in zip(range(len(pieces)), (f"&id001 {value}", "*id001", "*id001"), strict=False):
        pieces[at] = re.sub(r"(?m)^    params:\n(?:     .*\n)*", "", pieces[at])
        pieces[at] += f"    params:\n      params.yaml:\n        a: {word}\n"
    return head + "".join(pieces)


def _revalued(text: str, rng: random.Random) -> str:
    return re.sub(r"&id001 .*", f"&id001 [{rng.randrange(9)}]", text)


def _insert(*rows: str) -> Edit:
    def edit(text: str, rng: random.Random) -> str:
        lines = text.splitlines(keepends=True)
        lines.insert(rng.randint(0, len(lines)), rng.choice(rows))
        return "".join(lines)

    return edit


def _replace(pattern: str, *by: str, count: int = 1) -> Edit:
    return lambda text, rng: re.sub(pattern, rng.choice(by), text, count=count)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randint(0, len(text))]


_QUOTES = (
    '    cmd: "a\n  eval:\n    b"',
    "    cmd: 'a\n  prep1:\n    cmd: b'",
    '    cmd: "a\nmetrics:\n b"',
    "    cmd: >-\n      a\n\n      b",
)
PIECE_EDITS: list[Edit] = [
    *[lambda piece, rng: re.sub(r"[0-9a-f]{32}", f"{rng.getrandbits(128):032x}", piece, count=1)] * 6,
    *[lambda piece, _: ""] * 2,
    lambda piece, _: piece + piece,
    lambda piece, rng: piece.replace("cmd: run", f"cmd: go{rng.randrange(9)}"),
    _replace(r"(?m)^    - path: (.*)\n      hash: md5\n", r"    - path: \1\n"),
    lambda piece, _: piece.replace("      hash: md5\n", ""),
    lambda piece, _: piece + "    frozen: true\n",
    lambda piece, _: piece + "    outs:\n    - path: z\n      hash: md5\n      md5: nothing\n",
    lambda piece, _: re.sub(r"^  (\S+):", r'  "\1":', piece),
    lambda piece, _: re.sub(r"^  (\S+):\n(?s:.*)", r"  \1: {cmd: flow}\n", piece),
    lambda piece, _: re.sub(r"^  (\S+):", r"  ? \1\n  :", piece),
    lambda piece, rng: re.sub(r"(?m)^    cmd: .*$", rng.choice(_QUOTES), piece, count=1),
    lambda piece, rng: piece + f"  extra{rng.randrange(3)}:\n    cmd: more\n",
    lambda piece, _: re.sub(r"^  (\S+):", r"  \1: ", piece),
    lambda piece, _: "\n".join("  " + row if row else row for row in piece.split("\n")),
]  # fmt: skip
WHOLE_EDITS: list[Edit] = [
    lambda text, _: text.replace("\n", "\r\n"),
    lambda text, _: "\ufeff" + text,
    lambda text, _: text.replace("'2.0'", "'3.0'"),
    lambda text, _: re.sub(r"schema.*\nstages:\n", "", text),
    lambda text, _: re.sub(r"\A", "# by hand\n", text),
    lambda text, _: text + "meta: {by: me}\n",
    lambda text, _: text + "...\n",
    lambda text, _: text.rstrip("\n"),
    lambda text, _: text + text,
    _insert("# said\n", "    # said\n", "\n", "\t\n", "  \n", "  :\n"),
    _insert("  eval:\n", "    cmd: b\n", "- x\n", "}\n", "\u2028  z:\n"),
    _exchange,
    _anchored,
    _revalued,
    _revalued,
    _cut,
]  # fmt: skip
LOCK_EDITS: list[Edit] = [*map(_piece, PIECE_EDITS), *map(_piece, PIECE_EDITS), *WHOLE_EDITS]
_BESIDE = (
    "vars:\n- inline: {word: w1}\n",
    "artifacts:\n  m:\n    path: p\n",
    "metrics:\n- m.json\n",
    "plots: [a.csv]\n",
    "params:\n- more.json\n",
    "metrics: {a: 1,\nplots: 2}\n",
    'artifacts:\n  m:\n    path: p\n    desc: "a\nstages:\n b"\n',
    "plots:\n- 'a\nmetrics:\n b'\n",
    "? params\n: []\n",
    "artifacts:\n  m: &a\n    path: p\n  n: *a\n",
    "artifacts:\n  m:\n    path: p\u2028metrics:\n- a\n",
    "stages: {}\n",
    "# said\n",
    'plots:\n- a.csv: {title: "it\'s"}\n',
)
_COMMANDS = (
    '"a\nmetrics:\n- b"',
    "'a\nplots:\n\n b'",
    "a # b",
    "&c a",
    "[a,\nb]",
    '"a \\\n b"',
    "'a''\nmetrics: b'",
    "!!str 'a\nplots: b'",
)
FILE_EDITS: list[Edit] = [
    *[lambda text, rng, row=row: text + row for row in _BESIDE],  # type: ignore[misc]
    *[lambda text, rng, row=row: row + text for row in _BESIDE],  # type: ignore[misc]
    *[_replace(r"(?m)^    cmd: .*$", f"    cmd: {each}".replace("\\", r"\\")) for each in _COMMANDS],
    _replace(r"[0-9]", "7"),
    _replace(r"[0-9a-f]{32}", "0" * 32),
    *WHOLE_EDITS,
]  # fmt: skip
