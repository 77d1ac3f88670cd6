"""Which files a Python script reads and writes, by the names that stand in it, and the dvc.yaml that says so.

A script is parsed and never run. Only a name written out in it, or a constant of it, counts.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mlgit.render import yaml_text

_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.[A-Za-z][A-Za-z0-9]{0,9}")
_WRITES = re.compile(r"(?:write|dump|save|savefig|to_(?:csv|json|parquet|pickle|feather|excel)|savetxt|writer)", re.IGNORECASE)
_METRICS = re.compile(r"(?:metric|score|result|report|eval)\w*\.(?:json|ya?ml|toml)$", re.IGNORECASE)
_MODES = re.compile(r"[rwaxbt+U]{1,4}")
_FOLDERS = ("", "src", "scripts", "stages", "pipeline", "code")
_MOST_OTHERS = 50
_STEPS = (
    *("load", "download", "fetch", "prepare", "preprocess", "split", "features", "featurize", "train", "fit", "evaluate"),
    *("eval", "test_model", "score", "predict", "main", "run", "model", "pipeline"),
)


@dataclass(frozen=True, slots=True)
class Script:
    """A program of the project, and the files it names as read and as written."""

    path: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def candidates(paths: Collection[str]) -> tuple[list[str], list[str]]:
    """The Python files that are steps of training by their names, in the usual order, and all others where those may lie."""
    near = [path for path in paths if path.endswith(".py") and posixpath.dirname(path) in _FOLDERS]
    likely = sorted((path for path in near if _stem(path) in _STEPS), key=lambda path: (_STEPS.index(_stem(path)), path))
    return likely, sorted({*near} - {*likely})[:_MOST_OTHERS]


def _stem(path: str) -> str:
    return posixpath.basename(path).removesuffix(".py").lower()


def read(path: str, text: str) -> Script | None:
    """What a script names, None for one that is no Python or writes nothing."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    constants: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and (value := _text(node.value, constants)):
            constants |= {target.id: value for target in node.targets if isinstance(target, ast.Name)}
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for name, is_written in _uses(tree, constants):
        (writes if is_written else reads)[name] = None
    return Script(path, tuple(each for each in reads if each not in writes), tuple(writes)) if writes else None


def _uses(tree: ast.AST, constants: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
        owner = [function.value] if isinstance(function, ast.Attribute) else []
        values = [*owner, *call.args, *(each.value for each in call.keywords)]
        found = [path for each in values if (path := _path(each, constants))]
        modes = [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        opened = name == "open" and any(_MODES.fullmatch(mode) and set(mode) & set("wax") for mode in modes)
        if name not in ("Path", "join", "str", "print", "add_argument"):
            yield from ((path, bool(opened or _WRITES.match(name))) for path in found)


def _path(node: ast.expr, constants: Mapping[str, str]) -> str:
    """The file that an expression names, '' for none."""
    name = posixpath.normpath(_text(node, constants) or ".")
    return name if _FILE.fullmatch(name) and not name.startswith("..") else ""


def _text(node: ast.expr, constants: Mapping[str, str]) -> str:
    """The text of "...", a constant, Path("..."), join("...", "...") and ... / "...", '' where any part is not known."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name):
        return constants.get(node.id, "")
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
        parts = node.args if name in ("Path", "join") else []
    texts = [_text(each, constants) for each in parts]
    return posixpath.join(*texts) if texts and all(texts) else ""


def pipeline(scripts: Collection[Script], *, there: Collection[str], tracked: Collection[str]) -> str:
    """The text of dvc.yaml with a stage for each script; '' where none writes a metric, for then nothing can be judged.

    `there` are the files of the project, and `tracked` those that Git has: DVC keeps no second copy of them.
    """
    if not any(_METRICS.search(path) for script in scripts for path in script.writes):
        return ""
    made: set[str] = set()
    lines = ["# Drafted from the names of files that stand in the scripts: look it over.", "stages:"]
    for script in scripts:
        outs = [path for path in script.writes if path not in made]
        made.update(outs)
        deps = [script.path, *(path for path in script.reads if path in there or path in made)]
        lines += [f"  {_stem(script.path)}:", f"    cmd: python {script.path}", "    deps:"]
        lines += [f"      - {yaml_text.key(path)}" for path in dict.fromkeys(deps)]
        for key, chosen in (("outs", [p for p in outs if not _METRICS.search(p)]), ("metrics", filter(_METRICS.search, outs))):
            rows = [
                f"      - {yaml_text.key(path)}" + (": {cache: false}" if key == "metrics" or path in tracked else "")
                for path in chosen
            ]
            lines += [f"    {key}:", *rows] if rows else []
    return "\n".join(lines) + "\n"
