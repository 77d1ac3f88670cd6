"""House rules that a machine can check: lengths, words, docstrings, and what must not stand in any tracked file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mlgit
from tests.kit.imports import imports, modules

pytestmark = pytest.mark.slow  # all of the source is read

PACKAGE = Path(mlgit.__file__).parent
CHECKOUT = PACKAGE.parent
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
REFUSED_WORDS = {"manager", "helper", "helpers", "util", "utils", "common", "handler", "processor", "service", "base"}

# What cli takes from commands to show a result or to be told of waiting: no use case.
SHOWN = {"cause", "last_lines", "override", "version_row", "watch_remotes", "limit_remotes", "current_job"}

# Brackets around one letter, so that this file does not hold what it looks for.
REGISTRIES = (r"pyp[i]\.org", r"pythonhoste[d]\.org", r"npmj[s]\.(?:org|com)", r"anacond[a]\.org", r"//mirro[r]")
# Examples are about Ada.
PLACES = (r"(?<![\w.])/(?:hom[e]/(?!(?:ada|vscode)\b)|User[s]/|roo[t]/|wor[k]/|far[m]/)", r"/tmp/(?:de[v]|la[b])\b")
NOT_TEXT = {".png", ".gz", ".parquet", ".skops", ".ico"}


def tracked() -> list[Path]:
    """Every file of the checkout that Git knows, or would know after `git add`."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a Git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in listed if name and (path := CHECKOUT / name).is_file() and path.suffix not in NOT_TEXT]


def words(name: str) -> set[str]:
    """The words of a name in snake_case or CamelCase, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def found_in(paths: list[Path], patterns: tuple[str, ...]) -> list[str]:
    """Where one of the patterns stands in these files."""
    found = []
    for path in paths:
        match = re.search("|".join(patterns), path.read_text(encoding="utf-8", errors="replace"))
        found += [f"{path.name}: {match[0]}"] if match else []
    return found


def test_no_file_is_too_long():
    files = [*PACKAGE.rglob("*.py"), *(CHECKOUT / "tests").rglob("*.py")]
    lengths = {path.relative_to(CHECKOUT).as_posix(): len(path.read_text().splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long():
    functions = [
        (f"{name}.{node.name}", node.end_lineno - node.lineno + 1)
        for name, tree in modules(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [each for each in functions if each[1] > LONGEST_FUNCTION] == []


def test_every_module_says_what_belongs_in_it():
    assert [name for name, tree in modules(PACKAGE).items() if not ast.get_docstring(tree)] == []


def test_every_public_function_and_class_has_a_docstring():
    missing = [
        f"{name}.{node.name}"
        for name, tree in modules(PACKAGE).items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert missing == []


def test_names_say_what_a_thing_is():
    names = [(name, name) for name in modules(PACKAGE)]
    names += [
        (f"{name}.{node.name}", node.name)
        for name, tree in modules(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    assert [where for where, name in names if words(name) & REFUSED_WORDS] == []


@pytest.mark.parametrize("name", ["StageManager", "git_utils", "HTTPHandler", "BaseStage", "adapters.helpers"])
def test_refused_word_is_recognised(name):
    assert words(name) & REFUSED_WORDS


@pytest.mark.parametrize("name", ["Database", "Services2", "Handlers_", "Baseline", "Utility"])
def test_word_that_only_holds_a_refused_one_is_fine(name):
    assert not words(name) & REFUSED_WORDS


def unused(trees: dict[str, ast.Module]) -> list[str]:
    """Public functions and classes at the top of a module that neither it nor another module of these uses.

    What is decorated is used by its decorator: commands, properties.
    """
    used: set[tuple[str, str]] = set()
    for name, tree in trees.items():
        known: dict[str, str] = {}
        for node in ast.walk(tree):
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                start = (node.module or "").removeprefix("mlgit").strip(".")
                longer = f"{start}.{alias.name}".strip(".")
                known |= {alias.asname or alias.name: longer} if longer in trees else {}
                used.add((start, alias.name))
        for top in tree.body:
            names = [node for node in ast.walk(top) if isinstance(node, ast.Name) and node.id != getattr(top, "name", "")]
            used |= {(name.removesuffix(".__init__"), node.id) for node in names}
        attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
        used |= {(known.get(node.value.id, ""), node.attr) for node in attributes if isinstance(node.value, ast.Name)}
    return [
        f"{name}.{node.name}"
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if not (isinstance(node, ast.FunctionDef) and node.decorator_list)
        if (name.removesuffix(".__init__"), node.name) not in used
    ]


# Distributions that are imported under other names, or by others than mlgit/: what for stands beside them in pyproject.toml.
IMPORTED_AS = {"gitpython": "gitdb", "pyyaml": "yaml", "scikit-learn": "sklearn", "mlflow-skinny": "mlflow"}
# What dvc, distributed and uvicorn[standard] bring, at the version that they ask for.
BROUGHT = {"_duckdb", "dulwich", "dvc_objects", "ruamel", "tomlkit", "dask", "uvloop"}


def test_every_dependency_is_imported_and_every_import_declared():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for listed in project["optional-dependencies"].values() for each in listed]
    named = {re.split(r"[<>=!~\[ ]", each)[0] for each in (*project["dependencies"], *extras)}
    declared = {IMPORTED_AS.get(each, each.replace("-", "_")) for each in named}
    tops = {each.imported.partition(".")[0] for each in imports(modules(PACKAGE))} - sys.stdlib_module_names - {"mlgit"}
    assert (declared - tops, tops - declared - BROUGHT) == (set(), set())


# What nobody in mlgit/ calls, and why it is there.
CALLED_FROM_OUTSIDE = {
    # named in the task that is sent to a worker of a Dask cluster, which looks it up
    "executors.dask.worker.work",
    # entry points, by which MLflow finds its store
    *("tracking.plugin.tracking", "tracking.plugin.registry", "tracking.plugin.artifacts"),
}


def test_every_public_function_and_class_is_used():
    assert set(unused(modules(PACKAGE))) == CALLED_FROM_OUTSIDE


@pytest.mark.parametrize(
    ("used_by", "left"),
    [
        ("", ["a.f"]),
        ("from mlgit.a import f", []),
        ("from mlgit import a\na.f()", []),
        ("from mlgit import a as b\nb.f()", []),
        ("from mlgit import a\na.g()", ["a.f"]),
        ("other.f()", ["a.f"]),
    ],
)
def test_function_that_nobody_uses_is_found(used_by, left):
    source = "def f():\n    return f()\ndef _g(): pass\n@command\ndef h(): pass\n"
    assert unused({"a": ast.parse(source), "b": ast.parse(used_by)}) == left


def sentences(tree: ast.Module) -> list[str]:
    """Strings with a space in them, docstrings too; of an f-string all that stands around its values."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [
        "{}".join(part.value for part in node.values if isinstance(part, ast.Constant))
        if isinstance(node, ast.JoinedStr)
        else node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in parts
    ]
    return [text for text in texts if isinstance(text, str) and " " in text]


