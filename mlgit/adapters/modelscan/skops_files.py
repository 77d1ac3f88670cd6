"""Models of skops: a tree of nodes, of which each names the loader that makes an object of it.

Every loader reads its node in its own way, so every node is held against what skops writes for this loader: no other keys,
no other classes, files that are there. A node without such a loader cannot be shown to be safe.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from mlgit.adapters.modelscan import npy_files, scans
from mlgit.adapters.modelscan.pickle_allowlist import BIT_GENERATORS, CLASSES, TYPES, is_class, is_function_of_numbers
from mlgit.adapters.modelscan.verdict import Verdict

_LARGEST_SCHEMA = 64 << 20
_BASE = {"__class__", "__module__", "__loader__", "__id__"}
_PROTOCOLS = (1, 2)
_SUFFIXES = {"NdArrayNode": ".npy", "SparseMatrixNode": ".npz", "BytesNode": ".bin", "BytearrayNode": ".bin"}
_RESTORED = {
    *(("datetime", name) for name in ("date", "datetime", "time", "timedelta", "timezone")),
    *(("pathlib", f"{pure}{kind}Path") for pure in ("Pure", "") for kind in ("Posix", "Windows")),
    *(("pathlib._local", f"{pure}{kind}Path") for pure in ("Pure", "") for kind in ("Posix", "Windows")),
    *(("decimal", "Decimal"), ("fractions", "Fraction"), ("zoneinfo", "ZoneInfo")),
}
_LOSSES = {(module, name) for module in ("sklearn._loss._loss", "sklearn.linear_model._sgd_fast") for name in CLASSES[module]}


def judge(archive: zipfile.ZipFile, *, nested: Callable[[bytes], list[str]], trust: frozenset[str] = frozenset()) -> Verdict:
    """The verdict for an archive with a schema.json; `nested` tells what is wrong with an archive of arrays in it.

    `trust` are names of types that may be made although they are on no list.
    """
    found = Verdict("skops", loader="skops.io.load")
    schema = archive.getinfo("schema.json")
    if schema.file_size > _LARGEST_SCHEMA:
        return Verdict("skops", ["its schema.json is too large to be looked at"])
    try:
        document = json.loads(archive.read(schema))
        found.findings += dict.fromkeys(_of_tree(document, set(archive.namelist()), found, trust))
        found.findings += _of_twins(document)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return Verdict("skops", [f"its schema.json cannot be read ({scans.brief(error)})"])
    found.findings += _of_members(archive, nested)
    del found.findings[scans.MOST_FINDINGS :]
    return found


def _of_members(archive: zipfile.ZipFile, nested: Callable[[bytes], list[str]]) -> Iterator[str]:
    for member in archive.infolist():
        name = member.filename
        if name.endswith(".npy"):
            with archive.open(member) as stream:
                inner = npy_files.judge(stream, member.file_size)  # type: ignore[arg-type]
            is_plain = inner.loader == "numpy.load" or inner.findings
            yield from (f"{name[:100]}: {each}" for each in (inner.findings if is_plain else ["holds Python objects"]))
        elif name.endswith(".npz"):
            yield from (f"{name[:100]}: {each}" for each in nested(archive.read(member)))
        elif name != "schema.json" and not name.endswith(".bin"):
            yield f"member '{name[:100]}' is nothing that skops writes"


def _of_tree(document: Any, members: set[str], found: Verdict, trust: frozenset[str]) -> Iterator[str]:
    """What is wrong with the nodes, each by its loader, while their types are noted in `found`.

    Raises ValueError for what is no tree of nodes at all.
    """
    if not isinstance(document, dict) or type(document.get("protocol")) is not int:
        raise ValueError("no protocol")
    if document["protocol"] not in _PROTOCOLS:
        raise ValueError(f"protocol {document['protocol']}")
    waiting: list[Any] = [{key: value for key, value in document.items() if key not in ("protocol", "_skops_version")}]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict) or not all(type(node.get(key)) is str for key in _BASE - {"__id__"}):
            raise ValueError("a node without a loader")
        loader, kind = node["__loader__"], (node["__module__"], node["__class__"])
        if loader not in _NODES:
            yield f"is made by {loader[:100]}, which is not on the list of safe loaders"
            continue
        is_known, children = _NODES[loader]
        made = ".".join(kind)
        found.types.add(made)
        if not is_known(kind) and made not in trust:
            found.unknown[made[:200]] = None
            yield f"makes {made[:200]}, which is not on the list of safe types"
        inside = node.keys() - _BASE
        if "file" in inside and not (node["file"] in members and str(node["file"]).endswith(_SUFFIXES.get(loader, "\0"))):
            yield f"{loader} reads a file that is not there, or of another kind"
        if inside not in _KEYS.get(loader, ({"content"},)):
            yield f"{loader} has entries that skops does not write"
            continue
        waiting += children(node)


def _of_twins(document: dict[str, Any]) -> Iterator[str]:
    """Nodes that say to be one object and are not: skops takes the first it meets for all of them."""
    seen: dict[Any, bytes] = {}
    different: dict[Any, None] = {}

    def digest(value: Any) -> bytes:
        if isinstance(value, dict):
            is_node = "__loader__" in value  # its number and the name of its file are drawn anew for a passing object
            parts = [(key, digest(each)) for key, each in sorted(value.items()) if not (is_node and key in ("__id__", "file"))]
            found = hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
            own = value.get("__id__")
            if own is not None and is_node and seen.setdefault(own, found) != found:
                different[str(own)] = None
            return found
        content = [digest(each) for each in value] if isinstance(value, list) else value
        return hashlib.blake2b(repr(content).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    digest({key: value for key, value in document.items() if key not in ("protocol", "_skops_version")})
    return (f"two different objects are both number {each[:40]}" for each in different)


def _within(*names: str) -> Callable[[dict[str, Any]], list[Any]]:
    """The nodes under these names of the content."""

    def children(node: dict[str, Any]) -> list[Any]:
        if not isinstance(node["content"], dict) or node["content"].keys() != set(names):
            raise ValueError("a node with another content than skops writes")
        return list(node["content"].values())

    return children


def _content(node: dict[str, Any]) -> list[Any]:
    return [node["content"]] if "content" in node else []


def _each(node: dict[str, Any]) -> list[Any]:
    if not isinstance(node["content"], list):
        raise TypeError("a list of nodes that is none")
    return node["content"]


def _entries(node: dict[str, Any]) -> list[Any]:
    return [node["key_types"], *dict(node["content"]).values()]


def _array(node: dict[str, Any]) -> list[Any]:
    if (node["type"] == "json") != ("content" in node):
        raise ValueError("an array without its content")
    return [*_each(node), node["shape"]] if node["type"] == "json" else []


def _reduced(node: dict[str, Any]) -> list[Any]:
    if not isinstance(node["__reduce__"], dict) or node["__reduce__"].keys() != {"args"}:
        raise ValueError("a node with another content than skops writes")
    return [node["content"], node["__reduce__"]["args"]]


def _plain(node: dict[str, Any]) -> list[Any]:
    """No nodes: a text of JSON, or numbers."""
    return []


def _generator(node: dict[str, Any]) -> list[Any]:
    """The kind of generator stands as a text in its state, and is looked up and called."""
    children = _within("bit_generator", "seed_seq")(node)
    name = json.loads(node["content"]["bit_generator"]["content"]["bit_generator"]["content"])
    if not any(name in names for names in BIT_GENERATORS.values()):
        raise ValueError(f"a generator of random numbers called {name}")
    return children


def _is(*kinds: tuple[str, str]) -> Callable[[tuple[str, str]], bool]:
    return lambda kind: kind in kinds


def _is_array(kind: tuple[str, str]) -> bool:
    return _is_type(kind) and kind[0] != "builtins" and kind[1] not in ("memmap", "dtype", "MaskedArray")


def _is_type(kind: tuple[str, str]) -> bool:
    return kind[1] in TYPES.get(kind[0], ()) and kind[1] != "memmap"


def _is_object(kind: tuple[str, str]) -> bool:
    return is_class(*kind) and kind[0] != "joblib.numpy_pickle"


_KEYS: dict[str, tuple[set[str], ...]] = {
    "NdArrayNode": ({"type", "file"}, {"type", "content", "shape"}),
    "SparseMatrixNode": ({"type", "file"},),
    "BytesNode": ({"file"},),
    "BytearrayNode": ({"file"},),
    "DictNode": ({"content", "key_types"},),
    "TypeNode": (set(),),
    "FunctionNode": (set(),),
    "JsonNode": ({"content", "is_json"},),
    "ObjectNode": ({"content"}, set()),
    "TreeNode": ({"content", "__reduce__"},),
    "LossNode": ({"content", "__reduce__"},),
}
_DICTS = (("collections", "OrderedDict"), ("collections", "Counter"), ("sklearn.utils._bunch", "Bunch"))
_NODES: dict[str, tuple[Callable[[tuple[str, str]], bool], Callable[[dict[str, Any]], list[Any]]]] = {
    "JsonNode": (_is(("builtins", "str")), _plain),
    "DictNode": (_is(("builtins", "dict"), *_DICTS), _entries),
    "DefaultDictNode": (_is(("collections", "defaultdict")), _within("main", "default_factory")),
    "ListNode": (_is(("builtins", "list")), _each),
    "SetNode": (_is(("builtins", "set")), _each),
    "TupleNode": (_is(("builtins", "tuple"), ("sklearn.impute._iterative", "_ImputerTriplet")), _each),
    "SliceNode": (_is(("builtins", "slice")), _plain),
    "BytesNode": (_is(("builtins", "bytes"), ("numpy", "bytes_")), _plain),
    "BytearrayNode": (_is(("builtins", "bytearray")), _plain),
    # OrderedDict is what LightGBM keeps its scores in, by a defaultdict that makes empty ones
    "TypeNode": (lambda kind: _is_type(kind) or kind == ("collections", "OrderedDict"), _plain),
    "FunctionNode": (lambda kind: is_function_of_numbers(*kind), _plain),
    "NdArrayNode": (_is_array, _array),
    "MaskedArrayNode": (_is(("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")), _within("data", "mask")),
    "DTypeNode": (_is(("numpy", "dtype")), _content),
    "RandomStateNode": (_is(("numpy.random.mtrand", "RandomState")), _content),
    "RandomGeneratorNode": (_is(("numpy.random._generator", "Generator")), _generator),
    "SparseMatrixNode": (lambda kind: kind[0].startswith("scipy.sparse.") and is_class(*kind), _plain),
    "ObjectNode": (_is_object, _content),
    "ConstructorFromReduceNode": (lambda kind: kind in _RESTORED, _content),
    "TreeNode": (_is(("sklearn.tree._tree", "Tree")), _reduced),
    "LossNode": (lambda kind: kind in _LOSSES, _reduced),
    # what it will be called with is anything, so that it is for people to say whether it is safe
    "PartialNode": (_is(), _within("func", "args", "kwds", "namespace")),
}
