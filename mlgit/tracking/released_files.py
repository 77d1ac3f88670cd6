"""The files of a released version, for whoever loads it through MLflow: from the commit, else from DVC's cache.

What is in neither is brought by `mlgit model get`, where mlgit itself is installed: only that knows DVC's remotes. A model that
is one file of skops is shown as MLflow's folder of a model, so that `mlflow.sklearn.load_model` takes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlgit.adapters.dvc import settings
from mlgit.adapters.git import git
from mlgit.adapters.system import process
from mlgit.errors import MlgitError
from mlgit.registry import read, state, tag_facts
from mlgit.registry.facts import ModelFile
from mlgit.registry.state import Version

_BLOCK = 1 << 20
_LARGEST_LISTING = 256 << 20
MLMODEL = "MLmodel"
_SKOPS = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: {name}
    predict_fn: predict
    env: {{}}
  sklearn:
    pickled_model: {name}
    serialization_format: skops
model_uuid: null
run_id: null
"""


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """One file of a version. `text` is what it holds, `blob` the object of Git, `cached` the md5 and place in DVC's cache."""

    size: int | None
    text: bytes | None = None
    blob: str = ""
    cached: tuple[str, str] = ("", "")


def find(root: Path, artifact: str, version: str) -> Version:
    """A version that was registered. Raises MlgitError where there is none."""
    found = state.fold(read.load(root)).artifact(artifact).version(version)
    if found is None or not found.is_registered:
        raise MlgitError(f"'{artifact}@{version}': version not found", f"`mlgit model history {artifact}` tells more")
    return found


def listing(root: Path, version: Version, *, bring: bool = True) -> dict[str, ReleasedFile]:
    """Every file of a version by its path in it.

    Raises MlgitError where the tag does not say what the model is, and where its bytes cannot be had.
    """
    model = tag_facts.read(version.event).model
    name = f"{version.artifact}@{version.name}"
    if model is None:
        raise MlgitError(f"'{name}': its tag does not record the model's file", f"`mlgit model get {name}` brings it")
    folder = version.artifact.rpartition(":")[0]
    path = posixpath.join(folder, model.path)
    found = _committed(root, version.commit, path) or _cached(root, folder, model)
    if not found and bring:
        _bring(root / folder, name)
        return listing(root, version, bring=False)
    if not found:
        raise MlgitError(f"{path}: neither in the commit nor in DVC's cache", f"`mlgit model get {name}` brings it")
    return _as_folder(found, model)


def _as_folder(found: dict[str, ReleasedFile], model: ModelFile) -> dict[str, ReleasedFile]:
    """A folder is as it is; a file has a folder of its own, with what MLflow wants to know beside it."""
    if "" not in found:
        return found
    name = posixpath.basename(model.path)
    whole = {name: found[""]}
    if model.format == "skops":
        text = _SKOPS.format(name=json.dumps(name)).encode()
        whole[MLMODEL] = ReleasedFile(len(text), text=text)
    return whole


def _committed(root: Path, commit: str, path: str) -> dict[str, ReleasedFile]:
    rows = git.list_tree(root, commit, under=path)
    wanted = {name: row for name, row in rows.items() if row[0] != "120000" and (name == path or name.startswith(f"{path}/"))}
    return {name[len(path) + 1 :]: ReleasedFile(size, blob=blob) for name, (_, blob, size) in wanted.items()}


def _cached(root: Path, folder: str, model: ModelFile) -> dict[str, ReleasedFile]:
    """The files in the cache; empty where one is missing."""
    dvc = next((each / ".dvc" for each in _upwards(root, folder) if (each / ".dvc").is_dir()), None)
    if dvc is None:
        return {}
    cache = settings.load(dvc).cache_folder / "files" / "md5"
    members = _members(cache, model.md5) if model.md5.endswith(".dir") else {"": model.md5}
    places = {name: (md5, str(cache / md5[:2] / md5[2:])) for name, md5 in members.items()}
    if not all(os.path.isfile(place) for _, place in places.values()):
        return {}
    return {name: ReleasedFile(os.stat(found[1]).st_size, cached=found) for name, found in places.items()}


def _upwards(root: Path, folder: str) -> list[Path]:
    steps = folder.split("/") if folder else []
    return [root.joinpath(*steps[:count]) for count in range(len(steps), -1, -1)]


def _members(cache: Path, md5: str) -> Mapping[str, str]:
    """The files of a folder by their paths, as DVC's list of them says; that list is checked by its name."""
    place = cache / md5[:2] / md5[2:]
    try:
        if place.stat().st_size > _LARGEST_LISTING:
            return {}
        content = place.read_bytes()
    except OSError:
        return {}
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise MlgitError(f"{place}: not what its name says", "`mlgit doctor --deep` looks through the cache")
    rows = json.loads(content)
    found = {str(row["relpath"]): str(row["md5"]) for row in rows}
    if any(".." in name.split("/") or name.startswith("/") or not _is_md5(md5) for name, md5 in found.items()):
        raise MlgitError(f"{place}: names files outside the model's folder", "`mlgit model verify` says more")
    return found


def _is_md5(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)


def _bring(folder: Path, name: str) -> None:
    """Have `mlgit model get` fetch the bytes into the cache. Raises MlgitError, with its words, where it cannot."""
    with TemporaryDirectory(prefix="mlgit-") as place:
        argv = [sys.executable, "-m", "mlgit", "model", "get", name, "-o", f"{place}/model"]
        done = process.run(argv, cwd=folder, check=False)
        if done.code and b"No module named mlgit" in done.stderr:
            told = f"'{name}': its bytes are neither in the commit nor in DVC's cache"
            raise MlgitError(told, f"`mlgit model get {name}`, or `dvc fetch` where DVC is installed, brings them")
    if done.code:
        said = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        raise MlgitError(f"'{name}': its bytes cannot be had: {said}")


def write(root: Path, file: ReleasedFile, target: Path) -> None:
    """Write one file. Raises MlgitError where its bytes are not those that were recorded."""
    if file.text is not None:
        target.write_bytes(file.text)
    elif file.blob:
        read_back = git.read_objects(root, [file.blob])
        if file.blob not in read_back:
            raise MlgitError(f"{target.name}: its bytes are not in this clone", "`git fetch --refetch` brings all")
        target.write_bytes(read_back[file.blob][1])
    else:
        _copy(file, target)


def _copy(file: ReleasedFile, target: Path) -> None:
    md5, place = file.cached
    digest = hashlib.md5(usedforsecurity=False)
    with open(place, "rb") as source, open(target, "wb") as copy:
        while block := source.read(_BLOCK):
            digest.update(block)
            copy.write(block)
    if digest.hexdigest() != md5:
        target.unlink()
        raise MlgitError(f"{place}: not what its name says", "`mlgit doctor --deep` looks through the cache")
