"""What reading a file of skops would make: trusted types are as good as safe ones, and nothing else becomes so."""

from __future__ import annotations

import io
import json
import zipfile
from collections import OrderedDict, defaultdict
from functools import partial

import pytest

from mlgit.adapters.modelscan.modelfile import made_types
from tests.kit.late import Late

pytestmark = pytest.mark.slow  # imports skops
skops, np, preprocessing = Late("skops.io"), Late("numpy"), Late("sklearn.preprocessing")


def types(content, *, trust=(), name="model.skops"):
    return made_types(io.BytesIO(content), size=len(content), name=name, trust=frozenset(trust))


def test_unknown_types_are_told_and_trusted_ones_are_none_of_them():
    content = skops.dumps({"one": partial(abs), "two": preprocessing.StandardScaler()})
    found = types(content)
    assert found.format == "skops"
    assert set(found.unknown) == {"functools.partial", "builtins.abs"}
    assert len(found.findings) == 2
    trusted = types(content, trust=["functools.partial", "builtins.abs"])
    assert (trusted.unknown, trusted.findings) == ((), ())
    assert "sklearn.preprocessing._data.StandardScaler" in trusted.types


def test_trust_in_one_leaves_the_other():
    found = types(skops.dumps(partial(abs)), trust=["functools.partial"])
    assert found.unknown == ("builtins.abs",)


def test_arguments_of_a_partial_are_looked_through():
    found = types(skops.dumps(partial(abs, key=eval)), trust=["functools.partial", "builtins.abs"])
    assert found.unknown == ("builtins.eval",)


def test_ordered_dict_as_a_default_is_safe():
    assert types(skops.dumps(defaultdict(OrderedDict))).findings == ()


def rewritten(content, change):
    """The same archive with another schema."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as output:
        for name in source.namelist():
            data = source.read(name)
            output.writestr(name, json.dumps(change(json.loads(data))) if name == "schema.json" else data)
    return target.getvalue()


def test_trusted_type_by_a_loader_that_reads_on_is_still_a_finding():
    content = rewritten(skops.dumps(partial(abs)), lambda schema: schema | {"__loader__": "MethodNode"})
    found = types(content, trust=["functools.partial", "builtins.abs"])
    assert found.unknown == ()
    assert "MethodNode" in found.findings[0]


def test_other_findings_stay_beside_many_unknown_types():
    content = skops.dumps([partial(abs), partial(eval)])
    content = rewritten(content, lambda schema: schema | {"more": 1})
    found = types(content, trust=["functools.partial", "builtins.abs", "builtins.eval"])
    assert found.findings == ("ListNode has entries that skops does not write",)


def test_other_formats_make_no_types_that_could_be_trusted():
    found = types(b"cos\nsystem\n(S'x'\ntR.", trust=["os.system"], name="model.pkl")
    assert found.findings
    assert found.types == frozenset()
