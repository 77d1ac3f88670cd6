"""An audit as a CycloneDX 1.6 bill of materials: the model with its card, and its data as components."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlgit.registry.audit import Evidence, instant
from mlgit.registry.audit_document import metric, metric_names
from mlgit.registry.facts import DataFile
from mlgit.revision.values import flatten


def bill(evidence: Evidence, *, libraries: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The bill of materials. The same audit gives the same bytes: the serial number is made from the content.

    `libraries`, name -> version, are those of Python that the model is served with, where it is packaged with them.
    """
    model, libraries = _model(evidence), libraries or {}
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": instant(evidence.registration.time),
            "component": model,
            "properties": _properties({"mlgit:tag": evidence.registration.ref, "mlgit:commit": evidence.facts.commit}),
        },
        "components": [
            *(_data(each) for each in evidence.facts.data),
            *_pins(evidence.facts.environment),
            *_libraries(libraries),
        ],
        "dependencies": [
            {
                "ref": model["bom-ref"],
                "dependsOn": sorted(
                    {
                        *(_ref(each) for each in evidence.facts.data if each.role != "test"),
                        *(_purl(*each) for each in libraries.items()),
                    }
                ),
            }
        ],
    }
    return {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "serialNumber": _serial(body), **body}


def _serial(body: Mapping[str, Any]) -> str:
    """A UUID (version 5 in form) from the content."""
    digest = bytearray(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _model(evidence: Evidence) -> dict[str, Any]:
    facts = evidence.facts
    said = evidence.recorded.model
    about = {
        "mlgit:path": facts.model.path,
        "mlgit:format": facts.model.format or (said.format if said else ""),
        "mlgit:executes-code": {True: "yes", False: "no", None: ""}[facts.model.executes_code],
        "mlgit:loader": facts.model.loader,
        **{f"mlgit:param:{name}": json.dumps(value) for name, value in flatten(facts.params) if name},
    }
    row: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{evidence.name}",
        "name": facts.artifact,
        "version": evidence.registration.name.version,
        "hashes": _hashes(facts.model.md5, facts.model.sha256 or (said.sha256 if said else "")),
        "modelCard": _card(evidence),
        "properties": _properties(about),
    }
    return row | ({"description": facts.description} if facts.description else {})


def _card(evidence: Evidence) -> dict[str, Any]:
    datasets = [{"ref": _ref(each)} for each in evidence.facts.with_role("train")]
    return {
        "bom-ref": f"card:{evidence.name}",
        "modelParameters": {"datasets": datasets},
        "quantitativeAnalysis": {"performanceMetrics": [_metric(evidence, name) for name in metric_names(evidence)]},
    }


def _metric(evidence: Evidence, name: str) -> dict[str, Any]:
    found = metric(evidence, name)
    row: dict[str, Any] = {"type": name, "value": repr(found["value"])}
    interval = found.get("ci95")
    if isinstance(interval, list) and len(interval) == 2:
        row["confidenceInterval"] = {"lowerBound": str(interval[0]), "upperBound": str(interval[1])}
    return row | ({"slice": str(found["split"])} if "split" in found else {})


def _ref(each: DataFile) -> str:
    return f"data:{each.path}"


def _data(each: DataFile) -> dict[str, Any]:
    about = {
        "mlgit:role": each.role,
        "mlgit:test-set": each.test_set,
        "mlgit:size": "" if each.size is None else str(each.size),
        "mlgit:rows": "" if each.rows is None else str(each.rows),
        "mlgit:files": "" if each.n_files is None else str(each.n_files),
    }
    return {
        "type": "data",
        "bom-ref": _ref(each),
        "name": each.path,
        "hashes": _hashes(each.md5, ""),
        "data": [{"type": "dataset", "name": each.path}],
        "properties": _properties(about),
    }


def _pins(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": "file", "bom-ref": f"file:{path}", "name": path, "hashes": _hashes("", digest)}
        for path, digest in environment.items()
    ]


def _libraries(libraries: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"type": "library", "bom-ref": _purl(name, version), "name": name, "version": version, "purl": _purl(name, version)}
        for name, version in sorted(libraries.items())
    ]


def _purl(name: str, version: str) -> str:
    """What package-url.org calls a package of an index for Python."""
    return f"pkg:pypi/{name}@{version.replace('+', '%2B')}"


def _hashes(md5: str, sha256: str) -> list[dict[str, str]]:
    found = {"MD5": md5.removesuffix(".dir"), "SHA-256": sha256}
    return [{"alg": name, "content": digest} for name, digest in found.items() if digest]


def _properties(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items() if value]
