"""Which library at which version a release was made with, by what its files pin."""

from __future__ import annotations

import tomllib

from mlgit.serving import pinned_libraries

REQUIREMENTS = """\
# exact versions
scikit-learn==1.9.1 ; python_version >= "3.11" \\
    --hash=sha256:0000
skops[extra] == 0.16.0  # reads the model
numpy>=2
pandas==3.*
Joblib===1.5
requests==2.32.0
"""
LOCK = """\
version = 1
[[package]]
name = "scikit-learn"
version = "1.8.0"
[[package]]
name = "numpy"
version = "2.0.0"
[[package]]
name = "numpy"
version = "2.4.6"
[[package]]
name = "project"
"""


def test_exact_versions_of_requirements_count_and_ranges_do_not():
    found = pinned_libraries.read({"requirements.txt": REQUIREMENTS})
    assert found == {"joblib": "1.5", "scikit-learn": "1.9.1", "skops": "0.16.0"}


def test_lock_counts_before_requirements():
    found = pinned_libraries.read({"requirements.txt": REQUIREMENTS, "uv.lock": tomllib.loads(LOCK)})
    assert found["scikit-learn"] == "1.8.0"


def test_library_that_is_pinned_twice_is_not_known():
    contents = {"uv.lock": tomllib.loads(LOCK), "requirements.txt": "numpy==2.4.6\n"}
    assert "numpy" not in pinned_libraries.read(contents)


def test_names_are_compared_as_indexes_do():
    assert pinned_libraries.read({"requirements.txt": "Scikit_Learn==1.9.1\n"}) == {"scikit-learn": "1.9.1"}


def test_locks_of_other_tools_are_read():
    pipfile = {"default": {"skops": {"version": "==0.16.0"}, "numpy": {"git": "x"}, "pandas": "*"}}
    assert pinned_libraries.read({"Pipfile.lock": pipfile}) == {"skops": "0.16.0"}
    pylock = {"packages": [{"name": "numpy", "version": "2.4.6"}]}
    assert pinned_libraries.read({"pylock.toml": pylock}) == {"numpy": "2.4.6"}
    conda = "dependencies:\n  - conda-forge::numpy=2.4.6=py311_0\n  - scikit-learn==1.9.1\n  - pip:\n    - skops==0.16.0\n"
    found = pinned_libraries.read({"environment.yml": conda})
    assert found == {"numpy": "2.4.6", "scikit-learn": "1.9.1", "skops": "0.16.0"}


def test_what_has_another_form_pins_nothing():
    for content in (None, [], 7, {"package": 7}, {"package": [7, {"name": 1}]}, {"default": []}):
        assert pinned_libraries.read({"uv.lock": content, "Pipfile.lock": content}) == {}


def test_files_are_known_by_their_names():
    known = ("uv.lock", "pylock.toml", "pylock.serve.toml", "Pipfile.lock", "requirements-serve.txt", "environment.yaml")
    assert all(map(pinned_libraries.form, known))
    assert not any(map(pinned_libraries.form, ("dvc.lock", "notes.txt", "pyproject.toml", "package-lock.json")))
