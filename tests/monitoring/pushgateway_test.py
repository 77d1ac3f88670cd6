from __future__ import annotations

import base64
import http.server
import threading
from urllib.parse import unquote

import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import pushgateway

TEXT = "# TYPE a gauge\na 1\n"


class Gateway(http.server.ThreadingHTTPServer):
    """A server of this machine that keeps what is pushed, and answers with the next of `answers`, then 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answering)
        self.kept, self.asked, self.answers = {}, [], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        status, said, headers = self.server.answers.pop(0) if self.server.answers else (200, b"", {})
        if status is None:
            self.connection.close()
            return
        if status == 200:
            self.server.kept[self.path] = body.decode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.fixture
def gateway():
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def push(url, *, waits=None, **group):
    pushgateway.push(url, TEXT, group=group or {"model": "churn"}, sleep=(waits if waits is not None else []).append)


def test_figures_take_the_place_of_those_of_the_same_group(gateway):
    push(gateway.url, model="churn", environment="prod")
    push(gateway.url + "/", model="churn", environment="prod")
    assert gateway.kept == {"/metrics/job/mlgit_monitor/model/churn/environment/prod": TEXT}
    assert gateway.asked[0][1]["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("name", ["dir:a b", "ä%2F", "a?b#c"])
def test_name_is_quoted_in_the_path(gateway, name):
    push(gateway.url, model=name)
    (path,) = gateway.kept
    assert unquote(path) == f"/metrics/job/mlgit_monitor/model/{name}"


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "/"])
def test_name_that_no_path_can_hold_is_written_in_base64(gateway, name):
    push(gateway.url, model=name)
    (path,) = gateway.kept
    head, _, encoded = path.rpartition("/")
    assert head == "/metrics/job/mlgit_monitor/model@base64"
    assert base64.urlsafe_b64decode("" if encoded == "=" else encoded).decode() == name


@pytest.mark.parametrize("answer", [(503, b"busy", {}), (429, b"", {}), (None, b"", {})])
def test_gateway_that_is_busy_is_asked_again(gateway, answer):
    gateway.answers = [answer, answer]
    waits = []
    push(gateway.url, waits=waits)
    assert waits == [1.0, 2.0]
    assert list(gateway.kept.values()) == [TEXT]


def test_gateway_that_stays_busy_is_given_up(gateway):
    gateway.answers = [(503, b"busy", {})] * 9
    with pytest.raises(MlgitError, match="took nothing: 503 busy"):
        push(gateway.url)
    assert len(gateway.asked) == pushgateway.ATTEMPTS


def test_what_is_refused_is_not_sent_twice(gateway):
    gateway.answers = [(400, b"pushed metrics are invalid\x1b[31m", {})]
    with pytest.raises(MlgitError, match="400 pushed metrics") as caught:
        push(gateway.url)
    assert "--label" in caught.value.hint
    assert len(gateway.asked) == 1


def test_redirection_is_not_followed(gateway):
    gateway.answers = [(307, b"", {"Location": gateway.url + "/elsewhere"})]
    with pytest.raises(MlgitError, match="307"):
        push(gateway.url)
    assert len(gateway.asked) == 1


def test_password_is_used_and_never_shown(gateway):
    gateway.answers = [(401, b"", {})]
    with pytest.raises(MlgitError) as caught:
        push(gateway.url.replace("//", "//ada:s%C3%A9cret@"))
    assert "cret" not in str(caught.value) + caught.value.hint
    said = gateway.asked[0][1]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(said).decode() == "ada:sécret"


def test_no_other_password_is_sent(gateway, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    push(gateway.url)
    assert "Authorization" not in gateway.asked[0][1]


@pytest.mark.parametrize(
    "url",
    ["ftp://a", "gateway:9091", "http://", "http://[", "http://a:b", "https://a?b=1", "http://ada:secret@example.com", ""],
)
def test_address_that_is_none_or_would_show_a_password_is_refused(url):
    with pytest.raises(MlgitError) as caught:
        push(url)
    assert "secret" not in str(caught.value)
    assert caught.value.hint


def test_nobody_there_is_told(gateway):
    port = gateway.url
    gateway.answers = [(None, b"", {})] * 9
    with pytest.raises(MlgitError, match="no answer"):
        push(port)
