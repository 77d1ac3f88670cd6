"""Writes the folder that servers read: a version's model with its digests checked, its contract, and rows to test it with."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlgit.adapters.formats import documents
from mlgit.adapters.modelscan import modelfile
from mlgit.adapters.system import files
from mlgit.config import NAME as CONFIG
from mlgit.errors import MlgitError
from mlgit.pipeline.artifacts import DeclaredArtifact
from mlgit.pipeline.sources import CommitFiles
from mlgit.registry import deliver, tag_facts
from mlgit.registry.event import Event
from mlgit.registry.facts import ModelFile
from mlgit.registry.state import Version
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.serving import pinned_libraries, release, released_rows
from mlgit.serving.release import NAME, Release
from mlgit.serving.released_rows import ReleasedRows
from mlgit.serving_settings import Serving
from mlgit.validation import parse
from mlgit.validation.contract import Contract

CONTRACT = "contract.odcs.yaml"
SELF_TEST = "self-test.json"
MODEL = "model"
CODE = "code"

_LARGEST_CONTRACT = 20 << 20


def write(
    revision: Revision,
    version: Version,
    *,
    folder: Path,
    event: Event | None = None,
    with_code: bool = False,
    with_private: bool = True,
) -> Release:
    """Write what is needed to answer with a version; `revision` is its commit, `event` what put it where it is served.

    `folder` must not exist, and appears as a whole. `with_code` adds the files of the project as they are in the commit.
    Without `with_private` rows with classified columns are left out. Raises MlgitError where tag and commit do not say
    the same, and for bytes that cannot be had or are other ones.
    """
    if os.path.lexists(folder):
        raise MlgitError(f"{folder}: exists already", "name another place, or remove it")
    temporary = folder.parent / f".{folder.name[:50]}.{secrets.token_hex(6)}.tmp"
    label = f"{version.artifact}@{version.name}"
    try:
        temporary.mkdir(parents=True)
        found = _filled(temporary, revision, version, event or version.event, with_private=with_private)
        if with_code:
            _write_code(revision, temporary / CODE)
        os.rename(temporary, folder)
    except OSError as error:
        raise MlgitError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    except MlgitError as error:
        raise MlgitError(f"{label}: {error.message}", error.hint) from error
    finally:
        with suppress(OSError):
            files.remove(temporary)
    return found


def is_whole(folder: Path, version: Version, event: Event) -> bool:
    """Whether a folder holds a version, put where it is served by an event, with the bytes that it was written with."""
    try:
        found = release.read(documents.parse(files.read_text(folder / NAME), name=NAME), where=NAME)
        said = (found.model, found.version, found.commit, found.tag, found.tag_oid)
        if said != (version.artifact, version.name, version.commit, event.ref, event.oid):
            return False
        contract = files.read_bytes(folder / found.contract) if found.contract else b""
        is_sound = not found.contract or hashlib.sha256(contract).hexdigest() == found.contract_sha256
        has_rows = not found.self_test or (folder / found.self_test).is_file()
        return is_sound and has_rows and modelfile.identify(folder / found.file)[:2] == (found.md5, found.sha256)
    except MlgitError:
        return False


def _filled(folder: Path, revision: Revision, version: Version, event: Event, *, with_private: bool) -> Release:
    """Write all but the code into a folder that is there."""
    artifact = revision.artifact(version.artifact)
    declared = revision.model(artifact)
    model = _model(revision, version, artifact)
    file = f"{MODEL}/{posixpath.basename(model.path)}"
    delivered = deliver.deliver(revision, model, folder / file)
    found = Release(
        model=version.artifact,
        version=version.name,
        commit=version.commit,
        tag=event.ref,
        tag_oid=event.oid,
        md5=delivered.md5,
        sha256=delivered.sha256,
        file=file,
        format=model.format or modelfile.describe(folder / file).format,
        requires=_requires(revision),
        label=declared.label,
        id=declared.id,
        positive=declared.positive,
        serving=_settings(revision, artifact),
    )
    contract = _contract(revision, found.serving, declared.train)
    if contract:
        content, asked = contract
        _write(folder / CONTRACT, content)
        found = replace(found, contract=CONTRACT, contract_sha256=hashlib.sha256(content).hexdigest())
    if contract and asked.has_private and not with_private:
        rows = ReleasedRows(untested="its rows have classified columns, which stay in the project")
    else:
        rows = released_rows.read(revision, declared)
    if not rows.untested:
        _write(folder / SELF_TEST, _json(rows.document()))
    found = replace(found, self_test="" if rows.untested else SELF_TEST, untested=rows.untested)
    _write(folder / NAME, _json(found.document()))
    return found


def _model(revision: Revision, version: Version, artifact: DeclaredArtifact) -> ModelFile:
    """The model's file by the version's tag, which has to say what its commit says. Raises MlgitError where it does not."""
    hint = f"`mlgit model audit {version.artifact}@{version.name}` tells more"
    if version.event.body.fault:
        raise MlgitError(f"the text of its tag {version.event.ref} cannot be read: {version.event.body.fault}", hint)
    said, recorded = tag_facts.read(version.event).model, revision.digest(artifact.path)
    if recorded is None:
        raise MlgitError(
            f"its commit {version.commit[:10]} records no model at '{artifact.path}'", "register a commit that was run"
        )
    if said is None:
        return ModelFile(artifact.path, recorded.md5, recorded.size if recorded.size >= 0 else None)
    if (said.path, said.md5) != (artifact.path, recorded.md5):
        raise MlgitError(
            f"its tag says that the model is {said.path} ({said.md5[:10]}), and its commit that it is {artifact.path} "
            f"({recorded.md5[:10]})",
            hint,
        )
    return said


def _settings(revision: Revision, artifact: DeclaredArtifact) -> Serving:
    """How the model is served, by the mlgit.yaml of its commit, under the name seen from the project or the full one."""
    config = revision.config
    return config.serving(artifact.name if artifact.name in config.servings else artifact.local)


def settings_of(revision: Revision, name: str) -> Serving:
    """How an artifact of this name is served, by the mlgit.yaml of a commit."""
    return _settings(revision, revision.artifact(name))


def _contract(revision: Revision, serving: Serving, train: tuple[str, ...]) -> tuple[bytes, Contract] | None:
    """The contract of a request: the declared one, else that of the first training data; None where there is none."""
    paths = (posixpath.normpath(each) for each in train[:1])
    path = posixpath.normpath(serving.contract) if serving.contract else revision.config.contracts.get(next(paths, ""), "")
    if not path:
        return None
    if not recorded_paths.is_inside(path):
        raise MlgitError(f"{path}: not in the project", f"name a contract below it under `serving:` in {CONFIG}")
    content = revision.contents.read(path, most=_LARGEST_CONTRACT)
    if content is None:
        raise MlgitError(f"{path}: no such contract in commit {revision.commit[:10]}", f"{CONFIG} names it there")
    document = documents.parse_yaml(files.decode(content, name=path), name=path)
    return content, parse.parse(document, name=path)


def _requires(revision: Revision) -> dict[str, str]:
    """The versions that the files at the top of the project pin."""
    source = revision.files
    assert isinstance(source, CommitFiles), "a release is of a commit"
    names = [name for name in source.tree if "/" not in name and pinned_libraries.form(name)]
    source.fetch(names)
    found: dict[str, Any] = {}
    for name in names:
        text, form = (source.content(name) or b"").decode(errors="replace"), pinned_libraries.form(name)
        with suppress(MlgitError):  # what is not in its format pins nothing
            found[name] = text if form == ".txt" else documents.parse(text, name=f"{name}{form}")
    return pinned_libraries.read(found)


def _write_code(revision: Revision, folder: Path) -> None:
    """Write the files of the project as Git has them; links last, so that nothing is written through one."""
    source = revision.files
    assert isinstance(source, CommitFiles), "a release is of a commit"
    names = sorted(source.tree)
    links = [name for name in names if source.tree[name][0] == "120000"]
    source.fetch(names)
    folder.mkdir()
    for name in [each for each in names if each not in {*links}]:
        place = _place(folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, source.content(name) or b"")
        if source.tree[name][0] == "100755":
            place.chmod(0o755 & ~files.current_umask())
    for name in links:
        target = os.fsdecode(source.content(name) or b"")
        place = _place(folder, name)
        if posixpath.isabs(target) or posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).startswith(".."):
            continue  # what lies out of the project is not of the release
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def _place(folder: Path, name: str) -> Path:
    """Where a file of a commit goes. Git itself makes no such names, but an object can hold any."""
    if any(part in ("", ".", "..", ".git") for part in name.split("/")):
        raise MlgitError(f"'{name}': not a path that Git checks out", "`git fsck` tells more")
    return folder / name


def _write(place: Path, content: bytes) -> None:
    with open(place, "xb") as stream:
        stream.write(content)


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
