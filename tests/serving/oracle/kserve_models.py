"""Whether KServe's own Python models have a place for every key of an InferenceService: `PYTHON kserve_models.py FILE`.

PYTHON is that of an environment with kserve 0.21. Keys that have none are printed; exit code 1 where there are some.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def unknown(value: Any, kind: str, *, where: str = "") -> Iterator[str]:
    """The keys of a value that a model of this name does not know."""
    inner = re.fullmatch(r"(?:list\[|dict\(str, )(\w+)[\])]", kind)
    if inner:
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        for place, each in rows:
            yield from unknown(each, inner[1], where=f"{where}.{place}")
        return
    types = _types(kind)
    if types is None:
        return
    for key, each in value.items():
        if key not in types:
            yield f"{where}.{key}"
        else:
            yield from unknown(each, types[key], where=f"{where}.{key}")


def _types(kind: str) -> dict[str, str] | None:
    """The keys of a model as they are written, and the models of their values; None for a plain value."""
    from kserve import models
    from kubernetes import client

    model = getattr(models, kind, None) or getattr(client, kind, None)
    if model is None:
        return None
    if hasattr(model, "attribute_map"):
        return {written: model.openapi_types[name] for name, written in model.attribute_map.items()}
    # newer clients of Kubernetes describe their models by annotations
    return {each.alias or name: _named(str(each.annotation)) for name, each in model.model_fields.items()}


def _named(annotation: str) -> str:
    names = re.findall(r"\.(V1\w+)", annotation)
    form = "list[{}]" if "List[" in annotation or "list[" in annotation else "{}"
    return form.format(names[-1]) if names else "object"


def main(path: str) -> int:
    """Print the keys that are unknown; the exit code."""
    import yaml

    document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    found = list(unknown(document, "V1beta1InferenceService"))
    print("\n".join(found) or f"{path}: kserve's models know every key")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
