"""`.dvc` files, byte for byte as DVC writes them, and what may not be tracked by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlgit.errors import MlgitError
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.model import Digest, Output, Stage

# A name that every YAML emitter writes as it is; others go through DVC's own serializer.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,60}")
_RESERVED = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|nan|inf")
# Keys of an output that only DVC knows how to keep up to date.
_FOREIGN = {"files", "cloud", "etag", "checksum", "version_id", "fs_config"}


def text(path: str, digest: Digest) -> str | None:
    """A new file for `path` (as seen from the file's folder); None where DVC's own serializer has to write it."""
    if not _PLAIN.fullmatch(path) or _RESERVED.fullmatch(path) or not set("acdf") & set(digest.md5):
        return None  # an md5 without these letters may look like a number
    rows = [f"{key}: {'true' if value is True else value}" for key, value in row(path, digest).items()]
    return "outs:\n- " + "\n  ".join(rows) + "\n"


def row(path: str, digest: Digest) -> dict[str, Any]:
    """The one output of a file, in DVC's order."""
    found: dict[str, Any] = {"md5": digest.md5, "size": digest.size}
    if digest.nfiles is not None:
        found["nfiles"] = digest.nfiles
    if digest.isexec:
        found["isexec"] = True
    return {**found, "hash": "md5", "path": path}


def renewed(document: Mapping[str, Any], digest: Digest) -> dict[str, Any]:
    """A parsed file with the content of its output replaced; whatever else stands in it is kept."""
    old = document["outs"][0]
    new = row(old["path"], digest)
    kept = {key: value for key, value in old.items() if key not in new and key not in ("nfiles", "isexec")}
    return {**document, "outs": [{**new, **kept}]}


def is_simple(document: Any) -> bool:
    """Whether a parsed file holds one local output of today's format, cached, and was made by `add`."""
    if not isinstance(document, Mapping) or document.keys() & {"cmd", "deps", "md5"}:
        return False
    outs = document.get("outs")
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], Mapping):
        return False
    return outs[0].get("hash") == "md5" and outs[0].get("cache", True) is True and not outs[0].keys() & _FOREIGN


def owner(graph: Graph, target: str) -> tuple[Stage, Output] | None:
    """The stage whose output `target` is, or lies inside of.

    Raises MlgitError for a target that a stage with a command makes, and for one that holds another output.
    """
    for stage in graph.stages:
        for out in stage.outs:
            if target == out.target or target.startswith(f"{out.target}/"):
                if not stage.is_source:
                    raise MlgitError(
                        f"'{target}' is{'' if target == out.target else ' inside'} an output of stage '{stage.address}'",
                        f"type `mlgit run {stage.address}`, or take the output out of {stage.file}",
                    )
                return stage, out
            if out.target.startswith(f"{target}/"):
                raise MlgitError(
                    f"'{target}' holds '{out.target}', which '{stage.address}' tracks already",
                    f"type `dvc remove {stage.address}` first, or add other paths" if stage.is_source else "add other paths",
                )
    return None


def refuse_name(target: str) -> None:
    """Raise MlgitError for a path (from the project's root) that DVC keeps for itself, or that is not in the project."""
    if target in ("", "."):
        raise MlgitError("the project itself cannot be tracked as data", "name files or folders inside it")
    if target == ".." or target.startswith(("../", "/")):
        raise MlgitError(f"'{target}' lies outside the project", "copy or link the data into the project first")
    if not {".dvc", ".git"}.isdisjoint(target.split("/")):
        raise MlgitError(f"'{target}' belongs to Git or DVC", "name data files or folders")
    if target.endswith(".dvc") or target.rpartition("/")[2] in ("dvc.yaml", "dvc.lock"):
        raise MlgitError(f"'{target}' is a pipeline file, not data", f"`git add {target}` keeps it")
