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
from typing import Any, NamedTuple

from mlgit.adapters.formats import documents
from mlgit.adapters.modelscan import modelfile
from mlgit.adapters.system import files
from mlgit.config import NAME as CONFIG
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.pipeline.artifacts import DeclaredArtifact
from mlgit.pipeline.sources import CommitFiles
from mlgit.registry import deliver, tag_facts
from mlgit.registry.event import Event
from mlgit.registry.facts import ModelFile
from mlgit.registry.state import Version
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.serving import pinned_libraries, release, release_code, released_rows
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
            release_code.write(revision, temporary / CODE)
        os.rename(temporary, folder)
    except OSError as error:
        raise MlgitError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    except MlgitError as error:
        raise MlgitError(f"{label}: {error.message}", error.hint) from error
    finally:
        with suppress(OSError):
            files.remove(temporary)
    return found


def is_whole(folder: Path, revision: Revision, version: Version, *, event: Event, with_code: bool = False) -> bool:
    """Whether a folder holds what `write` would write of a version, by its tag and commit, whatever the folder says of itself.

    Only the rows to test it with are taken as they are.
    """
    try:
        found = release.read(documents.parse(files.read_text(folder / NAME), name=NAME), where=NAME)
        model = _model(revision, version, revision.artifact(version.artifact))
        md5, sha256, _ = modelfile.identify(folder / _file(model))
        if md5 != model.md5 or model.sha256 not in ("", sha256):
            return False
        known = replace(model, sha256=sha256, format=model.format or found.format)
        expected, contract = _described(revision, version, event, known)
        return (
            replace(found, self_test="", untested="") == expected
            and (contract is None or files.read_bytes(folder / CONTRACT) == contract.content)
            and found.self_test in ("", SELF_TEST)
            and (not found.self_test or (folder / SELF_TEST).is_file())
            and (not with_code or release_code.is_same(revision, folder / CODE))
        )
    except MlgitError:
        return False


class _RequestContract(NamedTuple):
    """The contract of requests, and its bytes."""

    content: bytes
    contract: Contract


def _filled(folder: Path, revision: Revision, version: Version, event: Event, *, with_private: bool) -> Release:
    """Write all but the code into a folder that is there."""
    artifact = revision.artifact(version.artifact)
    model = _model(revision, version, artifact)
    delivered = deliver.deliver(revision, model, folder / _file(model))
    form = model.format or modelfile.describe(folder / _file(model)).format
    found, contract = _described(revision, version, event, replace(model, sha256=delivered.sha256, format=form))
    if contract:
        _write(folder / CONTRACT, contract.content)
    if contract and contract.contract.has_private and not with_private:
        rows = ReleasedRows(untested="its rows have classified columns, which stay in the project")
    else:
        rows = released_rows.read(revision, _answering(revision.model(artifact), found.serving))
    if not rows.untested:
        _write(folder / SELF_TEST, _json(rows.document()))
    found = replace(found, self_test="" if rows.untested else SELF_TEST, untested=rows.untested)
    _write(folder / NAME, _json(found.document()))
    return found


def _answering(model: Model, serving: Serving) -> Model:
    """The model with the column of its predictions that it is to answer with again."""
    return replace(model, prediction=serving.recorded, score="") if serving.recorded else model


def _described(revision: Revision, version: Version, event: Event, model: ModelFile) -> tuple[Release, _RequestContract | None]:
    """What tag and commit say of a release, but for the rows to test it with; and its contract."""
    artifact = revision.artifact(version.artifact)
    declared, serving = revision.model(artifact), _settings(revision, artifact)
    contract = _contract(revision, serving, declared.train)
    found = Release(
        model=version.artifact,
        version=version.name,
        commit=version.commit,
        tag=event.ref,
        tag_oid=event.oid,
        md5=model.md5,
        sha256=model.sha256,
        file=_file(model),
        format=model.format,
        contract=CONTRACT if contract else "",
        contract_sha256=hashlib.sha256(contract.content).hexdigest() if contract else "",
        requires=_requires(revision),
        label=declared.label,
        id=declared.id,
        positive=declared.positive,
        serving=serving,
    )
    return found, contract


def _file(model: ModelFile) -> str:
    return f"{MODEL}/{posixpath.basename(model.path)}"


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


def _contract(revision: Revision, serving: Serving, train: tuple[str, ...]) -> _RequestContract | None:
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
    return _RequestContract(content, parse.parse(document, name=path))


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


def _write(place: Path, content: bytes) -> None:
    with open(place, "xb") as stream:
        stream.write(content)


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
