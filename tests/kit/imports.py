"""Reads which module imports which, with `ast`, and holds that against a law given as a table."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "mlgit"


@dataclass(frozen=True, slots=True)
class Law:
    """Which module may import which; the words are those of the table in `tests/imports_test.py`."""

    rooms: Mapping[str, Set[str]]  # room -> rooms below it
    doors: Mapping[str, Set[str]]  # room -> its modules that touch the outside
    leaves: Mapping[str, Set[str]]  # top-level module (or a folder of them) -> top-level modules it may import
    for_pure: Set[str]  # top-level modules for every module of a room
    for_doors: Set[str]  # top-level modules for doors only
    lazy: Set[str]  # modules (or rooms) that may import mlgit's own modules inside a function
    late: Set[str]  # packages so slow, or optional, that a function may import them
    outside: Set[str]  # packages that reach the outside: not for pure modules
    starts: Set[str] = field(default_factory=frozenset)  # modules of cli that do more than call a command and print
    tolerated: Set[tuple[str, str]] = field(default_factory=frozenset)  # known breaches that wait for a repair


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the importing module, what it names (`mlgit` modules resolved), and where it stands."""

    importer: str
    imported: str
    line: int
    in_function: bool

    def __str__(self) -> str:
        return f"{PACKAGE}/{self.importer.replace('.', '/')}.py:{self.line}: imports {self.imported}"


def modules(package: Path) -> dict[str, ast.Module]:
    """Every module below the package's folder: dotted name without the package (`pipeline.graph`) -> its tree."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts)] = _tree(path.read_text(encoding="utf-8"), str(path))
    return found


@functools.cache
def _tree(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


def imports(trees: Mapping[str, ast.Module]) -> list[Import]:
    """Every import of every module, those under `if TYPE_CHECKING` too."""
    return [each for name, tree in trees.items() for each in _of_module(name, tree, set(trees))]


def _of_module(name: str, tree: ast.Module, known: set[str]) -> Iterator[Import]:
    for node, in_function in _walk(tree, False):
        for target in _named(node, name, known):
            yield Import(name, target, node.lineno, in_function)


def _walk(node: ast.AST, in_function: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, in_function
        yield from _walk(child, in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _named(node: ast.Import | ast.ImportFrom, importer: str, known: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    start = node.module or ""
    if node.level:
        above = [PACKAGE, *importer.split(".")][: -node.level]
        start = ".".join([*above, *([start] if start else [])])
    for alias in node.names:
        longer = f"{start}.{alias.name}"
        yield longer if longer.removeprefix(f"{PACKAGE}.") in known else start


def violations(package: Path, law: Law) -> list[str]:
    """Every breach of the law below the package's folder, one line each."""
    trees = modules(package)
    found = imports(trees)
    own = [each for each in found if _is_own(each.imported)]
    breaches = [f"{each}: {why}" for each in own if _pair(each) not in law.tolerated and (why := _why_not(each, law))]
    breaches += [f"{each}: {why}" for each in found if (why := _why_not_here(each, law))]
    breaches += [
        f"{PACKAGE}/{name.replace('.', '/')}.py: no room or top-level module of the table"
        for name in trees
        if not _is_known(name, law)
    ]
    breaches += [f"door {room}.{door} of the table does not exist" for room, door in _missing_doors(trees, law)]
    breaches += ["import cycle: " + " -> ".join(cycle) for cycle in cycles(own)]
    return breaches + [line for name, tree in trees.items() for line in _outside_calls(name, tree, law)]


def _is_own(name: str) -> bool:
    return name.startswith(f"{PACKAGE}.")


def _pair(each: Import) -> tuple[str, str]:
    return each.importer, each.imported.removeprefix(f"{PACKAGE}.")


def _is_known(name: str, law: Law) -> bool:
    _, dot, _ = name.partition(".")
    if name == "adapters.__init__" or _leaf(name, law):
        return True
    return _room(name) in (law.rooms.keys() | {"cli"}) if dot else name in law.leaves.keys() | {"__init__", "__main__"}


def _missing_doors(trees: Mapping[str, ast.Module], law: Law) -> list[tuple[str, str]]:
    rooms = {_room(name) for name in trees}
    return [
        (room, door) for room, doors in law.doors.items() for door in doors if room in rooms and f"{room}.{door}" not in trees
    ]


def _why_not(each: Import, law: Law) -> str:
    """Why one mlgit module may not import another; '' when it may."""
    importer, imported = (_leaf(name, law) or name for name in _pair(each))
    room, target_room = _room(importer), _room(imported)
    if importer == "__main__" or importer in law.starts:
        return ""
    if room == "cli":
        opens = _is_adapter(target_room) or imported in law.for_doors or (target_room != room and _is_door(imported, law))
        return "the command line opens no door: a command does" if opens and target_room != "commands" else ""
    if target_room == "cli":
        return "nothing imports cli"
    if room == "":
        allowed = law.leaves.get(importer, frozenset())
        return "" if imported == importer or (target_room or imported) in allowed else "above its place"
    if _is_adapter(room):
        return _why_not_between_adapters(room, imported, law)
    return _why_not_between_rooms(importer, imported, law)


