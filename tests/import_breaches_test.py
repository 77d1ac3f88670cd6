"""Proof that breaking the import law is noticed: a small house that keeps it, and the file that breaks it in each way."""

from __future__ import annotations

import pytest

from tests.imports_test import LAW, ROOMS
from tests.kit import write_tree
from tests.kit.imports import Law, imports, modules, violations

pytestmark = pytest.mark.slow

# A small house that keeps the law; each test below adds the one file that breaks it.
HOUSE = {
    "__init__.py": "",
    "errors.py": "",
    "schema.py": "from mlgit.errors import MlgitError\n",
    "project.py": "from mlgit.adapters.system import files\n",
    "render/text.py": "from mlgit.errors import MlgitError\n",
    "render/table.py": "from mlgit.render.text import plain\n",
    "adapters/system/files.py": "from mlgit.errors import MlgitError\n",
    "adapters/dvc/internals.py": "from mlgit.adapters.system import files\n\ndef f():\n    import dvc.repo\n",
    "executors/protocol.py": "from pathlib import Path\n",
    "executors/local.py": "from mlgit.adapters.system import files\n",
    "executors/table.py": "def make():\n    from mlgit.executors.local import Local\n",
    "pipeline/graph.py": "import os\nfrom mlgit.schema import check\n\nNAME = os.path.join('a', 'b')\n",
    "pipeline/run.py": "from mlgit import project\nfrom mlgit.executors import protocol\nfrom mlgit.pipeline import graph\n",
    "gate/table.py": "from mlgit.render import text\n",
    "statistics/bootstrap.py": "import math\n",
    "gate/judge.py": "from mlgit.statistics.bootstrap import interval\nfrom mlgit.pipeline.graph import Graph\n",
    "gate/review.py": "",
    "commands/run.py": "from mlgit import project\nfrom mlgit.pipeline.run import execute\n",
    "cli/run.py": "import click\nfrom mlgit.commands import run\nfrom mlgit.pipeline.graph import Graph\nprint('done')\n",
    "cli/main.py": "from mlgit.pipeline import run\n",
}
SMALL = Law(
    rooms=ROOMS,
    doors={"pipeline": {"run", "other"}, "executors": {"local"}},
    leaves=LAW.leaves,
    for_pure=LAW.for_pure,
    for_doors=LAW.for_doors,
    lazy=LAW.lazy,
    late=LAW.late,
    outside=LAW.outside,
    starts=LAW.starts,
)
SMALL_WITHOUT_OTHER = "door pipeline.other of the table does not exist"


def test_house_of_this_test_keeps_the_law(tmp_path):
    assert violations(write_tree(tmp_path / "mlgit", HOUSE), SMALL) == [SMALL_WITHOUT_OTHER]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("adapters/system/files.py", "from mlgit.schema import check\n", "adapters import errors and the adapters below them"),
        ("adapters/system/files.py", "from mlgit.adapters.dvc import internals\n", "adapters.dvc is not below adapters.system"),
        ("cli/run.py", "from mlgit.pipeline import run\n", "the command line opens no door"),
        ("cli/run.py", "from mlgit.adapters.system.files import read\n", "the command line opens no door"),
        ("cli/run.py", "from mlgit import project\n", "the command line opens no door"),
        ("cli/model/show.py", "def f():\n    from mlgit.executors.local import Local\n", "the command line opens no door"),
        ("commands/run.py", "import click\n", "only cli speaks to the user"),
        ("adapters/files.py", "", "no room or top-level module of the table"),
        ("adapters/system/files.py", "from mlgit.cli import run\n", "nothing imports cli"),
        ("pipeline/graph.py", "from mlgit.adapters.system import files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from mlgit.adapters.system.files import read\n", "only a door imports adapters"),
        ("pipeline/graph.py", "import mlgit.adapters.system.files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from ..adapters.system import files\n", "only a door imports adapters"),
        ("pipeline/graph.py", "from .run import execute\n", "a door, which no pure module opens"),
        ("pipeline/graph.py", "from mlgit.project import Project\n", "not for this kind of module"),
        ("pipeline/graph.py", "from mlgit.gate.review import Review\n", "gate is not below pipeline"),
        ("pipeline/graph.py", "from mlgit.executors.local import Local\n", "a door, which no pure module opens"),
        (
            "pipeline/graph.py",
            "if TYPE_CHECKING:\n    from mlgit.pipeline.run import execute\n",
            "a door, which no pure module opens",
        ),
        ("pipeline/graph.py", "def f():\n    from mlgit.schema import check\n", "inside a function"),
        ("pipeline/graph.py", "class A:\n    def f(self):\n        import mlgit.schema\n", "inside a function"),
        ("pipeline/graph.py", "def f():\n    import pandas\n", "not in the list of slow packages"),
        ("pipeline/run.py", "def f():\n    import json\n", "not in the list of slow packages"),
        ("pipeline/graph.py", "import importlib\n", "imports are written down"),
        ("pipeline/graph.py", "import subprocess\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "text = open('a').read()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import time\nnow = time.time()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import os\nfound = os.environ.get('A')\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "import os\nfound = os.path.exists('A')\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "from datetime import date\nnow = date.today()\n", "a pure module touches nothing outside"),
        ("pipeline/graph.py", "print('a')\n", "nothing below cli prints"),
        ("adapters/system/files.py", "import sys\nsys.stdout.write('a')\n", "nothing below cli prints"),
        ("adapters/system/files.py", "import click\n", "only cli speaks to the user"),
        ("adapters/system/files.py", "def f():\n    from rich import console\n", "only cli speaks to the user"),
        ("schema.py", "from mlgit.pipeline.graph import Graph\n", "above its place"),
        ("errors.py", "from mlgit.schema import check\n", "above its place"),
        ("render/text.py", "from mlgit.schema import check\n", "above its place"),
        ("render/text.py", "from mlgit.pipeline.graph import Graph\n", "above its place"),
        ("schema.py", "from mlgit.render.text import plain\n", "above its place"),
        (
            "adapters/system/files.py",
            "from mlgit.render.text import plain\n",
            "adapters import errors and the adapters below them",
        ),
        ("render/text.py", "print('a')\n", "nothing below cli prints"),
        ("helpers/text.py", "", "no room or top-level module of the table"),
        ("text.py", "", "no room or top-level module of the table"),
    ],
)
def test_breach_is_reported(tmp_path, path, text, said):
    house = write_tree(tmp_path / "mlgit", {**HOUSE, path: text})
    found = violations(house, SMALL)
    assert [line for line in found if path.removesuffix(".py") in line and said in line], found


def test_cycle_is_reported_once(tmp_path):
    files = {
        "__init__.py": "",
        **{f"pipeline/{one}.py": f"from mlgit.pipeline import {other}\n" for one, other in ("ab", "bc", "ca")},
    }
    house = write_tree(tmp_path / "mlgit", {**files, "pipeline/run.py": "", "pipeline/other.py": ""})
    assert violations(house, SMALL) == ["import cycle: pipeline.a -> pipeline.b -> pipeline.c -> pipeline.a"]


def test_module_named_like_a_member_counts_as_the_module(tmp_path):
    house = write_tree(tmp_path / "mlgit", {"pipeline/graph.py": "from mlgit.pipeline import model\n", "pipeline/model.py": ""})
    assert [each.imported for each in imports(modules(house))] == ["mlgit.pipeline.model"]