def modules_in_prose(trees: dict[str, ast.Module], names: set[str]) -> list[str]:
    """Where a sentence holds a name of two words or more that only a module has, also with its words run together.

    A name in backticks points at code; run together it is what is left of a replacement that went through prose.
    """
    compound = {name for name in names if "_" in name.strip("_")}
    spelled = "|".join(sorted(compound))
    joined = "|".join(sorted(name.replace("_", "") for name in compound))
    pattern = re.compile(rf"`[^`\n]*`|\b(?P<name>(?:{spelled}|{joined})s?)\b")
    quoted = re.compile(rf"\b(?P<name>(?:{joined})s?)\b")
    found = [
        (where, match["name"] or ((left := quoted.search(match[0])) and left["name"]))
        for where, tree in trees.items()
        for text in sentences(tree)
        for match in pattern.finditer(text)
    ]
    return [f"{where}: {name}" for where, name in found if name]


def test_no_module_name_stands_in_prose():
    trees = modules(PACKAGE)
    assert modules_in_prose(trees, {name.rpartition(".")[2] for name in trees}) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('"""As they follow the dvc_commands."""', ["m: dvc_commands"]),
        ('def f():\n    raise E(f"(the dvccommand {x} was left out)")', ["m: dvccommand"]),
        ('"""See `fork_pool`: it forks."""', []),
        ('"""What is in `forkpool` is called here."""', ["m: forkpool"]),
        ('a = "fork_pool"\nfrom mlgit import fork_pool', []),
        ('"""A pool of forks, by dvc and its commands."""', []),
    ],
)
def test_module_name_in_prose_is_found(source, said):
    assert modules_in_prose({"m": ast.parse(source)}, {"dvc_command", "fork_pool", "graph"}) == said


def test_no_function_takes_keyword_arguments_it_does_not_name():
    functions = [
        f"{name}.{node.name}"
        for name, tree in modules(PACKAGE).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.args.kwarg is not None
    ]
    assert functions == []


def test_results_of_commands_cannot_be_changed():
    classes = [
        (f"{name}.{node.name}", each)
        for name, tree in modules(PACKAGE).items()
        if name.startswith("commands.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for each in map(ast.unparse, node.decorator_list)
        if each.startswith("dataclass")
    ]
    assert len(classes) > 20
    assert [name for name, decorator in classes if "frozen=True" not in decorator] == []


def test_every_use_case_is_called_as_a_notebook_would():
    tests = "".join(path.read_text() for path in (CHECKOUT / "tests/commands").glob("*_test.py"))
    called = {
        alias.name
        for name, tree in modules(PACKAGE).items()
        if name.startswith("cli.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlgit.commands.")
        for alias in node.names
        if alias.name.islower()
    }
    assert len(called) > 25
    assert sorted(name for name in called - SHOWN if f"{name}(" not in tests) == []


def test_no_file_names_a_package_registry():
    assert found_in(tracked(), REGISTRIES) == []


def test_no_file_names_a_place_on_somebodys_machine():
    assert found_in(tracked(), PLACES) == []


@pytest.mark.parametrize(
    ("patterns", "text", "word"),
    [
        (REGISTRIES, "https://{}.org/simple", "pypi"),
        (REGISTRIES, "https://files.{}.org/x", "python" + "hosted"),
        (PLACES, "see /{}/bob/notes", "home"),
        (PLACES, "cd /{}/project", "work"),
    ],
)
def test_forbidden_text_would_be_found(tmp_path, patterns, text, word):
    (tmp_path / "notes.txt").write_text(text.format(word))
    assert found_in([tmp_path / "notes.txt"], patterns)


def classes_named_twice(trees: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Public classes of one name, with the modules that define them."""
    places: dict[str, list[str]] = {}
    for name, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name)
    return {name: modules for name, modules in places.items() if len(modules) > 1}


def test_no_two_public_classes_have_one_name():
    assert classes_named_twice(modules(PACKAGE)) == {}


def test_class_named_twice_is_found():
    trees = {"gate.judge": ast.parse("class Case: ..."), "registry.policy": ast.parse("class Case: ...\nclass _Own: ...")}
    assert classes_named_twice(trees) == {"Case": ["gate.judge", "registry.policy"]}
