"""Packaging from Python: a folder that an image is built from, the same for everybody, and nothing half-written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.commands.model.retire import retire
from mlgit.commands.package import PackageOptions, package
from mlgit.errors import MlgitError
from mlgit.serving import release
from tests.kit import git
from tests.kit.once import copied, once
from tests.serving.releases import released, served_world

pytestmark = pytest.mark.slow  # a repository with versions for each

PREDICTOR = PackageOptions(predictor="src.answer:predict")
LOCK = """\
version = 1
[[package]]
name = "churn"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]
[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://index.example/numpy.whl", hash = "sha256:%s" }]
"""


@pytest.fixture
def world(tmp_path, monkeypatch, capfd, shared):
    """Somebody's clone with a version v1.3.0 that has predictions, which is the current folder."""
    folder = copied(once(shared, "served", served_world), tmp_path / "world")
    git(folder / "ada", "remote", "set-url", "origin", str(folder / "origin.git"))
    monkeypatch.chdir(folder / "ada")
    capfd.readouterr()
    return folder


@pytest.fixture
def root(world):
    return world / "ada"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_holds_all_that_the_dockerfile_copies_and_says_where_the_model_comes_from(root, capfd):
    found = package("churn@v1.3.0", options=PREDICTOR)
    there = contents(root / "churn-v1.3.0")
    copied = [
        line.split()[1]
        for line in there["Dockerfile"].decode().splitlines()
        if line.startswith("COPY") and "--from" not in line
    ]
    assert all(any(name.startswith(each) for name in there) for each in copied)
    assert {*found.files} == {name for name in there if not name.startswith("release/")}
    assert found.document()["files"] == [*found.files]
    assert "release/code/src/train.sh" in there
    known = release.read(json.loads(there["release/release.json"]), where="release.json")
    assert (known, known.version) == (found.packaged.release, "v1.3.0")
    statement = json.loads(there["provenance.intoto.json"])
    assert statement["subject"][0]["digest"]["sha256"] == known.sha256
    bill = json.loads(there["sbom.cdx.json"])
    assert {"numpy", "fastapi", "mlgit"} <= {each["name"] for each in bill["components"]}
    assert capfd.readouterr() == ("", "")


def test_same_version_gives_the_same_bytes_in_another_clone_by_another_person(world, root, tmp_path, monkeypatch):
    package("churn@v1.3.0", out="image", options=PREDICTOR)
    package("churn@v1.3.0", layout="churn.tar")
    shutil.copytree(root, tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    old = os.umask(0o077)
    try:
        package("churn@v1.3.0", out="image2", options=PREDICTOR)
        package("churn@v1.3.0", layout="churn2.tar")
    finally:
        os.umask(old)
    assert contents(root / "image") == contents(tmp_path / "other/image2")
    assert (root / "churn.tar").read_bytes() == (tmp_path / "other/churn2.tar").read_bytes()
    # who runs the image is not who wrote the files
    assert {oct(path.stat().st_mode & 0o044) for path in (tmp_path / "other/image2/release").rglob("*")} == {"0o44"}


def test_image_of_the_release_alone_is_written_and_nothing_else(root):
    found = package("churn@v1.3.0", layout="out/churn.tar")
    assert [path.name for path in (root / "out").iterdir()] == ["churn.tar"]
    assert not (root / "churn-v1.3.0").exists()
    assert found.document()["oci"] == {"path": "out/churn.tar", "digest": found.digest}
    assert found.document()["folder"] is None


def test_version_that_no_server_would_load_is_refused_and_nothing_is_left(root):
    before = sorted(os.listdir(root))
    with pytest.raises(MlgitError, match="its model is xgboost-json, and a server loads skops only"):
        package("churn@v1.3.0")
    assert sorted(os.listdir(root)) == before


def test_folder_that_is_there_is_replaced_only_by_force(root):
    (root / "image").mkdir()
    (root / "image/old").write_text("mine")
    with pytest.raises(MlgitError, match="image: exists already"):
        package("churn@v1.3.0", out="image", options=PREDICTOR)
    assert (root / "image/old").read_text() == "mine"
    package("churn@v1.3.0", out="image", options=PREDICTOR, force=True)
    assert not (root / "image/old").exists()
    assert not [name for name in os.listdir(root) if name.endswith((".old", ".tmp"))]


def test_hashes_of_the_lock_are_demanded_and_else_their_lack_is_told(root):
    plain = package("churn@v1.3.0", out="plain", options=PREDICTOR)
    assert any("requirements.txt: the commit has no lock with hashes" in each for each in plain.notes)
    assert "numpy==2.0.0\n" in (root / "plain/requirements.txt").read_text()
    released(root, "v1.4.0", {"uv.lock": LOCK % ("1" * 64)})
    hashed = package("churn@v1.4.0", out="hashed", options=PREDICTOR)
    assert not [each for each in hashed.notes if "requirements.txt" in each]
    assert f"numpy==2.0.0 \\\n    --hash=sha256:{'1' * 64}\n" in (root / "hashed/requirements.txt").read_text()
    assert "--require-hashes --no-deps" in (root / "hashed/Dockerfile").read_text()
    assert "numpy" not in (root / "hashed/server-requirements.txt").read_text()


def test_wheel_of_mlgit_goes_into_the_context(root, tmp_path):
    (tmp_path / "mlgit-9.0-py3-none-any.whl").write_bytes(b"wheel")
    options = PackageOptions(predictor="m:f", mlgit=str(tmp_path / "mlgit-9.0-py3-none-any.whl"))
    found = package("churn@v1.3.0", out="image", options=options)
    assert (root / "image/wheels/mlgit-9.0-py3-none-any.whl").read_bytes() == b"wheel"
    assert (root / "image/mlgit-requirements.txt").read_text() == "./wheels/mlgit-9.0-py3-none-any.whl\n"
    assert "!wheels" in (root / "image/.dockerignore").read_text().splitlines()
    assert not [each for each in found.notes if "this mlgit comes from" in each]


def test_what_the_server_may_load_and_what_it_is_built_on_is_as_the_command_line_says(root):
    options = PackageOptions("ghcr.io/team/churn:1", "python:3.13-slim", "mlgit==9.0", ("a.B",), "m:f")
    found = package("churn@v1.3.0", out="image", options=options)
    text = (root / "image/Dockerfile").read_text()
    assert '"--trust", "a.B", "--predictor", "m:f"' in text
    assert "FROM python:3.13-slim AS build\n" in text
    assert any("python:3.13-slim is named without a digest" in each for each in found.notes)
    deployment = parse_yaml((root / "image/kubernetes/deployment.yaml").read_text(), name="d")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "ghcr.io/team/churn:1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PackageOptions(image="A B"), "--image: "),
        (PackageOptions(base="x\nRUN evil"), "--base: "),
        (PackageOptions(predictor="os.system"), "--predictor: "),
        (PackageOptions(trust=('"]',)), "--trust: "),
        (PackageOptions(mlgit="--index-url=x"), "--mlgit: "),
        (PackageOptions(mlgit="mlgit\nother"), "--mlgit: "),
        (PackageOptions(mlgit="/nowhere/mlgit"), "--mlgit: "),
    ],
)
def test_option_that_is_none_is_refused_before_anything_is_written(root, options, said):
    before = sorted(os.listdir(root))
    with pytest.raises(MlgitError, match=said):
        package(
            "churn@v1.3.0",
            options=PackageOptions(options.image, options.base, options.mlgit, options.trust, options.predictor or "m:f"),
        )
    assert sorted(os.listdir(root)) == before


def test_what_is_not_proven_of_a_version_is_told(root):
    assert package("churn@v1.3.0", layout="x.tar").notes == ()
    md5 = hashlib.md5((root / "data/train.csv").read_bytes()).hexdigest()
    (root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    (root / "data/train.csv").unlink()
    (note,) = package("churn@v1.3.0", layout="x.tar").notes
    assert "`mlgit model audit churn@v1.3.0` names them" in note


def test_version_that_was_withdrawn_is_told_so(root):
    retire("churn@v1.3.0", reason="wrong labels")
    assert "churn@v1.3.0 was withdrawn" in package("churn@v1.3.0", layout="x.tar").notes
