"""Projects as DVC 2 left them: no `hash: md5` in locks, md5s that pass over line ends, the old layout of the cache."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.utils.serialize import dumps_yaml
from dvc_data.hashfile.hash import file_md5
from ruamel.yaml import YAML


def age(root: Path, rng: random.Random, *, share: float = 0.9, cache: str = "") -> None:
    """Make what DVC 3 recorded look as if DVC 2 had; `share` of the stages, and of the items in them.

    `cache`: objects lie in `both` layouts, are `moved` to the old one, or are `gone` ('' lets the generator choose).
    """
    old_of = _old_md5s(root)
    for path in sorted([*root.rglob("dvc.lock"), *root.rglob("*.dvc")]):
        if path.is_file() and ".dvc" not in path.relative_to(root).parts[:-1]:
            document = YAML(typ="safe").load(path.read_text())
            for row in _rows(document, rng, share):
                row.pop("hash", None)
                row["md5"] = old_of.get(row["md5"], row["md5"])
            path.write_text(dumps_yaml(document))
    _age_cache(root, old_of, cache or rng.choice(["both", "moved", "moved", "gone"]))
    if rng.random() < 0.5:
        shutil.rmtree(root / ".dvc/cache/runs", ignore_errors=True)


def _rows(document: Any, rng: random.Random, share: float) -> Iterator[dict[str, Any]]:
    for body in document.get("stages", {"": document}).values():
        if rng.random() < share:
            for row in (*body.get("deps", ()), *body.get("outs", ())):
                if row.get("hash") == "md5" and rng.random() < share:
                    yield row


def _old_md5s(root: Path) -> dict[str, str]:
    """The digests of DVC 2 by those of today, of everything that lies in the workspace or in the cache."""
    paths = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts]
    found = {hashlib.md5(path.read_bytes()).hexdigest(): file_md5(str(path), name="md5-dos2unix") for path in paths}
    for path in [path for path in paths if path.name.endswith(".dir")]:
        found[path.parent.name + path.name] = hashlib.md5(_listing(path, found)).hexdigest() + ".dir"
    return found


def _listing(path: Path, old_of: dict[str, str]) -> bytes:
    return json.dumps(
        [{**row, "md5": old_of.get(row["md5"], row["md5"])} for row in json.loads(path.read_bytes())], sort_keys=True
    ).encode()


def _age_cache(root: Path, old_of: dict[str, str], way: str) -> None:
    store = root / ".dvc/cache/files/md5"
    linked = (root / ".dvc/config").exists() and "link" in (root / ".dvc/config").read_text()
    for path in sorted(store.glob("??/*")) if way != "gone" else ():
        old = old_of.get(path.parent.name + path.name, path.parent.name + path.name)
        target = root / ".dvc/cache" / old[:2] / old[2:]
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            target.write_bytes(_listing(path, old_of) if old.endswith(".dir") else path.read_bytes())
            target.chmod(0o444)
    if way != "both" and not linked and store.exists():
        shutil.rmtree(store)
