"""Addresses of repositories and of artifacts, in the scheme of MLflow's store."""

from __future__ import annotations

import pytest

from mlgit.errors import MlgitError
from mlgit.tracking import addresses
from mlgit.tracking.addresses import ArtifactAddress


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        (None, ""),
        ("mlgit:", ""),
        ("mlgit://", ""),
        ("mlgit:///", ""),
        ("mlgit:///srv/shop", "/srv/shop"),
        ("mlgit:///srv/my%20shop", "/srv/my shop"),
    ],
)
def test_address_names_a_folder(uri, folder):
    assert addresses.folder_of(uri) == folder


@pytest.mark.parametrize("uri", ["mlgit://host/shop", "http://host/shop", "mlgit:///shop?run=1", "mlgit:///shop#1"])
def test_other_address_is_refused_with_what_to_write(uri):
    with pytest.raises(MlgitError) as caught:
        addresses.folder_of(uri)
    assert "mlgit:///path" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "owner", "version"),
    [("runs", "a" * 32, ""), ("models", "m-" + "b" * 32, ""), ("registry", "models/nlp:seg", "v1.2.0+b7")],
)
@pytest.mark.parametrize("path", ["", "model/data.bin", "a/+runs/b"])
def test_address_of_artifacts_is_read_as_it_was_made(kind, owner, version, path):
    uri = addresses.artifacts_of("/srv/my shop", kind, owner, version)
    assert addresses.parse_artifacts(uri, path) == ArtifactAddress("/srv/my shop", kind, owner, version, path)
    whole = f"{uri}/{path}".rstrip("/")
    assert addresses.parse_artifacts(whole) == ArtifactAddress("/srv/my shop", kind, owner, version, path)


def test_path_below_the_repository_names_artifacts_as_a_whole_address_does():
    below = addresses.artifact_path("runs", "a" * 32)
    assert addresses.parse_artifacts("mlgit:///srv/shop", f"{below}/x") == addresses.parse_artifacts(
        addresses.artifacts_of("/srv/shop", "runs", "a" * 32), "x"
    )


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a\0b", "a\\b", ".."])
def test_path_that_leads_out_is_refused(path):
    with pytest.raises(MlgitError, match="no path of an artifact"):
        addresses.parse_artifacts("mlgit:///srv/+runs/1", path)


def test_address_without_artifacts_is_refused():
    with pytest.raises(MlgitError, match="names no artifacts"):
        addresses.parse_artifacts("mlgit:///srv/shop")
