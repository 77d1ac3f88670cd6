"""The DVC remote of a project, and outputs that are there and not here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlgit.adapters.dvc import remote, remote_outputs, settings
from mlgit.adapters.dvc.folder_store import FolderStore
from mlgit.adapters.dvc.hashing import Content, Fingerprints
from mlgit.adapters.dvc.remote import Address, Remote
from mlgit.adapters.dvc.remote_outputs import Awaited, RemoteCache
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.errors import MlgitError
from tests.kit import dvc, repository, write_tree

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def cache(folder: Path) -> Cache:
    return Cache(Settings(folder))


def folder(path: Path, here: Cache) -> Remote:
    """A remote in a folder."""
    address = Address("store", str(path))
    return Remote({"store": FolderStore(address, here)}, here, default="store", routes=((), {}), addresses=[address])


def stored(source: Path, path: str, into: Cache) -> Content:
    """Put a file or folder into a cache."""
    prints = Fingerprints(source, source / ".known")
    content = prints.digest(path)
    assert content is not None
    if content.nfiles is None:
        into.add_file(str(source / path), content.md5)
    else:
        into.add_folder(str(source / path), prints.members(path), content)
    return content


@pytest.mark.parametrize("level", ["--local", "--project"])
def test_default_remote_is_found_where_dvc_finds_it(tmp_path, level):
    root = repository(tmp_path / "p")
    assert dvc(root, "remote", "add", "--project", "other", "s3://bucket").code == 0
    assert dvc(root, "remote", "add", level, "-d", "my store", "../store").code == 0
    assert remote.configured(root / ".dvc") == Address("my store", str(tmp_path / "store"))


def test_url_with_a_scheme_stays(tmp_path):
    root = repository(tmp_path / "p")
    assert dvc(root, "remote", "add", "-d", "store", "s3://bucket/x").code == 0
    found = remote.configured(root / ".dvc")
    assert (found.url, found.is_folder) == ("s3://bucket/x", False)


def test_no_default_remote(tmp_path):
    root = repository(tmp_path / "p")
    assert dvc(root, "remote", "add", "store", "s3://bucket/x").code == 0
    assert settings.default_remote(root / ".dvc") is None
    with pytest.raises(MlgitError, match="no default DVC remote") as caught:
        remote.configured(root / ".dvc")
    assert "dvc remote default NAME" in caught.value.hint


def test_remote_with_versions_is_refused(tmp_path):
    root = repository(tmp_path / "p")
    assert dvc(root, "remote", "add", "-d", "store", "s3://bucket/x").code == 0
    assert dvc(root, "remote", "modify", "store", "version_aware", "true").code == 0
    with pytest.raises(MlgitError, match="keeps versions"):
        remote.configured(root / ".dvc")


def test_folder_remote_holds_what_dvc_push_leaves_there(tmp_path):
    root = repository(tmp_path / "p")
    write_tree(root, {"data/a": "1", "data/b/c": "2", "one.txt": "3"})
    assert dvc(root, "remote", "add", "-d", "store", str(tmp_path / "by-dvc")).code == 0
    assert dvc(root, "add", "data", "one.txt").code == 0
    assert dvc(root, "push").code == 0
    here = cache(root / ".dvc/cache")
    names = [path.relative_to(here.root).as_posix() for path in Path(here.root).rglob("*") if path.is_file()]
    folder(tmp_path / "own", here).push([md5("3"), *("".join(name.split("/")[-2:]) for name in names if name.endswith(".dir"))])
    listed = [
        {
            (path.relative_to(tmp_path / name).as_posix(), path.read_bytes())
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("by-dvc", "own")
    ]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 4


def test_fetch_brings_folders_with_their_files_and_passes_over_what_is_nowhere(tmp_path):
    write_tree(tmp_path / "w", {"data/a": "1", "data/b/c": "2"})
    there, here = cache(tmp_path / "there"), cache(tmp_path / "here")
    content = stored(tmp_path / "w", "data", there)
    unknown = Content("0" * 32, 1)
    assert remote.bring(folder(Path(there.root), here), here, [content, unknown]) == [unknown]
    assert here.has_all(content.md5)


def test_damaged_bytes_are_refused(tmp_path):
    here = cache(tmp_path)
    remote.put(here, md5("x"), b"x")
    assert here.has(md5("x"))
    with pytest.raises(MlgitError, match="damaged"):
        remote.put(here, md5("y"), b"x")


@pytest.fixture
def awaited(tmp_path: Path) -> Awaited:
    """A workspace that awaits `out` (a folder) and `one.txt`."""
    write_tree(tmp_path / "made", {"out/a": "1", "out/b/c": "2", "one.txt": "3"})
    there, here = cache(tmp_path / "there"), cache(tmp_path / "here")
    (tmp_path / "w").mkdir()
    found = Awaited(tmp_path / "w", tmp_path / "known", cache=here, remote=folder(Path(there.root), here), ignored=None)
    for path in ("out", "one.txt"):
        found.expect(f"sub/{path}", stored(tmp_path / "made", path, there))
    return found


def test_awaited_output_is_known_before_it_is_here(awaited, tmp_path):
    assert awaited.digest("sub/one.txt") == Content(md5("3"), 1)
    assert not (tmp_path / "w/sub/one.txt").exists()
    awaited.bring()
    assert (tmp_path / "w/sub/one.txt").read_text() == "3"
    assert (tmp_path / "w/sub/out/b/c").read_text() == "2"
    assert awaited.digest("sub/one.txt") == Content(md5("3"), 1)


def test_part_of_an_awaited_output_brings_it_in(awaited, tmp_path):
    assert awaited.digest("sub/out/b/c") == Content(md5("2"), 1)
    assert not (tmp_path / "w/sub/one.txt").exists()


def test_folder_above_awaited_outputs_brings_them_in(awaited):
    found = awaited.digest("sub")
    assert found is not None
    assert found.nfiles == 3


def test_bytes_of_a_folder_make_the_same_folder(awaited, tmp_path):
    objects = awaited.objects("sub/out")
    there = cache(tmp_path / "third")
    for name, content in objects.items():
        remote.put(there, name, content)
    assert there.has_all(awaited.digest("sub/out").md5)


def test_output_that_came_along_is_written(awaited, tmp_path):
    awaited.expect("run.sh", Content(md5("#!"), 2, None, True), {"": (b"#!", True)})
    assert awaited.digest("run.sh") == Content(md5("#!"), 2, None, True)
    awaited.expect("rep", Content("x.dir", 1, 1), {"a/b": (b"1", False)})
    assert (tmp_path / "w/rep/a/b").read_text() == "1"


def test_output_that_the_remote_lost_is_told(awaited):
    awaited.expect("gone.txt", Content("0" * 32, 1))
    with pytest.raises(MlgitError, match=r"'gone\.txt' was made on a worker, and is not in the DVC remote"):
        awaited.bring()


def test_cache_looks_in_the_remote(tmp_path):
    write_tree(tmp_path / "w", {"one.txt": "1"})
    there = cache(tmp_path / "there")
    content = stored(tmp_path / "w", "one.txt", there)
    found = RemoteCache(Settings(tmp_path / "here"), folder(Path(there.root), cache(tmp_path / "here")))
    assert found.has_all(content.md5)
    assert not found.has_all("0" * 32)
    assert Path(found.path(content.md5)).stat().st_mode & 0o777 == 0o444


def test_without_a_remote_nothing_is_connected(tmp_path):
    root = repository(tmp_path / "p")
    with pytest.raises(MlgitError, match="no default DVC remote"):
        remote_outputs.connect(root, Settings(root / ".dvc/cache"), cache(root / ".dvc/cache"), ignored=None)


def test_part_of_an_object_that_an_upload_left_is_no_object(tmp_path):
    here = cache(tmp_path / "here")
    there = folder(tmp_path / "there", here)
    remote.put(here, md5("content"), b"content")
    part = tmp_path / "there/files/md5" / md5("content")[:2] / md5("content")[2:]
    write_tree(tmp_path, {str(part.relative_to(tmp_path)): "cont"})
    assert there.lacking([md5("content")]) == {md5("content"): ("store",)}
    there.push([md5("content")])
    assert part.read_text() == "content"
