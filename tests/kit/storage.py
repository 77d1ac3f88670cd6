"""Storage servers on this machine (S3, WebDAV, HTTP, SSH) with every way of failing put before them.

Each runs in threads of the test's process on a loopback port, keeps its objects in a folder or in memory, and stands behind
a gate that hangs up, resets, falls silent or drips; what servers answer can be a status of the test's choice or half an object.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = ("s3", "webdav", "http", "ssh")
SECRET = "correct-horse-battery"  # stands in every configuration, and must stand in no output
LOGIN = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form action=login></form></body></html>\n"
_RESET = struct.pack("ii", 1, 0)
_DROP, _PAUSE = 256, 0.01  # a slow server: so many bytes, then a rest
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class Storage:
    """A running server: what `.dvc/config` says of it, the environment a client needs, and what is wrong with it now.

    `fault` is '' or one of: refused (it hangs up at once), reset (once it was asked), silent, slow, truncated (half of each
    object), a status as '403', a code of S3 as '503 SlowDown', or 'login page' (for whatever is asked). `folder` holds the
    objects of all kinds but S3; beside `base` lies `damaged`, with the same names and other bytes.
    """

    kind: str
    url: str
    options: dict[str, str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    requests: int = 0
    port: int = 0
    certificate: Path | None = None  # with its key, signed by nobody else: then it speaks TLS
    cut: int = 0  # so many bytes from clients, and it hangs up, now and from then on; `when_cut` is called first
    when_cut: Callable[[], None] = lambda: None

    def config(self, **changes: str) -> str:
        """The text of a `.dvc/config` whose default remote is this."""
        options = {"url": self.url, **self.options, **changes}
        rows = "".join(f"    {key} = {value}\n" for key, value in options.items() if value)
        return f"[core]\n    remote = store\n['remote \"store\"']\n{rows}"

    def fill(self, remote: Path) -> None:
        """Put the objects of a remote that is a folder here, under the same names."""
        for path in filter(Path.is_file, remote.rglob("*")):
            content = path.read_bytes()
            self._put(f"base/{path.relative_to(remote)}", content)
            self._put(f"damaged/{path.relative_to(remote)}", content[:-1] + bytes([content[-1] ^ 1]))

    def _put(self, name: str, content: bytes) -> None:
        if self.kind == "s3":
            self._client().put_object(Bucket="store", Key=name, Body=content)
        else:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)

    def damage(self, md5: str, content: bytes = b"other bytes") -> None:
        """Put other bytes under the name of an object."""
        self._put(f"base/files/md5/{md5[:2]}/{md5[2:]}", content)

    def remove(self, md5: str) -> None:
        """Take an object away."""
        if self.kind == "s3":
            self._client().delete_object(Bucket="store", Key=f"base/files/md5/{md5[:2]}/{md5[2:]}")
        else:
            (self.folder / "base/files/md5" / md5[:2] / md5[2:]).unlink()

    def objects(self) -> dict[str, bytes]:
        """What it keeps, by the names below its address."""
        if self.kind != "s3":
            base = self.folder / "base"
            return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}
        names = [each["Key"] for each in self._client().list_objects(Bucket="store", Prefix="base/").get("Contents", ())]
        bodies = {name: self._client().get_object(Bucket="store", Key=name)["Body"].read() for name in names}
        return {name.removeprefix("base/"): body for name, body in bodies.items()}

    def _client(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        trusted = str(self.certificate) if self.certificate else None
        return boto3.client("s3", endpoint_url=self.options["endpointurl"], verify=trusted, **keys)


@contextmanager
def storage(kind: str, folder: Path, *, tls: bool = False) -> Iterator[Storage]:
    """A server of a kind, empty, with a bucket or folder `base` in it; it ends with the block."""
    (folder / "base").mkdir(parents=True)
    made = Storage(kind, "", {}, folder, certificate=_certificate(folder) if tls else None)
    with _SERVERS[kind](made) as inner, _gate(made, inner) as made.port:
        _describe(made, made.port)
        yield made
        made.fault = ""


def _certificate(folder: Path) -> Path:
    path = folder / "certificate.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    asked += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", str(path)]
    subprocess.run(asked, check=True, capture_output=True)
    return path


def _describe(made: Storage, port: int) -> None:
    at, s = f"127.0.0.1:{port}", "s" if made.certificate else ""
    if made.kind == "s3":
        made.url, made.options = "s3://store/base", {"endpointurl": f"http{s}://{at}"}
        made.env = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
        made._client().create_bucket(Bucket="store")
    elif made.kind == "webdav":
        made.url, made.options = f"webdav{s}://{at}/base", {"user": "ada", "password": SECRET}
    elif made.kind == "http":
        made.url, made.options = f"http{s}://{at}/base", {"auth": "basic", "user": "ada", "password": SECRET}
    else:
        made.url, made.options = f"ssh://ada@{at}{made.folder}/base", {"password": SECRET}


# -- the gate: a proxy of bytes that knows no protocol


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that nothing listens at, and nothing else can take."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


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
        if made.fault == "reset":
            with suppress(OSError):
                client.recv(1)
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
    threading.Thread(target=_pump, args=(made, client, server), kwargs={"is_upload": True}, daemon=True).start()
    _pump(made, server, client)


def _pump(made: Storage, source: socket.socket, target: socket.socket, *, is_upload: bool = False) -> None:
    """Pass bytes on until the end; nothing goes on once the server has fallen silent."""
    try:
        while block := source.recv(1 << 16):
            if made.fault == "silent":
                return
            if is_upload and made.cut:
                made.cut = max(1, made.cut - len(block))
                if made.cut == 1:
                    made.when_cut()
                    break
            for drop in _drops(block) if made.fault == "slow" else [block]:
                target.sendall(drop)
    except OSError:
        pass
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _drops(block: bytes) -> Iterator[bytes]:
    for at in range(0, len(block), _DROP):
        time.sleep(_PAUSE)
        yield block[at : at + _DROP]


# -- servers


def _faulty(made: Storage, app: Application) -> Application:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        status, _, code = made.fault.partition(" ")
        method = environ["REQUEST_METHOD"]
        if made.fault == "login page" or status.isdigit():
            page = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode() if code else b""
            kind, page = ("application/xml", page) if status.isdigit() else ("text/html; charset=utf-8", LOGIN)
            said = f"{status} Fault" if status.isdigit() else "200 OK"
            start_response(said, [("Content-Type", kind), ("Content-Length", str(len(page))), ("Connection", "close")])
            return [b"" if method == "HEAD" else page]
        if made.fault == "truncated" and method in ("GET", "PROPFIND"):
            return _half(app, environ, start_response)
        return app(environ, start_response)

    return answer


def _half(app: Application, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    said: list[Any] = []
    whole = b"".join(app(environ, lambda status, headers, *rest: said.extend([status, headers])))
    headers = [(name, value) for name, value in said[1] if name.lower() not in ("content-length", "connection")]
    start_response(said[0], [*headers, ("Content-Length", str(len(whole))), ("Connection", "close")])
    return _torn(whole)


def _torn(whole: bytes) -> Iterator[bytes]:
    yield whole[: len(whole) // 2]
    raise ConnectionAbortedError  # the server hangs up at once, instead of waiting for the rest


@contextmanager
def _http_server(made: Storage, app: Application) -> Iterator[int]:
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", 0), _faulty(made, app), numthreads=20)
    server.error_log = lambda *args, **kwargs: None
    server.shutdown_timeout = 0.1
    if made.certificate:
        server.ssl_adapter = BuiltinSSLAdapter(str(made.certificate), str(made.certificate.with_name("key.pem")))
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()


@contextmanager
def _s3(made: Storage) -> Iterator[int]:
    from moto.moto_api._internal.models import moto_api_backend
    from moto.server import DomainDispatcherApplication, create_backend_app

    with _http_server(made, DomainDispatcherApplication(create_backend_app)) as port:
        yield port
    moto_api_backend.reset()  # all servers of a process have the same buckets


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
            with path.open("wb") as stream:  # as it comes: a part stays where the rest does not come
                shutil.copyfileobj(environ["wsgi.input"], stream, 1 << 16)
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
            return (username, password) == ("ada", SECRET) and made.fault != "401"

    said = {"400": asyncssh.SFTPBadMessage, "403": asyncssh.SFTPPermissionDenied}
    said |= {"404": asyncssh.SFTPNoSuchFile, "500": asyncssh.SFTPFailure}

    class Files(asyncssh.SFTPServer):
        def map_path(self, path: bytes) -> bytes:
            if made.fault in said:
                raise said[made.fault]("a fault")
            return super().map_path(path)

        def read(self, file_obj: Any, offset: int, size: int) -> Any:
            if made.fault == "truncated":
                self.connection.abort()
            return super().read(file_obj, offset, size)

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def listen() -> Any:
        key = asyncssh.generate_private_key("ssh-ed25519")
        return await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], server_factory=Server, sftp_factory=Files)

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
