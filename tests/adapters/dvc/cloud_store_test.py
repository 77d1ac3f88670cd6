"""Objects at servers of each kind: here, gone, damaged, or not to be asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlgit.adapters.dvc import hashing, remote
from mlgit.adapters.dvc.remote import DamagedRemoteError, Examined, Remote, RemoteUnreachableError
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import transfers
from tests.kit import FULL
from tests.kit.storage import KINDS, SECRET, Storage, environment, storage

pytestmark = pytest.mark.slow  # servers, and the plugins of DVC
NOBODYS = "0" * 32


@pytest.fixture(params=KINDS)
def server(request, tmp_path, monkeypatch):
    with storage(request.param, tmp_path / "server") as made:
        for name, value in environment(made, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield made


def client(server: Storage, folder: Path) -> tuple[Remote, Cache]:
    """A clone's view of the server, with a cache of its own."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text(server.config())
    cache = Cache(Settings(folder / "cache"))
    return remote.connect(folder / ".dvc", cache), cache


def sent(server: Storage, folder: Path, *, words: int) -> str:
    """The md5 of an object of so many four bytes that a clone has sent to the server."""
    content = b"".join(number.to_bytes(4, "big") for number in range(words))
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    there, here = client(server, folder)
    remote.put(here, md5, content)
    there.push([md5])
    return md5


def test_three_answers_and_what_is_damaged(server, tmp_path):
    there, here = client(server, tmp_path / "one")
    md5 = hashlib.md5(b"content").hexdigest()
    remote.put(here, md5, b"content")
    there.push([md5])
    there, here = client(server, tmp_path / "two")
    assert there.examine({md5: 7, NOBODYS: None}, read=True) == Examined((NOBODYS,), {})
    there.fetch([md5, NOBODYS])
    assert (here.has(md5), here.has(NOBODYS)) == (True, False)
    server.damage(md5)
    there, here = client(server, tmp_path / "three")
    with pytest.raises(DamagedRemoteError, match=r"DVC remote 'store' .* is damaged"):
        there.fetch([md5])
    assert not [path for path in Path(here.root).rglob("*") if path.is_file()]
    server.fault = "reset" if server.kind != "s3" else "403"
    with pytest.raises(RemoteUnreachableError, match="could not be asked") as caught:
        client(server, tmp_path / "four")[0].examine({md5: 7})
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_damage_shows_in_what_the_storage_tells_or_in_the_bytes(server, tmp_path):
    there, here = client(server, tmp_path / "one")
    content = [b"content", b"other bytes, so many", b"twelve bytes"]
    short, long, same = (hashlib.md5(each, usedforsecurity=False).hexdigest() for each in content)
    for md5, each in zip((short, long, same), content, strict=True):
        remote.put(here, md5, each)
    listing = hashing.listing([hashing.Member(f"{md5}.txt", md5) for md5 in (short, same)])
    folder = f"{hashlib.md5(listing, usedforsecurity=False).hexdigest()}.dir"
    remote.put(here, folder, listing)
    there.push([long, folder])
    server.damage(long)
    server.damage(same, b"other twelve")
    sizes = {short: 7, long: 20, folder: 19}
    tells_md5 = server.kind == "s3"
    assert set(there.examine(sizes).damaged) == {long, *([folder] if tells_md5 else [])}
    found = there.examine(sizes, read=True)
    assert (found.gone, set(found.damaged)) == ((), {long, folder})
    assert found.damaged[folder].md5 == same
    server.damage(folder)
    there, _ = client(server, tmp_path / "two")
    assert (there.examine({folder: 19}).gone, set(there.examine({folder: 19}).damaged)) == ((), {folder})


def test_missing_base_folder_has_lost_nothing(server, tmp_path):
    server.url = server.url.replace("/base", "/nobase")
    there, here = client(server, tmp_path / "one")
    if server.kind in ("s3", "http"):  # which know no folders: nothing is there, and nothing has to be
        assert there.examine({NOBODYS: None}).gone == (NOBODYS,)
        return
    for ask in (lambda: there.examine({NOBODYS: None}), lambda: there.fetch([NOBODYS]), lambda: there.runs("00" * 32)):
        with pytest.raises(RemoteUnreachableError, match=r"could not be asked: folder /.*nobase not found"):
            ask()
    if server.kind == "ssh":
        md5 = hashlib.md5(b"content").hexdigest()
        remote.put(here, md5, b"content")
        there.push([md5])
        assert client(server, tmp_path / "two")[0].examine({md5: 7, NOBODYS: None}) == Examined((NOBODYS,), {})