def _why_not_between_adapters(room: str, imported: str, law: Law) -> str:
    if imported == "errors":
        return ""
    target = _room(imported)
    if not _is_adapter(target):
        return "adapters import errors and the adapters below them"
    return "" if target == room or target in law.rooms[room] else f"{target} is not below {room}"


def _why_not_between_rooms(importer: str, imported: str, law: Law) -> str:
    room, target_room = _room(importer), _room(imported)
    at_door = _is_door(importer, law)
    if _is_adapter(target_room):
        return "" if at_door else "only a door imports adapters"
    if target_room == "":
        return "" if imported in (law.for_doors | law.for_pure if at_door else law.for_pure) else "not for this kind of module"
    if target_room != room and target_room not in law.rooms.get(room, frozenset()):
        return f"{target_room} is not below {room}"
    if _is_door(imported, law) and not at_door and importer not in law.lazy:
        return "a door, which no pure module opens"
    return ""


def _why_not_here(each: Import, law: Law) -> str:
    """Why an import may not stand where it does, whatever it names; '' when it may."""
    room, top = _room(_leaf(each.importer, law) or each.importer), each.imported.partition(".")[0]
    pure = room not in ("", "cli") and not _is_adapter(room) and not _is_door(each.importer, law)
    if top in ("click", "rich") and room != "cli":
        return "only cli speaks to the user"
    if top in law.outside and pure:
        return "a pure module touches nothing outside"
    if top == "importlib" and each.importer not in law.lazy:
        return "imports are written down"
    if not each.in_function or each.importer in law.lazy:
        return ""
    if top == PACKAGE:
        return "" if room == "cli" else "inside a function"  # a command's options are known without what it does
    return "inside a function, and not in the list of slow packages" if pure or top not in law.late else ""


def _room(name: str) -> str:
    """`pipeline` of `pipeline.graph`; the adapters are rooms of their own: `adapters.git` of `adapters.git.tags`."""
    room, dot, rest = name.partition(".")
    if room == "adapters" and "." in rest:
        return f"{room}.{rest.partition('.')[0]}"
    return room if dot else ""


def _leaf(name: str, law: Law) -> str:
    """The top-level module of the table that a module is, or, where that is a folder, belongs to; '' for those of rooms."""
    top = name.partition(".")[0]
    return top if top in law.leaves else ""


def _is_adapter(room: str) -> bool:
    return room.partition(".")[0] == "adapters"


def _is_door(name: str, law: Law) -> bool:
    """Whether a module may touch the outside: all commands may, for they say in which order doors are opened."""
    room = _room(name)
    module = name.removeprefix(f"{room}.")
    return room == "commands" or module in law.doors.get(room, frozenset())


def cycles(found: list[Import]) -> list[list[str]]:
    """Import cycles at module level, each once, as the chain of modules that closes."""
    graph: dict[str, set[str]] = {}
    for each in found:
        if not each.in_function:
            importer, imported = _pair(each)
            graph.setdefault(importer, set()).add(imported)
    done: set[str] = set()
    closed: list[list[str]] = []

    def visit(name: str, chain: list[str]) -> None:
        if name in chain:
            closed.append([*chain[chain.index(name) :], name])
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*chain, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return closed


_PURE_OF_OS = {"fspath", "fsencode", "fsdecode"}


def _outside_calls(name: str, tree: ast.Module, law: Law) -> Iterator[str]:
    """Calls that print below cli, or that make a pure module depend on files, the clock or the environment."""
    room = _room(_leaf(name, law) or name)
    pure = room not in ("", "cli") and not _is_adapter(room) and not _is_door(name, law)
    for node in ast.walk(tree):
        word = _spelled(node.func) if isinstance(node, ast.Call) else _spelled(node)
        called = isinstance(node, ast.Call)
        where = f"{PACKAGE}/{name.replace('.', '/')}.py:{getattr(node, 'lineno', 0)}: {word}"
        if room != "cli" and ((called and word in ("print", "input")) or (not called and word in ("sys.stdout", "sys.stderr"))):
            yield f"{where}: nothing below cli prints"
        if pure and called and _reaches_out(word):
            yield f"{where}(): a pure module touches nothing outside"


def _reaches_out(word: str) -> bool:
    head, dot, rest = word.partition(".")
    if head == "os" and dot:
        return rest not in _PURE_OF_OS and rest not in ("path.join", "path.normpath", "path.basename", "path.dirname")
    return word == "open" or (head == "time" and bool(dot)) or rest in ("now", "utcnow", "today", "cwd", "home")


def _spelled(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, else ''."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _spelled(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
