"""Which files of a project hold metrics and parameters: the same for commits that share its pipeline files."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# A value of `foreach: [...]` or `matrix:` stands in the pipeline file itself; any other comes from a file of parameters.
_FROM_ELSEWHERE = re.compile(r"\$\{(?!\s*(?:item|key)\b)")
_EXPRESSION = re.compile(r"\$\{([^${}]*)\}")
_NAME = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*(?:\[[0-9]+\])?\s*")
_TELLING = ("wdir", "params", "metrics", "outs")
_MOST_TEXTS = 100_000


@dataclass(frozen=True, slots=True)
class ValueFiles:
    """The files and folders of metrics, and the files of parameters with the keys that count (none: all of them).

    `cached` are the metrics that DVC's cache may hold and Git does not. `trouble` is why the pipeline could not be read.
    """

    metrics: tuple[str, ...] = ()
    parameters: Mapping[str, tuple[str, ...]] | None = None
    cached: frozenset[str] = frozenset()
    trouble: str = ""

    def may_be_cached(self, path: str) -> bool:
        """Whether a file that Git lacks may be in DVC's cache, as an output or inside of one."""
        return any(path == each or path.startswith(f"{each}/") or each.startswith(f"{path}/") for each in self.cached)


def is_fixed(document: Mapping[str, Any]) -> bool:
    """Whether a parsed dvc.yaml names the same files whatever the parameters are."""
    texts = _told(document)
    return texts is not None and not any(_FROM_ELSEWHERE.search(text) for text in texts)


def depends_on(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The parameters of params.yaml, beside the file, that decide which files a parsed dvc.yaml names.

    None where more may decide: other files of variables, and names that are worked out themselves.
    """
    texts = _told(document)
    has_own = any(isinstance(body, Mapping) and "vars" in body for body in (document.get("stages") or {}).values())
    if texts is None or has_own or any(isinstance(each, str) for each in document.get("vars") or ()):
        return None
    found = [name for text in texts for name in _EXPRESSION.findall(text)]
    is_plain = sum(text.count("${") for text in texts) == len(found) and all(map(_NAME.fullmatch, found))
    return tuple(sorted({name.partition("[")[0].strip() for name in found})) if is_plain else None


def _told(document: Mapping[str, Any]) -> list[str] | None:
    """Every text that tells where values are; None for too many."""
    stages = document.get("stages")
    told = [document.get("metrics"), document.get("params"), document.get("vars")]
    for body in stages.values() if isinstance(stages, Mapping) else ():
        if isinstance(body, Mapping):
            told += [body.get("foreach"), body.get("matrix")]
            inner = body.get("do") if "foreach" in body else body
            told += [inner.get(key) for key in _TELLING] if isinstance(inner, Mapping) else []
    texts = list(itertools.islice(_texts(told), _MOST_TEXTS))
    return texts if len(texts) < _MOST_TEXTS else None


def telling(document: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Of each stage of a parsed dvc.yaml what tells where its values are; None where that takes a resolver."""
    stages = document.get("stages") or {}
    is_plain = not any({"foreach", "matrix", "vars"} & body.keys() for body in stages.values())
    if not is_plain or document.get("vars") or not is_fixed(document):
        return None
    found = {str(name): {key: body[key] for key in _TELLING if key in body} for name, body in stages.items()}
    return None if any("${" in text for text in itertools.islice(_texts(found), _MOST_TEXTS)) else found


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document; without an end where it contains itself."""
    left = [value]
    while left:
        found = left.pop()
        yield found if isinstance(found, str) else ""
        if isinstance(found, Mapping):
            left.extend(found.keys())
            left.extend(found.values())
        elif isinstance(found, list):
            left.extend(found)


def live_parameters(metrics: str) -> str:
    """The file beside DVCLive's metrics that holds its parameters."""
    return posixpath.join(posixpath.dirname(metrics), "params.yaml")
