"""A release as an image of one layer, in the layout of the Open Container Initiative: the documents and heads of files in it.

The files of the release lie in `models/`, where KServe and image volumes of Kubernetes look for them. Everything is the same
for the same release: no clock, no owner, no compression, whose bytes depend on the version of a library.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.serving.package import dockerfile
from mlgit.serving.package.packaged import Packaged

FOLDER = "models"
_KIND = "application/vnd.oci.image"
# The end of a tar file, and what its length is a multiple of.
END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class ImageBlob:
    """Content that is named by its sha256."""

    sha256: str
    size: int

    @property
    def path(self) -> str:
        """Where it lies in the layout."""
        return f"blobs/sha256/{self.sha256}"


def head(path: str, *, size: int | None = None, is_executable: bool = False, link: str = "") -> bytes:
    """What stands before a file of so many bytes in a tar file, for a folder (neither size nor link), or for a link."""
    found = tarfile.TarInfo(path)
    if link:
        found.type, found.linkname, found.mode = tarfile.SYMTYPE, link, 0o777
    elif size is None:
        found.type, found.mode = tarfile.DIRTYPE, 0o755
    else:
        found.size, found.mode = size, 0o755 if is_executable else 0o644
    # extended headers stand only before what needs one: a long name, one that is not ASCII, a file of 8 GiB and more
    return found.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """What stands behind a file of so many bytes."""
    return bytes(-size % tarfile.BLOCKSIZE)


def config(packaged: Packaged, layer: ImageBlob) -> bytes:
    """The image's configuration. A model is for every processor; a field that has to be there names the most common."""
    return _json(
        {
            "created": packaged.created,
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dockerfile.labels(packaged)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.sha256}"]},
            "history": [{"created": packaged.created, "created_by": f"mlgit package {_named(packaged)}"}],
        }
    )


def manifest(packaged: Packaged, *, config: ImageBlob, layer: ImageBlob) -> bytes:
    """The image's manifest."""
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_KIND}.manifest.v1+json",
            "config": _described(config, f"{_KIND}.config.v1+json"),
            "layers": [_described(layer, f"{_KIND}.layer.v1.tar")],
            "annotations": dockerfile.labels(packaged),
        }
    )


def index(packaged: Packaged, manifest: ImageBlob) -> bytes:
    """The layout's entry: the one image that is in it, by the version's name."""
    described = _described(manifest, f"{_KIND}.manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": packaged.version}
    return _json({"schemaVersion": 2, "mediaType": f"{_KIND}.index.v1+json", "manifests": [described]})


def marker() -> bytes:
    """The file that says that this is a layout."""
    return _json({"imageLayoutVersion": "1.0.0"})


def _described(blob: ImageBlob, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{blob.sha256}", "size": blob.size}


def _named(packaged: Packaged) -> str:
    return f"{packaged.release.model}@{packaged.release.version}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
