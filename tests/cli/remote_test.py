"""`mlgit remote`: a remote is written once it has answered and has taken a file."""

from __future__ import annotations

import json
import os
import socket
import threading

import pytest

from tests.kit import dvc, repository, write_tree
from tests.kit.forked import mlgit, start
from tests.kit.storage import KINDS, SECRET, environment, storage


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "p", {"dvc.yaml": "stages: {}\n"})


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["store", "../store"],
        ["-d", "store", "{}/a b/store"],
        ["--local", "Store", "../store"],
        ["--global", "store", "{}/store"],
        ["--no-check", "store", "ssh://host/path"],
    ],
)
def test_configuration_is_what_dvc_writes(root, tmp_path, monkeypatch, words):
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "user"))
    (tmp_path / "a b").mkdir()
    words = [word.format(tmp_path) for word in words]
    before = {name: (root / ".dvc" / name).read_text() for name in ("config",)}
    done = mlgit(root, "remote", "add", *words)
    assert (done.code, done.err) == (0, "")
    assert ("it answers and can be written" in done.out) == ("--no-check" not in words)
    config = root / ".dvc" / ("config.local" if "--local" in words else "config")
    config = tmp_path / "user/config" if "--global" in words else config
    found = config.read_text()
    config.unlink()
    write_tree(root / ".dvc", before)
    assert dvc(root, "remote", "add", "--default", *[word for word in words if word not in ("-d", "--no-check")]).code == 0
    assert found == config.read_text()
    assert not [path for path in tmp_path.rglob(".mlgit-*") if "store" in path.parts]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["b", "/no/such/place"], "No such file or directory"),
        (["b", "p.txt"], "Not a directory"),
        (["b", "https://ada:secret@host/x"], "the URL holds a user or a password"),
        (["b", "https://host/x?sig=secret"], "may be a secret"),
        (["b", "s3://bucket/x", "-o", "secret_access_key=x"], "secret_access_key would be committed"),
        (["b", "s3://bucket/x", "-o", "profile"], "'profile' is not KEY=VALUE"),
        (["b", "http://127.0.0.1:1/x"], "Connect call failed"),
        (["b", "nonsense://x/y"], "nonsense"),
        (["b", "s3://bucket/x", "-o", "prfile=x"], "option 'prfile': unknown for this kind of remote"),
        (["b", "s3://bucket/x", "-o", "use_ssl=maybe"], "option 'use_ssl': "),
    ],
)
def test_remote_that_does_not_answer_is_not_written(root, cli, words, said):
    write_tree(root, {"p.txt": ""})
    before = (root / ".dvc/config").read_bytes()
    done = cli(root, "remote", "add", *words)
    assert done.code == 2
    assert said in done.err
    assert "secret@" not in done.err
    assert (root / ".dvc/config").read_bytes() == before


@pytest.mark.slow  # real `dvc remote`, more than once
def test_name_that_is_taken_is_replaced_by_force_only(root, cli, tmp_path):
    assert cli(root, "remote", "add", "store", str(tmp_path / "one")).code == 0
    done = cli(root, "remote", "add", "store", str(tmp_path / "two"))
    assert (done.code, "called 'store' already" in done.err) == (2, True)
    assert cli(root, "remote", "add", "--force", "store", str(tmp_path / "two")).code == 0
    listed = json.loads(cli(root, "remote", "list", "--json").out)
    assert [each["url"] for each in listed["remotes"]] == [str(tmp_path / "two")]


@pytest.mark.slow  # real `dvc remote`, more than once
def test_remote_that_is_gone_is_named_by_list_and_doctor(root, cli, tmp_path):
    assert cli(root, "remote", "add", "--no-check", "store", str(tmp_path / "mount" / "store")).code == 0
    (tmp_path / "file").write_text("")
    assert cli(root, "remote", "add", "--no-check", "odd", str(tmp_path / "file" / "store")).code == 0
    listed = cli(root, "remote", "list", "--check")
    assert (listed.code, "does not answer" in listed.out) == (1, True)
    found = json.loads(cli(root, "doctor", "--json").out)["findings"]
    assert {(each["kind"], each["path"]) for each in found} >= {("remote", "odd")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_storage_is_asked_and_written(root, tmp_path, kind):
    with storage(kind, tmp_path / "server") as server:
        env = environment(server, tmp_path)
        words = [f"--option={key}={value}" for key, value in server.options.items()]
        done = mlgit(root, "remote", "add", "--local", "store", server.url, *words, env=env)
        assert done.code == 0, done.said
        assert ("can be written" in done.out) == (kind != "http") or "not known before a push" in done.out
        assert not list(server.folder.rglob(".mlgit-*"))
        server.fault = "403"
        config = (root / ".dvc/config.local").read_bytes()
        done = mlgit(root, "remote", "add", "--local", "other", server.url, *words, env=env)
        assert (done.code, SECRET in done.said) == (2, False), done.said
        assert (root / ".dvc/config.local").read_bytes() == config


def test_options_are_written_as_dvc_modifies_them(root, cli, tmp_path):
    (root / ".dvc/config").write_text("")
    words = ["store", "ssh://host/path", "-o", "port=2222", "-o", "keyfile=keys/one"]
    assert cli(root, "remote", "add", "--no-check", *words).code == 0
    found = (root / ".dvc/config").read_text()
    (root / ".dvc/config").write_text("")
    assert dvc(root, "remote", "add", "-d", "store", "ssh://host/path").code == 0
    for key, value in (("port", "2222"), ("keyfile", "keys/one")):
        assert dvc(root, "remote", "modify", "store", key, value).code == 0
    assert found == (root / ".dvc/config").read_text()


@pytest.mark.slow
def test_killed_while_it_asks_has_written_nothing(root, tmp_path):
    before = (root / ".dvc/config").read_bytes()
    with storage("webdav", tmp_path / "server") as server:
        words = [f"--option={key}={value}" for key, value in server.options.items()]
        server.cut, server.when_cut = 1, lambda: running.kill()  # noqa: PLW0108 - it is started below
        add = ("remote", "add", "--local", "store", server.url, *words)
        running = start("mlgit", root, add, env={**os.environ, **environment(server, tmp_path)}, log=tmp_path / "log")
        running.wait()
    assert (root / ".dvc/config").read_bytes() == before
    assert not (root / ".dvc/config.local").exists()


def test_folder_that_was_made_for_the_check_goes_again_where_nothing_could_be_written(root, cli, tmp_path):
    (root / ".dvc/config.local").symlink_to(tmp_path / "outside")
    done = cli(root, "remote", "add", "--local", "store", str(tmp_path / "store"))
    assert (done.code, "symbolic link out of the repository" in done.err) == (2, True), done.err
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_remotes_that_are_silent_are_asked_at_the_same_time(root):
    met, together = [], threading.Barrier(3)

    def serve(listener):
        client, _ = listener.accept()
        with client:
            together.wait(60)
            met.append(1)

    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    threads = [threading.Thread(target=serve, args=(each,), daemon=True) for each in listeners]
    rows = [f"['remote \"r{n}\"']\n    url = http://127.0.0.1:{each.getsockname()[1]}/x\n" for n, each in enumerate(listeners)]
    (root / ".dvc/config").write_text("".join(rows))
    for each in threads:
        each.start()
    assert mlgit(root, "remote", "list", "--check", "--timeout", "5s").code == 1
    for each in threads:
        each.join(60)
    assert len(met) == 3
