"""Where mlgit came from: what another machine can install, and what is on this one only."""

from __future__ import annotations

import pytest

from mlgit import __version__
from mlgit.adapters.system.installation import Origin, source, source_of
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