def test_page_to_sign_in_is_no_object(server, tmp_path):
    md5 = hashlib.md5(b"content").hexdigest()
    server.fault = "login page" if server.kind != "ssh" else "403"
    there, here = client(server, tmp_path / "one")
    for ask in (lambda: there.examine({md5: None}), lambda: there.examine({md5: 7}), lambda: there.fetch([md5])):
        with pytest.raises(RemoteUnreachableError, match="could not be asked") as caught:
            ask()
        assert not isinstance(caught.value, DamagedRemoteError)
    assert not here.has(md5)


@pytest.mark.parametrize("code", ["400 ExpiredToken", "403 RequestTimeTooSkewed", "400 AuthorizationHeaderMalformed"])
def test_trouble_that_s3_names_is_told_by_its_name(code, tmp_path, monkeypatch):
    with storage("s3", tmp_path / "server") as server:
        for name, value in environment(server, tmp_path).items():
            monkeypatch.setenv(name, value)
        server.fault = code
        with pytest.raises(RemoteUnreachableError, match=f"could not be asked: .*{code.split()[1]}"):
            client(server, tmp_path / "one")[0].fetch([NOBODYS])


@pytest.mark.parametrize("kind", ["s3", "webdav", "http"])
def test_certificate_that_nobody_knows_is_told_and_one_that_is_named_is_taken(kind, tmp_path, monkeypatch):
    with storage(kind, tmp_path / "server", tls=True) as server:
        for name, value in environment(server, tmp_path).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(RemoteUnreachableError, match=r"could not be asked: .*certificate") as caught:
            client(server, tmp_path / "one")[0].examine({NOBODYS: None})
        assert "`dvc remote modify store ssl_verify FILE`" in caught.value.hint
        server.options["ssl_verify"] = str(server.certificate)
        assert client(server, tmp_path / "two")[0].examine({NOBODYS: None}).gone == (NOBODYS,)


NAMES = ["base/", "my store/\N{LATIN SMALL LETTER U WITH DIAERESIS}", "a+b"]


@pytest.mark.parametrize("name", NAMES if FULL else NAMES[1:2])
def test_address_may_end_with_a_slash_or_have_spaces_and_letters_of_all_kinds(server, tmp_path, name):
    (server.folder / name).mkdir(parents=True, exist_ok=True)
    server.url = server.url.replace("/base", f"/{name}")
    md5 = hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    there, here = client(server, tmp_path / "one")
    remote.put(here, md5, b"content")
    there.push([md5])
    there, here = client(server, tmp_path / "two")
    assert there.examine({md5: 7, NOBODYS: None}) == Examined((NOBODYS,), {})
    there.fetch([md5])
    assert here.has(md5)


@pytest.mark.parametrize(("url", "said"), [("127.0.0.1:9000", "Invalid endpoint"), ("htp://127.0.0.1", "not a valid URI")])
def test_address_of_no_endpoint_is_named(tmp_path, monkeypatch, url, said):
    with storage("s3", tmp_path / "server") as server:
        for name, value in environment(server, tmp_path).items():
            monkeypatch.setenv(name, value)
        server.options["endpointurl"] = url
        with pytest.raises(RemoteUnreachableError, match=f"could not be asked: .*{said}") as caught:
            client(server, tmp_path / "one")[0].examine({NOBODYS: None})
        assert "endpointurl" in caught.value.hint


@pytest.mark.parametrize("passphrase", ["", "not-the-one"])
def test_key_that_cannot_be_opened_is_told_without_asking_for_it(tmp_path, passphrase):
    import asyncssh

    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "key", passphrase="another", rounds=1)
    with storage("ssh", tmp_path / "server") as server:
        server.options = {"keyfile": str(tmp_path / "key"), "passphrase": passphrase}
        with pytest.raises(RemoteUnreachableError, match=r"could not be asked: .*assphrase") as caught:
            client(server, tmp_path / "one")[0].examine({NOBODYS: None})
        assert "`ssh-add`" in caught.value.hint
        assert passphrase == "" or passphrase not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.skipif(not FULL, reason="ten seconds each")
def test_transfer_that_goes_on_may_take_longer_than_silence_may(server, tmp_path):
    md5 = sent(server, tmp_path / "one", words=150_000)
    there, here = client(server, tmp_path / "two")
    server.fault = "slow"
    limit = transfers.limit.set(10.0)  # 25 KB a second: more than twice as long in all
    try:
        there.fetch([md5])
    finally:
        transfers.limit.reset(limit)
    assert here.has(md5)


def test_large_object_comes_whole_from_many_parts(tmp_path, monkeypatch):
    with storage("s3", tmp_path / "server") as server:
        for name, value in environment(server, tmp_path).items():
            monkeypatch.setenv(name, value)
        md5 = sent(server, tmp_path / "one", words=2_300_000)
        there, here = client(server, tmp_path / "two")
        there.fetch([md5])
        assert here.has(md5)
