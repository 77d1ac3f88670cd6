"""An image in OCI's layout: what others read, the same bytes twice, and as a tar file that Python reads back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.serving.package import layout_file
from tests.serving.package.releases import packaged

RANDOM = Path("/proc/sys/kernel/random")
LONG = "ordner/" + "ü" * 90 + ".bin"
FILES = {"release.json": b"{}\n", "model/x.skops": bytes(range(256)) * 5, "model/empty": b"", LONG: b"long"}


def release_folder(top, files=FILES):
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def read(path):
    with tarfile.open(path) as file:
        return {each.name: file.extractfile(each).read() if each.isfile() else None for each in file}


def written(tmp_path, **more):
    target = tmp_path / "model.tar"
    blob = layout_file.write_layout(packaged(**more), release_folder(tmp_path / "release"), target)
    return blob, read(target)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def test_every_digest_is_that_of_the_content_it_names(tmp_path):
    blob, found = written(tmp_path)
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(found["index.json"])["manifests"]
    assert entry["digest"] == f"sha256:{blob.sha256}"
    manifest = json.loads(found[blob.path])
    for each in (entry, manifest["config"], *manifest["layers"]):
        content = found[each["digest"].replace("sha256:", "blobs/sha256/")]
        assert (digest(content), len(content)) == (each["digest"].removeprefix("sha256:"), each["size"])
    config = json.loads(found[manifest["config"]["digest"].replace("sha256:", "blobs/sha256/")])
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    named = [entry["digest"], manifest["config"]["digest"], manifest["layers"][0]["digest"]]
    assert {name for name in found if found[name] is not None and "/" in name} == {
        each.replace("sha256:", "blobs/sha256/") for each in named
    }


def layer(found):
    manifest = json.loads(found[f"blobs/sha256/{json.loads(found['index.json'])['manifests'][0]['digest'][7:]}"])
    content = found[f"blobs/sha256/{manifest['layers'][0]['digest'][7:]}"]
    return tarfile.open(fileobj=io.BytesIO(content))


def test_files_of_the_release_lie_where_clusters_look_for_models(tmp_path):
    with layer(written(tmp_path)[1]) as file:
        assert {each.name: file.extractfile(each).read() for each in file if each.isfile()} == {
            f"models/{name}": content for name, content in FILES.items()
        }
        assert {(each.uid, each.gid, each.mtime, each.uname) for each in file} == {(0, 0, 0, "")}
        assert {each.mode for each in file if each.isdir()} == {0o755}


def test_links_and_programs_stay_what_they_are(tmp_path):
    folder = release_folder(tmp_path / "release", {"code/run.sh": b"#!/bin/sh\n", "code/a.py": b"a = 1\n"})
    (folder / "code/run.sh").chmod(0o700)
    (folder / "code/b.py").symlink_to("a.py")
    layout_file.write_layout(packaged(), folder, tmp_path / "model.tar")
    with layer(read(tmp_path / "model.tar")) as file:
        found = {each.name: (each.type, each.linkname, each.mode) for each in file}
    assert found["models/code/run.sh"][2] == 0o755
    assert found["models/code/a.py"][2] == 0o644
    assert found["models/code/b.py"][:2] == (tarfile.SYMTYPE, "a.py")


def test_same_release_is_the_same_bytes_whenever_and_by_whomever_it_was_written(tmp_path):
    for number, name in enumerate(("one", "other")):
        folder = release_folder(tmp_path / name, dict(reversed(FILES.items())) if number else FILES)
        for path in folder.rglob("*"):
            os.utime(path, (number * 1000, number * 1000))
            path.chmod(0o700 if path.is_dir() else 0o600 | (0o044 * number))
        layout_file.write_layout(packaged(), folder, tmp_path / f"{name}.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_another_model_is_another_image(tmp_path):
    one = layout_file.write_layout(packaged(), release_folder(tmp_path / "one"), tmp_path / "1.tar")
    other = layout_file.write_layout(
        packaged(), release_folder(tmp_path / "two", {**FILES, "model/x.skops": b"x"}), tmp_path / "2.tar"
    )
    assert one != other


@pytest.mark.skipif(not RANDOM.is_dir(), reason="no files that are new each time they are read")
def test_release_that_changes_meanwhile_is_noticed_and_nothing_is_left(tmp_path):
    with pytest.raises(MlgitError, match="changed while"):
        layout_file.write_layout(packaged(), RANDOM, tmp_path / "out/model.tar")
    assert [*(tmp_path / "out").iterdir()] == []


def test_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlgitError, match="cannot be written"):
        layout_file.write_layout(packaged(), release_folder(tmp_path / "release"), tmp_path / "file/model.tar")


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
@pytest.mark.slow
def test_skopeo_reads_it(tmp_path):
    blob, _ = written(tmp_path)
    done = subprocess.run(
        ["skopeo", "inspect", f"oci-archive:{tmp_path / 'model.tar'}"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["Digest"] == f"sha256:{blob.sha256}"
    assert found["Labels"]["org.opencontainers.image.version"] == "v1.2.0"
    assert found["Created"] == "2026-11-28T10:00:00Z"
