"""A real server: what it answers, whom it refuses, and what it leaves behind."""

from __future__ import annotations

import hmac
import json
import os
import re
import signal
import socket
from pathlib import Path

import jsonschema
import pytest

from mlgit.serving_settings import Serving, ServingLimits, ServingLog
from tests.kit import FULL
from tests.kit.json_documents import SCHEMAS
from tests.kit.late import Module
from tests.serving import model_folders
from tests.serving.model_folders import column
from tests.serving.servers import JSON, Clients, log_lines, served, until

pytestmark = pytest.mark.slow

linear_model = Module("sklearn.linear_model")
pd = Module("pandas")

TOKEN = "a-token-of-many-letters-and-digits-0123456789"
ONE = {"dataframe_split": {"columns": ["age", "income"], "data": [[40, 2.5]]}}
V2 = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in (("age", 40), ("income", 2.5))
    ]
}


def frame():
    return pd.DataFrame({"age": [20.0, 30, 40, 50, 60, 70], "income": [1.0, 2, 1, 3, 2, 3]})


def model():
    """Says yes to those above 45."""
    return linear_model.LogisticRegression().fit(frame(), [0, 0, 0, 1, 1, 1])


def settings(folder, **more):
    return Serving("churn", **{"log": ServingLog(str(folder / "logs")), **more})


