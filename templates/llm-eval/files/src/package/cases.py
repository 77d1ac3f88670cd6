"""Stage `cases`: what the model is asked, and what is right.

A case is a docstring of numpy, pandas, scipy or scikit-learn, as installed; right are the names in the function's
signature, which Python's own parser reads. For cases of your own let this stage fetch them, or delete the stage and
track the file with `dvc add`. Its lines are test cases as promptfoo has them (vars, assert, threshold), and:

- id       names the case
- cluster  names what it belongs to: cases that are alike are no independent evidence
- expected what is right, for people and for the baseline
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from . import baseline, files, parameters

LIBRARIES = {"numpy": "numpy", "pandas": "pandas", "scipy": "scipy", "sklearn": "scikit-learn"}
NAMES = {"type": "array", "items": {"type": "string"}}

Case = dict[str, Any]


def sample(given: parameters.Cases, *, seed: int) -> tuple[list[Case], list[Case]]:
    """Cases to judge by, and examples to write the prompt by: as many of each library, and no module in both."""
    judging: list[Case] = []
    examples: list[Case] = []
    seen: set[str] = set()
    for library, package in LIBRARIES.items():
        order = shuffled(modules(library), seed=seed)
        source = {"library": library, "version": importlib.metadata.version(package)}
        # the examples first: with more cases to judge by they stay what they were
        for found, number in ((examples, given.examples), (judging, given.number)):
            most = len(found) + number // len(LIBRARIES)
            for module, path in order:
                if len(found) >= most:
                    break
                if module not in seen:
                    seen.add(module)
                    made = of_module(module, path, source, given, seed=seed)
                    found += [each for each in made if each["vars"]["docstring"] not in seen][: most - len(found)]
                    # a docstring that is there twice would count twice
                    seen |= {each["vars"]["docstring"] for each in made}
    return by_name(judging), by_name(examples)


def of_module(module: str, path: Path, source: dict[str, str], given: parameters.Cases, *, seed: int) -> list[Case]:
    """A few cases of one module."""
    usable = [each for each in functions(path) if len(each[1]) <= given.max_characters]
    return [case(module, *each, source) for each in shuffled(usable, seed=seed)[: given.per_module]]


def by_name(cases: list[Case]) -> list[Case]:
    """In the order of their ids."""
    return sorted(cases, key=lambda each: each["id"])


def shuffled(rows: list[Any], *, seed: int) -> list[Any]:
    """In the order of a digest of the name: a new release that adds a module changes few places."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed} {row[0]}".encode()).digest())


def modules(library: str) -> list[tuple[str, Path]]:
    """The modules of a library with their sources, but for its tests; nothing is imported."""
    spec = importlib.util.find_spec(library)
    if spec is None or spec.origin is None:
        raise ValueError(f"{library} is not installed: pip install -r requirements.txt")
    root = Path(spec.origin).parent
    names = {path: path.relative_to(root.parent).with_suffix("").parts for path in root.rglob("*.py")}
    return [(".".join(parts), path) for path, parts in names.items() if not {"tests", "_build_utils"} & {*parts}]


def functions(path: Path) -> list[tuple[str, str, list[str]]]:
    """Name, docstring and names of parameters of the public functions that document parameters."""
    found, source = {}, path.read_bytes()
    for node in ast.parse(source).body if b"Parameters" in source else []:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            docstring = ast.get_docstring(node) or ""
            names = signature(node.args)
            if names and baseline.HEADING.search(docstring):
                found[node.name] = (node.name, docstring, names)
    return list(found.values())


def signature(given: ast.arguments) -> list[str]:
    """The names of the parameters, in their order."""
    stars = [given.vararg] if given.vararg else [], [given.kwarg] if given.kwarg else []
    found = [*given.posonlyargs, *given.args, *stars[0], *given.kwonlyargs, *stars[1]]
    return [each.arg for each in found]


def case(module: str, name: str, docstring: str, names: list[str], source: dict[str, str]) -> Case:
    """A test case: the answer is a JSON array of exactly these names."""
    return {
        "id": f"{module}.{name}",
        "cluster": module,
        "vars": {"docstring": docstring},
        "expected": names,
        "assert": [{"type": "is-json", "value": NAMES}, {"type": "equals", "value": names}],
        "metadata": source,
    }


if __name__ == "__main__":
    given = parameters.read()
    judging, examples = sample(given.cases, seed=given.seed)
    files.write_jsonl(files.CASES, judging)
    files.write_jsonl(files.EXAMPLES, examples)
