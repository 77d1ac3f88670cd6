"""Writes a release as an image into one file, without a program that builds images, and without holding the model in memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.serving.package import image_layout
from mlgit.serving.package.image_layout import ImageBlob
from mlgit.serving.package.packaged import Packaged

_AT_ONCE = 1 << 20


def write_layout(packaged: Packaged, folder: Path, target: Path) -> ImageBlob:
    """Write the release in a folder into a tar file in OCI's layout; what tells its manifest, by which registries know it.

    The model is read twice: its digest stands before it. Raises MlgitError where the file cannot be written, and for a
    folder that changes meanwhile.
    """
    layer = _measured(lambda: _layer(folder))
    config = image_layout.config(packaged, layer)
    manifest = image_layout.manifest(packaged, config=_blob(config), layer=layer)
    small = {
        "oci-layout": image_layout.marker(),
        "index.json": image_layout.index(packaged, _blob(manifest)),
        _blob(config).path: config,
        _blob(manifest).path: manifest,
    }
    temporary = target.parent / f".{target.name[:50]}.{secrets.token_hex(6)}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as stream:
            for each in _outer(small, layer, folder):
                stream.write(each)
        os.replace(temporary, target)
    except OSError as error:
        raise MlgitError(f"{target}: cannot be written: {error.strerror}", "name another place with --oci") from error
    finally:
        with suppress(OSError):
            files.remove(temporary)
    return _blob(manifest)


def _outer(small: dict[str, bytes], layer: ImageBlob, folder: Path) -> Iterator[bytes]:
    for path in ("blobs", "blobs/sha256"):
        yield image_layout.head(path)
    for path, content in sorted(small.items()):
        yield image_layout.head(path, size=len(content)) + content + image_layout.padding(len(content))
    yield image_layout.head(layer.path, size=layer.size)
    digest = hashlib.sha256()
    for each in _layer(folder):
        digest.update(each)
        yield each
    if digest.hexdigest() != layer.sha256:
        raise MlgitError(f"{folder}: changed while it was packaged", "package the version anew")
    yield image_layout.padding(layer.size) + image_layout.END


def _layer(folder: Path) -> Iterator[bytes]:
    """The layer's bytes: the folder's files by name, each below its folder."""
    yield image_layout.head(image_layout.FOLDER)
    for path in sorted(folder.rglob("*"), key=lambda each: each.relative_to(folder).parts):
        name = f"{image_layout.FOLDER}/{path.relative_to(folder).as_posix()}"
        if path.is_symlink():
            yield image_layout.head(name, link=os.readlink(path))
        elif path.is_dir():
            yield image_layout.head(name)
        else:
            yield from _file(path, name)
    yield image_layout.END


def _file(path: Path, name: str) -> Iterator[bytes]:
    with open(files.open_regular(str(path)), "rb") as stream:
        known = os.fstat(stream.fileno())
        yield image_layout.head(name, size=known.st_size, is_executable=bool(known.st_mode & 0o100))
        while part := stream.read(_AT_ONCE):
            yield part
        yield image_layout.padding(known.st_size)


def _measured(content: Callable[[], Iterator[bytes]]) -> ImageBlob:
    digest, size = hashlib.sha256(), 0
    for each in content():
        digest.update(each)
        size += len(each)
    return ImageBlob(digest.hexdigest(), size)


def _blob(content: bytes) -> ImageBlob:
    return ImageBlob(hashlib.sha256(content).hexdigest(), len(content))
