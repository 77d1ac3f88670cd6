"""An audit as an in-toto statement (v1) with SLSA provenance (v1), as in-toto.io and slsa.dev define them."""

from __future__ import annotations

from typing import Any

from mlgit.errors import MlgitError
from mlgit.registry.audit import Evidence
from mlgit.registry.facts import DataFile

BUILD_TYPE = "urn:mlgit:dvc-pipeline:v1"
BUILDER = "urn:mlgit:run:v1"


def statement(evidence: Evidence) -> dict[str, Any]:
    """The statement that this model was made by these stages from these data, code and environment.

    No time stands in it: when a stage ran is not recorded, and when it was registered says its tag.
    Raises MlgitError when the commit records no model: there is nothing to make a statement about.
    """
    if not evidence.facts.model.md5:
        raise MlgitError(f"{evidence.name}: its commit records no model, so nothing can be stated of it")
    facts, registration = evidence.facts, evidence.registration
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [_subject(evidence)],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "artifact": facts.artifact,
                    "version": registration.name.version,
                    "commit": facts.commit,
                    "parameters": dict(facts.params),
                },
                "internalParameters": {"stages": [{"name": step.name, "cmd": step.cmd} for step in facts.steps]},
                "resolvedDependencies": _dependencies(evidence),
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {"invocationId": f"{registration.ref}@{registration.oid}"},
            },
        },
    }


def _subject(evidence: Evidence) -> dict[str, Any]:
    model, said = evidence.facts.model, evidence.recorded.model
    sha256 = model.sha256 or (said.sha256 if said else "")
    digest = {"md5": model.md5.removesuffix(".dir")} | ({"sha256": sha256} if sha256 else {})
    return _described({"name": model.path, "digest": digest}, is_folder=model.md5.endswith(".dir"))


def _dependencies(evidence: Evidence) -> list[dict[str, Any]]:
    code = {"name": "code", "uri": f"git+commit:{evidence.facts.commit}", "digest": {"gitCommit": evidence.facts.commit}}
    pins = [{"name": path, "digest": {"sha256": digest}} for path, digest in sorted(evidence.facts.environment.items())]
    return [code, *(_data(each) for each in evidence.facts.data if each.md5 and each.role != "test"), *pins]


def _data(each: DataFile) -> dict[str, Any]:
    row = {"name": each.path, "digest": {"md5": each.md5.removesuffix(".dir")}, "annotations": {"role": each.role}}
    return _described(row, is_folder=each.md5.endswith(".dir"))


def _described(row: dict[str, Any], *, is_folder: bool) -> dict[str, Any]:
    """Say of a folder that its digests are those of its list of files."""
    if is_folder:
        row["annotations"] = {**row.get("annotations", {}), "content": "the digest is that of the folder's list of files"}
    return row
