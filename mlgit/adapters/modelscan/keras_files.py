"""Models of Keras (.keras): a description of layers, which loading makes by name, beside weights."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from mlgit.adapters.modelscan import scans
from mlgit.adapters.modelscan.keras_names import CLASSES, FUNCTIONS
from mlgit.adapters.modelscan.verdict import Verdict

_LARGEST_CONFIG = 64 << 20
_MEMBERS = re.compile(r"metadata\.json|config\.json|model\.weights\.h5|assets/.*")
# What Keras writes for values that are no objects of a class.
_VALUES = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}


def judge(archive: zipfile.ZipFile) -> Verdict:
    """The verdict for an archive with a config.json."""
    found = Verdict("keras", loader="keras.saving.load_model")
    others = [name for name in archive.namelist() if not _MEMBERS.fullmatch(name)]
    found.findings += [f"member '{name[:100]}' is nothing that Keras writes" for name in others]
    member = archive.getinfo("config.json")
    if member.file_size > _LARGEST_CONFIG:
        return Verdict("keras", ["its config.json is too large to be looked at"])
    try:
        document = json.loads(archive.read(member))
    except (ValueError, RecursionError):
        return Verdict("keras", ["its config.json cannot be read"])
    found.findings += sorted(set(_unknown(document)))
    del found.findings[scans.MOST_FINDINGS :]
    return found


def _unknown(document: Any) -> Iterator[str]:
    """What is named in a description that is not on the list."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "class_name" in node and not _is_known(node):
                yield f"makes {node.get('module')}.{node['class_name']}"[:200]
            if isinstance(node.get("vocabulary"), str):
                yield f"reads the file '{node['vocabulary'][:100]}'"
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _is_known(node: dict[str, Any]) -> bool:
    module, name, registered = node.get("module"), node["class_name"], node.get("registered_name")
    if not isinstance(name, str) or registered not in (None, name, node.get("config") if name == "function" else None):
        return False
    if module is None:
        return name in _VALUES and "registered_name" not in node
    if name == "function":
        config = node.get("config")
        return module in ("builtins", "keras.activations", "keras.losses", "keras.metrics") and config in FUNCTIONS
    return isinstance(module, str) and name in CLASSES.get(module, ())
