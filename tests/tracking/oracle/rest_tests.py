"""MLflow's own tests of its REST interface, with `mlgit://` as a third kind of store beside its two.

A test that passes with SQLite and fails with `mlgit://` is wrong, unless KNOWN says why. The source is that of MLflow 3; what
is installed may be newer, so what fails with both is passed over.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

FILE = "tests/tracking/test_rest_tracking.py"
# Why some tests fail here, and which.
_LOCAL = "artifacts are kept in the repository, and in no folder of this machine that a client names"
_RELEASES = "it registers a model, which is done by `mlgit model register`"
KNOWN = {
    "test_create_get_search_experiment": _LOCAL,
    "test_artifacts": _LOCAL,
    "test_delete_tag": "the words for a run that is not there are others; the code is the same",
    "test_get_run_and_experiment_graphql": _RELEASES,
    "test_get_metric_history_bulk_interval_graphql": _RELEASES,
    "test_search_runs_graphql": _RELEASES,
}
# What this store does not keep, or what asks other services.
OTHERS = (
    *("trace", "assess", "endpoint", "secret", "scorer", "evaluation", "provider", "promptlab", "gateway", "otel"),
    *("online_scoring", "model_definition", "list_models", "model_version", "suppress", "dataset_", "_datasets"),
    *("idempotent", "at_once", "client_api"),
)
# What is changed in the tests: a third store, and what newer versions of MLflow have under another name.
CHANGES = (
    (
        r'@pytest\.fixture\(params=\["file", "sqlalchemy"\]\)\ndef store_type',
        '@pytest.fixture(params=["sqlalchemy", "mlgit"])\ndef store_type',
    ),
    (
        r'    elif store_type == "sqlalchemy":\n        backend_uri = db_uri\n',
        '    elif store_type == "sqlalchemy":\n        backend_uri = db_uri\n    else:\n        import subprocess\n\n'
        '        subprocess.run(["git", "init", "--quiet", str(tmp_path / "repo")], check=True)\n'
        '        backend_uri = f"mlgit://{tmp_path}/repo"\n',
    ),
)
RENAMED = ((r"from mlflow\.utils\.providers import _PROVIDER_BACKEND_AVAILABLE", "_PROVIDER_BACKEND_AVAILABLE = False"),)


def compare(source: Path, python: str, env: dict[str, str]) -> list[str]:
    """What is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(source / "tests", folder / "tests", symlinks=True)
        text = (folder / FILE).read_text(encoding="utf-8")
        for pattern, put in CHANGES:
            text, count = re.subn(pattern, lambda _, put=put: put, text, count=1)  # type: ignore[misc]
            if not count:
                raise SystemExit(f"{source}: its tests are of another kind: there is no {pattern}")
        for pattern, put in RENAMED:
            text = re.sub(pattern, put, text)
        (folder / FILE).write_text(text, encoding="utf-8")
        argv = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=found.xml", FILE]
        argv += ["-k", f"not ({' or '.join(OTHERS)})"]
        done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
        if not (folder / "found.xml").is_file():
            raise SystemExit(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return wrong(outcomes(folder / "found.xml"))


def outcomes(path: Path) -> dict[str, bool]:
    """Whether each test passed, by its name and store; those that were skipped are left out."""
    found = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        if case.find("skipped") is None:
            found[case.attrib["name"]] = case.find("failure") is None and case.find("error") is None
    return found


def wrong(found: dict[str, bool]) -> list[str]:
    """The tests that fail here only, and are not known to; and those that are known to, and do not."""
    ours = {name.replace("[mlgit", "[sqlalchemy"): passed for name, passed in found.items() if "[mlgit" in name}
    both = {name: passed for name, passed in ours.items() if found.get(name)}
    failed = sorted(name for name, passed in both.items() if not passed)
    print(f"{len(both)} tests of MLflow pass with SQLite, {len(both) - len(failed)} of them with mlgit://")
    plain = {name: name.partition("[")[0] for name in failed}
    new = [f"{FILE}: {name}" for name in failed if plain[name] not in KNOWN]
    cured = KNOWN.keys() & {name.partition("[")[0] for name in both} - set(plain.values())
    return new + [f"{FILE}: {name} is known to fail, and passes" for name in sorted(cured)]