def released(folder, *, columns=True, **more):
    """A release of the model, with a contract."""
    asked = [
        column("age", "number", required=True, logicalTypeOptions={"minimum": 0, "maximum": 120}),
        column("income", "number", classification="confidential"),
    ]
    rows = model_folders.recorded(frame(), model(), label=1)
    return model_folders.written(
        folder / "release", model(), rows=rows, columns=asked if columns else (), **{"serving": settings(folder), **more}
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all that leave it as it is."""
    folder = tmp_path_factory.mktemp("server")
    with served(folder, release=released(folder)) as found:
        yield found


def test_both_protocols_answer_the_same(server):
    flow = server.post("/invocations", ONE)
    open_inference = server.post("/v2/models/churn/infer", V2)
    assert (flow.status, flow.json) == (200, {"predictions": [0]})
    outputs = open_inference.json["outputs"]
    assert (open_inference.json["model_version"], [each["data"] for each in outputs]) == ("v1.0.0", [[0]])


def test_line_that_tells_of_the_start_is_what_its_schema_says(server):
    jsonschema.validate(server.ready, json.loads((SCHEMAS / "serve.json").read_text()))
    status = {**server.status(), "url": "", "admin_url": ""}
    jsonschema.validate(status, json.loads((SCHEMAS / "serve.json").read_text()))


@pytest.mark.full
def test_server_that_could_not_try_recorded_rows_says_why(tmp_path):
    rows = {**model_folders.recorded(frame(), model()), "columns": ["age", "wage"]}
    with served(tmp_path, release=model_folders.written(tmp_path / "r", model(), rows=rows)) as found:
        assert found.ready["serves"]["champion"]["untested"] == "its recorded rows lack the column 'income'"


def test_version_is_named_in_the_path_and_in_the_answer(server):
    assert server.post("/v2/models/churn/versions/v1.0.0/infer", V2).headers["x-mlgit-version"] == "v1.0.0"
    assert server.post("/v2/models/churn/versions/v9.0.0/infer", V2).status == 404
    assert server.post("/v2/models/other/infer", V2).status == 404


def test_probabilities_are_asked_for_by_name(server):
    found = server.post("/invocations", {**ONE, "params": {"predict_method": "predict_proba"}}).json["predictions"]
    assert [len(row) for row in found] == [2]
    assert sum(found[0]) == pytest.approx(1)


def test_request_keeps_the_id_that_it_brings_and_else_gets_one(server):
    assert server.post("/invocations", ONE, headers={**JSON, "X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        server.post("/invocations", ONE).headers["x-request-id"],
    )


@pytest.mark.parametrize("given", ["with blank", "x" * 129, "tab\there"])
def test_id_that_could_not_stand_in_a_log_is_replaced(server, given):
    assert server.post("/invocations", ONE, headers={**JSON, "X-Request-ID": given}).headers["x-request-id"] != given


def test_value_that_breaks_the_contract_is_named_by_place_and_never_repeated(server):
    body = {"dataframe_split": {"columns": ["age", "income"], "data": [[40, 1.0], [777, 1.0]]}}
    answer = server.post("/invocations", body)
    assert answer.status == 400
    assert [(each["row"], each["column"], each["rule"]) for each in answer.json["violations"]] == [(1, "age", "age.range")]
    assert b"777" not in answer.body
    assert (
        server.post("/v2/models/churn/infer", {"inputs": [{**V2["inputs"][0], "data": [777]}, V2["inputs"][1]]}).status == 422
    )


def test_server_and_model_describe_themselves(server):
    assert [server.get(path).status for path in ("/ping", "/health", "/v2/health/live", "/v2/health/ready", "/v2")] == [200] * 5
    assert server.get("/version").body == b"v1.0.0"
    assert [each["name"] for each in server.get("/v2/models/churn").json["inputs"]] == ["age", "income"]
    assert server.get("/v2/models/churn/versions/v1.0.0/ready").json == {"name": "churn", "ready": True}
    assert (server.get("/nothing").status, server.get("/invocations").status) == (404, 405)


def test_second_port_has_metrics_and_documents_and_the_first_has_not(server):
    server.post("/invocations", ONE)
    assert server.metric("mlgit_requests_total") > 0
    assert server.admin("/openapi.json").json["openapi"] == "3.1.0"
    page = server.admin("/docs")
    assert b"/invocations" in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert [server.get(path).status for path in ("/metrics", "/docs", "/openapi.json", "/-/status")] == [404] * 4


@pytest.mark.full
def test_metrics_add_up_what_all_workers_counted(tmp_path):
    with served(tmp_path, "--workers", "2", release=released(tmp_path)) as found:
        for _ in range(40):
            assert found.post("/invocations", ONE).status == 200
        assert found.metric("mlgit_requests_total") == 40
        assert found.metric("mlgit_predictions_total") == 40
        assert len(list((tmp_path / "logs").rglob("*.jsonl"))) == 2
        assert len(log_lines(tmp_path / "logs")) == 40


@pytest.mark.skipif(not FULL, reason="answering_test looks at the same without a server")
def test_private_columns_are_hashed_in_the_log_and_what_broke_the_contract_is_not_in_it(tmp_path):
    with served(tmp_path, release=released(tmp_path)) as found:
        found.post("/invocations", ONE)
        found.post("/invocations", {"dataframe_split": {"columns": ["age", "income"], "data": [[-98765, 2.5]]}})
    answered, refused = log_lines(tmp_path / "logs")
    assert (answered["inputs"][0][0], len(answered["inputs"][0][1]), answered["code"]) == (40, 16, 200)
    assert (refused["inputs"], refused["code"], refused["violations"][0]["rule"]) == (None, 400, "age.range")
    assert "98765" not in json.dumps(refused)


@pytest.mark.skipif(not FULL, reason="answering_test looks at the same without a server")
def test_flagged_input_is_answered_and_written_down_with_what_is_wrong(tmp_path):
    release = released(tmp_path, serving=settings(tmp_path, invalid="flag"))
    with served(tmp_path, release=release) as found:
        assert (
            found.post("/invocations", {"dataframe_split": {"columns": ["age", "income"], "data": [[200, 2.5]]}}).status == 200
        )
        assert found.metric("mlgit_invalid_inputs_total") == 1
    (line,) = log_lines(tmp_path / "logs")
    assert (line["code"], line["violations"][0]["rule"]) == (200, "age.range")


def test_only_who_brings_the_token_is_answered_and_each_request_is_told(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    more = ("--token-file", str(tmp_path / "token"), "--access-log", str(tmp_path / "access"))
    with served(tmp_path, *more, release=released(tmp_path)) as found:
        good = {**JSON, "Authorization": f"Bearer {TOKEN}"}
        assert found.post("/invocations?secret=1", ONE, headers={**good, "X-Request-ID": "mine"}).status == 200
        for bad in (
            {},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": TOKEN},
        ):
            answer = found.post("/invocations", ONE, headers={**JSON, **bad})
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (found.get("/v2/models/churn").status, found.get("/v2/models/churn", headers=good).status) == (401, 200)
        assert (found.get("/ping").status, found.admin("/metrics").status) == (200, 200)
        assert found.admin("/-/reload", {}).status == 401
        assert found.admin("/-/reload", {}, headers=good).status == 200
        signed = hmac.new(TOKEN.encode(), b"{}", "sha256").hexdigest()
        assert found.admin("/-/reload", b"{}", headers={"X-Hub-Signature-256": f"sha256={signed}"}).status == 202
        arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (found.child.pid, *found.workers())]
        assert not [each for each in arguments if TOKEN.encode() in each or TOKEN.encode().hex().encode() in each]
    lines = [json.loads(line) for line in (tmp_path / "access").read_text().splitlines()]
    assert tuple(lines[0][name] for name in ("id", "status", "path", "version")) == (
        "mine",
        200,
        "/invocations",
        "v1.0.0",
    )
    assert [line["status"] for line in lines[1:]] == [401] * 4


@pytest.mark.full
def test_workers_end_with_the_process_that_started_them(tmp_path):
    with served(tmp_path, release=released(tmp_path)) as found:
        (worker,) = found.workers()
        found.end(signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{worker}") or Path(f"/proc/{worker}/stat").read_text().split()[2] == "Z")


def test_no_request_fails_when_the_server_is_told_to_end(tmp_path):
    with served(tmp_path, "--workers", "2", release=released(tmp_path)) as found:
        clients = Clients(found.address, ONE)
        with clients.asking(8):
            until(lambda: len(clients.answers) > 200)
            assert found.end() == 0
    assert clients.broken == []
    assert {each.status for each in clients.answers.values()} == {200}
    assert {line["id"] for line in log_lines(tmp_path / "logs")} == clients.answers.keys()


def test_port_of_a_server_is_not_shared_with_another(server, tmp_path):
    with (
        pytest.raises(AssertionError, match="cannot be listened on"),
        served(tmp_path, "--port", str(server.address[1]), release=released(tmp_path)),
    ):
        pass


@pytest.mark.skipif(not FULL, reason="load_test refuses them, too")
def test_libraries_of_another_version_are_refused(tmp_path):
    release = released(tmp_path, requires={"scikit-learn": "0.1.0"})
    with pytest.raises(AssertionError, match=r"0\.1\.0"), served(tmp_path, release=release):
        pass
    with served(tmp_path, "--allow-version-mismatch", release=release) as found:
        assert found.post("/invocations", ONE).status == 200


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that has little patience."""
    folder = tmp_path_factory.mktemp("strict")
    limits = ServingLimits(rows=3, body=2048, seconds=1)
    with served(folder, release=released(folder, serving=settings(folder, limits=limits))) as found:
        yield found


def sent(server, data, *, more=b""):
    """What comes back for bytes as they are; `more` is sent when the server has not closed."""
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(data)
        if more:
            connection.sendall(more)
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
                if b"\r\n\r\n" in found and b"connection: close" not in found.lower():
                    break
        except ConnectionResetError:
            pass
        return found.partition(b"\r\n")[0]


HEAD = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = json.dumps(ONE).encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + LENGTH + b"\r\n" + BODY, b"200"),
        (HEAD + b"Content-Length: 1073741824\r\n\r\n", b"413"),
        (
            HEAD
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"400\r\n"
            + b"x" * 1024
            + b"\r\n"
            + b"800\r\n"
            + b"x" * 2048
            + b"\r\n",
            b"413",
        ),
        (HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, b"400"),
        (HEAD + b"Content-Length: +5\r\n\r\nhello", b"400"),
        (HEAD + LENGTH + b"Content-Type: text/csv\r\n\r\n" + BODY, b"400"),
        (HEAD + LENGTH + b"X-Request-ID: a\r\nX-Request-ID: b\r\n\r\n" + BODY, b"400"),
        (HEAD + LENGTH + b"Content-Encoding: gzip\r\n\r\n" + BODY, b"415"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"400"),
        (HEAD + LENGTH + b"X: y\r\n z\r\n\r\n" + BODY, b"400"),
        (HEAD + LENGTH + b"X" * 40000 + b": y\r\n\r\n" + BODY, b"431"),
        (HEAD + b"X-A: b\r\n" * 5000 + LENGTH + b"\r\n" + BODY, b"431"),
        (b"POST /invocations HTTP/9.9\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (HEAD + b"Content-Length: 500\r\n\r\n" + BODY, b"408"),
        (b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-", b"408"),
    ],
    ids=lambda each: each[-40:].decode("latin-1") if len(each) > 3 else each.decode(),
)
def test_request_is_answered_or_refused_for_what_it_is(strict, data, status):
    assert sent(strict, data).split(b" ")[1:2] == [status]


def test_client_that_sends_a_byte_now_and_then_is_not_waited_for(strict):
    with socket.create_connection(strict.address, timeout=20) as connection:
        connection.sendall(HEAD + LENGTH + b"\r\n" + BODY[:1])
        got = b""
        try:
            for each in BODY[1:]:
                connection.sendall(bytes([each]))
                connection.settimeout(0.2)
                try:
                    got += connection.recv(1000)
                    break
                except TimeoutError:
                    continue
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert got.startswith(b"HTTP/1.1 408") or not got


def test_endless_body_is_cut_off_and_no_memory_goes_with_it(strict):
    (worker,) = strict.workers()

    def memory():
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{worker}/status").read_text())[1])

    before = memory()
    with socket.create_connection(strict.address, timeout=20) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        count = 0
        try:
            while count < 200:
                connection.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
                count += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert count < 200
    assert memory() < before + 20_000


def test_rows_beyond_the_bound_are_refused(strict):
    body = {"dataframe_split": {"columns": ["age", "income"], "data": [[40, 2.5]] * 4}}
    assert strict.post("/invocations", body).status in (400, 413)
