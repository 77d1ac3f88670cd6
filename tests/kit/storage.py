"""Storage servers on this machine (S3, WebDAV, HTTP, SSH) with every way of failing put before them.

Each runs in threads of the test's process on a loopback port, keeps its objects in a folder or in memory, and stands behind
a gate that refuses, resets, falls silent or cuts answers short; what HTTP servers answer can be a status of the test's choice.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = ("s3", "webdav", "http", "ssh")
SECRET = "correct-horse-battery"  # stands in every configuration, and must stand in no output
_RESET = struct.pack("ii", 1, 0)
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class Storage:
    """A running server: what `.dvc/config` says of it, the environment a client needs, and what is wrong with it now.

    `fault` is '' or one of: refused, reset, silent, truncated, or an HTTP status as '403'. `folder` holds the objects of
    all kinds but S3.
    """

    kind: str
    url: str
    options: dict[str, str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    requests: int = 0

    def config(self, **changes: str) -> str:
        """The text of a `.dvc/config` whose default remote is this."""
        options = {"url": self.url, **self.options, **changes}
        rows = "".join(f"    {key} = {value}\n" for key, value in options.items() if value)
        return f"[core]\n    remote = store\n['remote \"store\"']\n{rows}"

    def fill(self, remote: Path) -> None:
        """Put the objects of a remote that is a folder here, under the same names."""
        if self.kind != "s3":
            shutil.copytree(remote, self.folder / "base", dirs_exist_ok=True)
            return
        client = self._client()
        for path in remote.rglob("*"):
            if path.is_file():
                client.put_object(Bucket="store", Key=f"base/{path.relative_to(remote)}", Body=path.read_bytes())

    def damage(self, md5: str, content: bytes = b"other bytes") -> None:
        """Put other bytes under the name of an object."""
        if self.kind == "s3":
            self._client().put_object(Bucket="store", Key=f"base/files/md5/{md5[:2]}/{md5[2:]}", Body=content)
        else:
            (self.folder / "base/files/md5" / md5[:2] / md5[2:]).write_bytes(content)

    def remove(self, md5: str) -> None:
        """Take an object away."""
        if self.kind == "s3":
            self._client().delete_object(Bucket="store", Key=f"base/files/md5/{md5[:2]}/{md5[2:]}")
        else:
            (self.folder / "base/files/md5" / md5[:2] / md5[2:]).unlink()

    def _client(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.options["endpointurl"], **keys)


@contextmanager
def storage(kind: str, folder: Path) -> Iterator[Storage]:
    """A server of a kind, empty, with a bucket or folder `base` in it; it ends with the block."""
    (folder / "base").mkdir(parents=True)
    made = Storage(kind, "", {}, folder)
    with _SERVERS[kind](made) as inner, _gate(made, inner) as port:
        _describe(made, port)
        yield made
        made.fault = ""


def _describe(made: Storage, port: int) -> None:
    at = f"127.0.0.1:{port}"
    if made.kind == "s3":
        made.url, made.options = "s3://store/base", {"endpointurl": f"http://{at}"}
        made.env = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
        made._client().create_bucket(Bucket="store")
    elif made.kind == "webdav":
        made.url, made.options = f"webdav://{at}/base", {"user": "ada", "password": SECRET}
    elif made.kind == "http":
        made.url, made.options = f"http://{at}/base", {"auth": "basic", "user": "ada", "password": SECRET}
    else:
        made.url, made.options = f"ssh://ada@{at}{made.folder}/base", {"password": SECRET}


# -- the gate: a proxy of bytes that knows no protocol


@contextmanager
def _gate(made: Storage, inner: int) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: list[socket.socket] = [listener]

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            made.requests += 1
            open_sockets.append(client)
            threading.Thread(target=_serve, args=(made, client, inner, open_sockets), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for each in open_sockets:
            with suppress(OSError):
                each.close()


def _serve(made: Storage, client: socket.socket, inner: int, open_sockets: list[socket.socket]) -> None:
    if made.fault in ("refused", "reset"):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.close()
        return
    if made.fault == "silent":
        return
    try:
        server = socket.create_connection(("127.0.0.1", inner))
    except OSError:
        client.close()
        return
    open_sockets.append(server)
    threading.Thread(target=_pump, args=(made, client, server, None), daemon=True).start()
    _pump(made, server, client, 200 if made.fault == "truncated" else None)


def _pump(made: Storage, source: socket.socket, target: socket.socket, most: int | None) -> None:
    """Pass bytes on until the end, at most so many; nothing goes on once the server has fallen silent."""
    try:
        while block := source.recv(1 << 16):
            if made.fault == "silent":
                return
            target.sendall(block[:most])
            if most is not None:
                break
    except OSError:
        pass
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


# -- servers


def _faulty(made: Storage, app: Application) -> Application:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not made.fault.isdigit():
            return app(environ, start_response)
        start_response(f"{made.fault} Fault", [("Content-Length", "0"), ("Connection", "close")])
        return [b""]

    return answer


@contextmanager
def _http_server(made: Storage, app: Application) -> Iterator[int]:
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), _faulty(made, app), numthreads=20)
    server.error_log = lambda *args, **kwargs: None
    server.shutdown_timeout = 0.1
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()


def _s3(made: Storage) -> Any:
    from moto.server import DomainDispatcherApplication, create_backend_app

    return _http_server(made, DomainDispatcherApplication(create_backend_app))


def _webdav(made: Storage) -> Any:
    from wsgidav.wsgidav_app import WsgiDAVApp

    settings: Mapping[str, Any] = {
        "provider_mapping": {"/": str(made.folder)},
        "simple_dc": {"user_mapping": {"*": {"ada": {"password": SECRET}}}},
        "verbose": 0,
        "logging": {"enable": False},
    }
    return _http_server(made, WsgiDAVApp(settings))


def _http(made: Storage) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = made.folder / environ["PATH_INFO"].lstrip("/")
        method = environ["REQUEST_METHOD"]
        if "HTTP_AUTHORIZATION" not in environ:
            start_response("401 Unauthorized", [("Content-Length", "0")])
            return [b""]
        if method in ("POST", "PUT"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(environ["wsgi.input"].read())
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]
        if not path.is_file():
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        content = path.read_bytes()
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content if method == "GET" else b""]

    return _http_server(made, app)


@contextmanager
def _ssh(made: Storage) -> Iterator[int]:
    import asyncssh

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("ada", SECRET)

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def listen() -> Any:
        key = asyncssh.generate_private_key("ssh-ed25519")
        return await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], server_factory=Server, sftp_factory=True)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    try:
        yield server.get_port()
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)


_SERVERS: dict[str, Callable[[Storage], Any]] = {"s3": _s3, "webdav": _webdav, "http": _http, "ssh": _ssh}


def environment(made: Storage, home: Path) -> dict[str, str]:
    """What a client process needs beside the fenced environment of a test; nothing of this machine's credentials is seen."""
    hidden = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "2", "HOME": str(home), "NO_PROXY": "127.0.0.1"}
    return {**hidden, **made.env}
