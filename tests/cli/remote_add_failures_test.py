"""Every way in which `mlgit remote add` fails: what happened, what to type next, and nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import kit
from tests.kit import FULL, repository, write_tree
from tests.kit.forked import mlgit
from tests.kit.late import Late
from tests.kit.storage import SECRET, closed_port, environment, storage

pytestmark = pytest.mark.slow

asyncssh = Late("asyncssh")

KEYS = {"s3": "`access_key_id` and `secret_access_key`", "webdav": "`user` and `password`", "http": "`auth=basic`, `user` and"}
KEYS["ssh"] = "`keyfile` or `password`"
WAYS = {  # what is said, and what to type
    "bucket": ("bucket not found", "correct the address: another URL"),
    "wrong credentials": ("", "with `--local -o KEY=VALUE`"),
    "no credentials": ("", "with `--local -o KEY=VALUE`"),
    "refused": ("Connection refused|Could not connect|Connect call failed", "see that the server runs"),
    "host": ("Name or service not known|Could not connect|Cannot connect|not known", "see that the server runs"),
    "certificate": ("certificate", "`-o ssl_verify=FILE`"),
    "plugin": ("", "pip install"),
    "401": ("401", "with `--local -o KEY=VALUE`"),
    "403": ("403", "with `--local -o KEY=VALUE`"),
    "404": ("404|not be found|No such file", ""),
    "405": ("405 .method not allowed", "that of a storage"),
    "500": ("500|fault", ""),
}
CASES = [
    *(("s3", way) for way in ("bucket", "no credentials", "refused", "host", "certificate", "plugin", "403", "404", "405")),
    *(
        ("webdav", way)
        for way in ("wrong credentials", "no credentials", "refused", "host", "certificate", "401", "403", "405")
    ),
    *(("http", way) for way in ("no credentials", "refused", "host", "certificate", "401", "403", "405")),
    *(("ssh", way) for way in ("wrong credentials", "no credentials", "refused", "host", "plugin", "404")),
]
QUICK = (("s3", "bucket"), ("webdav", "wrong credentials"), ("ssh", "wrong credentials"))


@pytest.mark.parametrize(("kind", "way"), CASES if FULL else QUICK)
def test_way_of_failing_is_named_with_what_to_type_and_nothing_is_written(tmp_path, kind, way):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages: {}\n"})
    with storage(kind, tmp_path / "server", tls=way == "certificate") as server, closed_port() as closed:
        env, url, options = environment(server, tmp_path), server.url, dict(server.options)
        server.fault = way if way.isdigit() else ""
        if way == "bucket":
            url = "s3://nostore/base"
        elif way == "wrong credentials":
            options["password"] = "another"
        elif way == "no credentials":
            options = {key: value for key, value in options.items() if key == "endpointurl"}
            env = {key: value for key, value in env.items() if key not in server.env}
        elif way in ("refused", "host"):
            swap = (str(server.port), str(closed)) if way == "refused" else ("127.0.0.1", "host.invalid")
            url, options = url.replace(*swap), {key: value.replace(*swap) for key, value in options.items()}
        elif way == "plugin":
            write_tree(tmp_path, {f"broken/dvc_{kind}/__init__.py": "raise ModuleNotFoundError('no plugin')\n"})
            env["PYTHONPATH"] = str(tmp_path / "broken")
        words = [f"--option={key}={value}" for key, value in options.items()]
        done = (kit.mlgit if way == "plugin" else mlgit)(root, "remote", "add", "--local", "store", url, *words, env=env)
    said, hint = WAYS[way]
    assert done.code == 2, done.said
    assert any(each in done.said for each in said.replace("405 .", "405 (").split("|")), done.said
    assert hint in done.said, done.said
    assert way not in ("wrong credentials", "no credentials", "401", "403") or KEYS[kind] in done.said, done.said
    for word in (SECRET, "assword:", "Traceback", "dvc remote"):
        assert word not in done.said, done.said
    assert not (root / ".dvc/config.local").exists()


@pytest.mark.skipif(not FULL, reason="changes with DVC's plugin only")
def test_ssh_host_with_another_key_than_the_known_one_is_believed_as_docs_remotes_warns(tmp_path):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages: {}\n"})
    with storage("ssh", tmp_path / "server", tls=False) as server:
        env = environment(server, tmp_path)
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        known = {Path(home, ".ssh/known_hosts") for home in (env.get("HOME", ""), os.environ["HOME"]) if home}
        for path in known:
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"[127.0.0.1]:{server.port} {other}\n")
        words = [f"--option={key}={value}" for key, value in server.options.items()]
        assert mlgit(root, "remote", "add", "--local", "store", server.url, *words, env=env).code == 0
