"""A lock of uv as requirements with hashes for pip: what the project itself requires, without its groups for developers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# A package is needed where one of these is true; each is what has to be true at once, as markers of the environment.
_Condition = frozenset[frozenset[str]]
_ALWAYS: _Condition = frozenset({frozenset()})
# More ways to a package than this, and it is installed whatever the environment: one too many does no harm.
_MOST_WAYS = 16
_Node = tuple[int, str]  # the package's place in the lock, and one of its extras, '' for none


class UnhashedError(Exception):
    """The lock does not say by hash what a package is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def exported(document: Mapping[str, Any]) -> dict[str, str]:
    """The requirements of a parsed uv.lock, by name and version: lines with the hashes of all of its files.

    Raises UnhashedError for a package that comes from a folder or a repository, and ValueError for what is no such lock.
    """
    packages = document.get("package")
    if not isinstance(packages, list) or not all(isinstance(each, Mapping) and "name" in each for each in packages):
        raise ValueError("no packages")
    conditions: dict[int, _Condition] = defaultdict(frozenset)
    for (place, _), condition in _reached(packages).items():
        conditions[place] = _either(conditions[place], condition)
    found = {}
    for place, condition in conditions.items():
        if not _is_own(packages[place]):
            found[f"{packages[place]['name']}=={packages[place].get('version', '')}"] = _lines(packages[place], condition)
    return dict(sorted(found.items()))


def _reached(packages: Sequence[Mapping[str, Any]]) -> dict[_Node, _Condition]:
    """What the lock's own project needs, and under which conditions."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(packages):
        places[each["name"]].append(place)
    roots: list[_Node] = [(place, "") for place, each in enumerate(packages) if _is_own(each)]
    if not roots:
        raise ValueError("no project")
    found: dict[_Node, _Condition] = dict.fromkeys(roots, _ALWAYS)
    waiting = roots
    while waiting:
        node = waiting.pop()
        for target, marker in _edges(packages, places, node):
            here = found[node] if not marker else frozenset(way | {marker} for way in found[node])
            there = _either(found.get(target, frozenset()), here)
            if there != found.get(target):
                found[target] = there
                waiting.append(target)
    return found


def _edges(packages: Sequence[Mapping[str, Any]], places: Mapping[str, list[int]], node: _Node) -> Iterator[tuple[_Node, str]]:
    package, extra = packages[node[0]], node[1]
    if extra:
        yield (node[0], ""), ""
    for each in package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ()):
        for place in places[each["name"]]:
            if each.get("version") in (None, packages[place].get("version")):
                for wanted in ("", *each.get("extra", ())):
                    yield (place, wanted), each.get("marker", "")


def _either(one: _Condition, other: _Condition) -> _Condition:
    """Where one of two conditions is true; a way that asks for more than another is none of its own."""
    ways = one | other
    least = frozenset(way for way in ways if not any(each < way for each in ways))
    return least if len(least) <= _MOST_WAYS else _ALWAYS


def _is_own(package: Mapping[str, Any]) -> bool:
    """Whether a package is what the lock was made for: it lies in the folder of the lock, or in one below it."""
    source = package.get("source", {})
    return "virtual" in source or "editable" in source


def _lines(package: Mapping[str, Any], condition: _Condition) -> str:
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    hashes = sorted({each["hash"] for each in files if str(each.get("hash", "")).startswith("sha256:")})
    if not hashes or "registry" not in package.get("source", {}):
        raise UnhashedError(package["name"])
    marker = "" if condition == _ALWAYS else f" ; {_marker(condition)}"
    return f"{package['name']}=={package['version']}{marker}" + "".join(f" \\\n    --hash={each}" for each in hashes) + "\n"


def _marker(condition: _Condition) -> str:
    ways = sorted(" and ".join(f"({each})" for each in sorted(way)) for way in condition)
    return " or ".join(f"({each})" if " and " in each and len(ways) > 1 else each for each in ways)
