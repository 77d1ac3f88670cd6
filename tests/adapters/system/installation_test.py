"""Where mlgit came from: what another machine can install, and what is on this one only."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib

import pytest

from mlgit import __version__
from mlgit.adapters.system.installation import EXTRAS, Origin, adding_extra, lacks, source, source_of
from tests.docs_test import CHECKOUT

PUBLISHED = f"mlgit=={__version__}"
COMMIT = "c" * 40


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, Origin(PUBLISHED)),
        ({}, Origin(PUBLISHED)),
        ([], Origin(PUBLISHED)),
        ({"url": 3}, Origin(PUBLISHED)),
        ({"url": "file:///a%20b/mlgit.whl", "archive_info": {}}, Origin(PUBLISHED, local="/a b/mlgit.whl")),
        ({"url": "file:///src", "dir_info": {"editable": True}}, Origin(PUBLISHED, local="/src")),
        ({"url": "file:///src", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, Origin(PUBLISHED, local="/src")),
        (
            {"url": "https://example.com/m.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            Origin(f"mlgit @ git+https://example.com/m.git@{COMMIT}"),
        ),
        (
            {"url": "ssh://git@example.com/m.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}, "subdirectory": "x"},
            Origin(f"mlgit @ git+ssh://git@example.com/m.git@{COMMIT}#subdirectory=x"),
        ),
        ({"url": "https://example.com/m.git", "vcs_info": {}}, Origin(PUBLISHED)),
        (
            {"url": "https://example.com/m.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
            Origin("mlgit @ https://example.com/m.whl#sha256=ab"),
        ),
    ],
)
def test_source_is_what_others_can_install(record, expected):
    assert source_of(record) == expected


@pytest.mark.parametrize(
    "url", ["https://me:secret@example.com/m.whl", "https://secret@example.com/m", "https://example.com/m?t=secret"]
)
def test_secret_of_an_address_goes_nowhere(url):
    assert "secret" not in str(source_of({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}}))


def test_checkout_that_the_tests_run_from_is_known():
    assert source() == Origin(PUBLISHED, local=str(CHECKOUT))


def test_extras_are_those_of_the_project_and_what_they_bring_is_imported_by_its_name():
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra: tuple(re.split("[<>=]", line)[0] for line in lines) for extra, lines in declared.items()}
    assert named == EXTRAS
    assert not [extra for extra in EXTRAS if lacks(extra)]


def test_extra_of_a_tool_of_uv_keeps_what_else_it_was_installed_with(tmp_path):
    receipt = (
        '[tool]\nrequirements = [{name = "mlgit", extras = ["dask"]}, {name = "dvc-s3", specifier = ">=3"}, {name = "x"}]\n'
    )
    (tmp_path / "uv-receipt.toml").write_text(receipt)
    named = f"mlgit[dask,data] @ {CHECKOUT.as_uri()}"
    assert shlex.split(adding_extra("data", prefix=tmp_path)) == [
        "uv",
        "tool",
        "install",
        "--with",
        "dvc-s3>=3",
        "--with",
        "x",
        named,
    ]


@pytest.mark.parametrize("receipt", ["", "[tool", "tool = 3", "[tool]\nrequirements = [3]\n"])
def test_extra_of_a_tool_of_uv_with_an_unknown_receipt_is_of_mlgit_alone(tmp_path, receipt):
    (tmp_path / "uv-receipt.toml").write_text(receipt)
    assert shlex.split(adding_extra("data", prefix=tmp_path)) == ["uv", "tool", "install", f"mlgit[data] @ {CHECKOUT.as_uri()}"]


def test_extra_of_a_tool_of_pipx_is_injected(tmp_path):
    (tmp_path / "pipx_metadata.json").write_text("{}")
    assert adding_extra("data", prefix=tmp_path) == "pipx inject mlgit duckdb"
    assert adding_extra("serve", prefix=tmp_path) == "pipx inject mlgit fastapi 'uvicorn[standard]' orjson prometheus-client"


def test_extra_goes_into_the_environment_of_mlgit_whichever_is_active(monkeypatch, tmp_path):
    (tmp_path / "pip").touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert adding_extra("data") == f"{shlex.quote(sys.executable)} -m pip install 'mlgit[data]'"
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin")
    assert adding_extra("data") == "pip install 'mlgit[data]'"
