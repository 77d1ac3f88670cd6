"""A real server in bad company: code that prints, forks and hangs, signals at bad moments, folders that go away."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from mlgit.serving_settings import ServingLimits
from tests.kit.late import Module
from tests.serving import model_folders, shared_models
from tests.serving.model_folders import column
from tests.serving.server_test import ONE, released, settings
from tests.serving.servers import log_lines, served, until

pytestmark = pytest.mark.slow

linear_model = Module("sklearn.linear_model")
pd = Module("pandas")

CODE = """
import os, sys, time

print("said by the module")

def predict(frame):
    print("said by the model")
    what = frame["age"].iloc[0]
    if what == 1 and os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    if what == 2:
        os._exit(9)
    if what == 3:
        time.sleep(600)
    if what == 4:
        sys.exit(5)
    if what == 5:
        return [float("nan")] * len(frame)
    if what == 6:
        return [object()] * len(frame)
    return [0] * len(frame)

class Rule:
    columns = ("age", "income")

    def __init__(self, model):
        pass

    def predict(self, frame):
        return predict(frame)
"""


def of_code(folder, **more):
    asked = [column("age", "number"), column("income", "number")]
    return model_folders.written(folder / "release", b"no model", columns=asked, code={"rule.py": CODE}, **more)


def asking(age):
    return {"dataframe_split": {"columns": ["age", "income"], "data": [[age, 1.0]]}}


def test_what_a_model_prints_is_no_line_of_the_server(tmp_path):
    """Standard output is promised to be JSON."""
    argv = [sys.executable, "-m", "mlgit", "serve", "--release", str(of_code(tmp_path, serving=settings(tmp_path)))]
    argv += ["--port", "0", "--admin-port", "0", "--json", "--predictor", "rule:predict", "--access-log", "-"]
    child = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        first = child.stdout.readline()
        port = int(first.partition(b'"url": "http://127.0.0.1:')[2].partition(b'"')[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            body = b'{"instances": [[7, 1]]}'
            head = f"POST /invocations HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert all(line.startswith(b"{") for line in (first + out).splitlines())
    assert b"said by the model" in err


@pytest.mark.full
def test_what_a_model_forks_takes_no_connection_when_the_worker_is_gone(tmp_path):
    with served(tmp_path, "--predictor", "rule:predict", release=of_code(tmp_path, serving=settings(tmp_path))) as server:
        assert server.post("/invocations", asking(1)).status == 200
        (before,) = server.workers()
        children = subprocess.run(["pgrep", "-P", str(before)], capture_output=True, text=True, check=True).stdout.split()
        try:
            os.kill(before, signal.SIGKILL)
            until(lambda: before not in (found := server.workers()) and found)
            assert [server.post("/invocations", asking(7)).status for _ in range(20)] == [200] * 20
        finally:
            for each in children:
                os.kill(int(each), signal.SIGKILL)


def test_answers_that_cannot_be_told_and_exits_are_refusals_and_the_worker_stays(tmp_path):
    with served(tmp_path, "--predictor", "rule:predict", release=of_code(tmp_path, serving=settings(tmp_path))) as server:
        before = server.workers()
        found = {age: server.post("/invocations", asking(age)) for age in (4, 5, 6, 7)}
        assert server.workers() == before
        assert not re.search("^mlgit.* nan$", server.admin("/metrics").body.decode(), re.MULTILINE | re.IGNORECASE)
    assert {age: each.status for age, each in found.items()} == {4: 400, 5: 200, 6: 500, 7: 200}
    assert found[5].json == {"predictions": [None]}
    assert b"Traceback" not in server.said.read_bytes()


def test_model_that_hangs_costs_its_request_and_not_the_end(tmp_path):
    """The server still says that it lives, and ends when it is told to."""
    release = of_code(tmp_path, serving=settings(tmp_path, limits=ServingLimits(seconds=0.5)))
    with served(tmp_path, "--predictor", "rule:predict", "--grace", "1", release=release) as server:
        assert server.post("/invocations", asking(3)).status == 504
        assert server.get("/ping").status == 200
        assert server.end() == 0


@pytest.mark.full
def test_worker_that_ended_is_replaced_although_somebody_removed_the_releases(tmp_path):
    shared = shared_models.made(tmp_path)
    folder = shared.clone(tmp_path / "server")
    with served(folder, "churn", "--poll", "1000") as server:
        (before,) = server.workers()
        shutil.rmtree(folder / ".dvc/tmp/mlgit/serving/releases")
        os.kill(before, signal.SIGKILL)
        until(lambda: before not in (found := server.workers()) and found)
        assert server.post("/invocations", shared_models.ONE).status == 200


@pytest.mark.full
def test_model_of_many_columns_is_served(tmp_path):
    """What a worker tells of it is one long line."""
    frame = pd.DataFrame({f"a_column_with_a_rather_long_name_{each}": [1.0, 2, 3, 4] for each in range(1000)})
    model = linear_model.LinearRegression().fit(frame, [1, 2, 3, 4])
    asked = [column(each, "number") for each in frame]
    release = model_folders.written(tmp_path / "release", model, columns=asked, serving=settings(tmp_path))
    with served(tmp_path, release=release) as server:
        body = {"dataframe_split": {"columns": list(frame), "data": [[1] * 1000]}}
        assert server.post("/invocations", body).status == 200
        assert len(server.admin("/openapi.json").body) > 100_000


@pytest.mark.full
def test_few_open_files_are_no_end_of_it(tmp_path):
    """More connections than there may be files: some are told so, and it answers when they are gone."""
    release = released(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with served(tmp_path, release=release) as server:
        (worker,) = server.workers()
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE)[0] >= min(2000, hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_while_the_workers_start_ends_the_server_and_leaves_nothing(tmp_path, number):
    release = released(tmp_path)
    argv = [sys.executable, "-m", "mlgit", "serve", "--release", str(release), "--port", "0", "--admin-port", "0"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:

        def worker():
            return subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout.split()

        (pid,) = until(worker)
        child.send_signal(number)
        assert child.wait(60) == 0
        assert b"Traceback" not in child.stderr.read()
    until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert not list(tmp_path.glob("mlgit-metrics-*"))


@pytest.mark.full
def test_signal_while_a_model_is_loaded_does_not_wait_for_it(tmp_path):
    code = CODE + "\nif os.path.exists(os.environ['HOLD']):\n    open(os.environ['HOLD'] + '2', 'w')\n    time.sleep(600)\n"
    shared = shared_models.made(tmp_path)
    for version in ("v3.0.0", "v4.0.0"):
        shared_models.write_tree(shared.root, {"rule.py": f"{code}\n# {version}\n"})
        shared_models.commit(shared.root)
        shared.do("model", "register", "churn", "--version", version, "--push")
    shared.move("v3.0.0")
    env = {"HOLD": str(tmp_path / "hold")}
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "0.3", "--predictor", "rule:Rule", env=env) as server:
        (tmp_path / "hold").touch()
        shared.move("v4.0.0")
        until((tmp_path / "hold2").exists)
        assert server.post("/invocations", shared_models.ONE, headers={"Content-Type": "application/json"}).status == 200
        assert server.end() == 0
    assert len(log_lines(tmp_path / "server")) == 1


@pytest.mark.full
def test_worker_that_ends_while_others_change_over_is_started_with_the_new_version(tmp_path):
    """And what could not be changed to, because a worker ended, is tried again."""
    shared = shared_models.made(tmp_path)
    with served(shared.clone(tmp_path / "server"), "churn", "--workers", "2", "--poll", "0.3") as server:
        pids = server.workers()
        shared.move(shared_models.VERSIONS[1])
        for _ in range(10):
            os.kill(pids[0], signal.SIGKILL)
            pids = until(lambda gone=pids[0]: len(found := server.workers()) == 2 and gone not in found and found)
            answers = {server.post("/invocations", shared_models.ONE).headers["x-mlgit-version"] for _ in range(20)}
            if answers == {shared_models.VERSIONS[1]}:
                break
        until(lambda: server.post("/invocations", shared_models.ONE).headers["x-mlgit-version"] == shared_models.VERSIONS[1])
        assert {server.post("/invocations", shared_models.ONE).headers["x-mlgit-version"] for _ in range(20)} == {
            shared_models.VERSIONS[1]
        }


@pytest.mark.full
def test_name_and_version_are_found_however_a_client_encodes_them(tmp_path):
    body = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [40, 2.5]}]}
    release = released(tmp_path, version="v1.0.0+b.1")
    facts = release / "release.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"model": "risk/eu:churn"}))
    with served(tmp_path, release=release) as server:
        for name in ("risk/eu:churn", "risk%2Feu%3Achurn", "risk%2feu:churn", "risk/eu%3Achurn"):
            for version in ("", "/versions/v1.0.0+b.1", "/versions/v1.0.0%2Bb.1"):
                assert server.post(f"/v2/models/{name}{version}/infer", body).status == 200
                assert server.get(f"/v2/models/{name}{version}/ready").status == 200
        assert server.post("/invocations", ONE).status == 200


@pytest.mark.full
def test_what_clients_do_wrong_fills_no_log(tmp_path):
    with served(tmp_path, release=released(tmp_path)) as server:
        for content in (b"no HTTP at all\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n") * 20:
            with socket.create_connection(server.address) as client:
                client.sendall(content)
                assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert server.said.read_bytes() == b""


def test_ports_that_are_taken_are_named_by_their_options_and_nothing_is_left(tmp_path):
    release = released(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options in (["--port", port], ["--port", "0", "--admin-port", port]):
            argv = [sys.executable, "-m", "mlgit", "serve", "--release", str(release), *options]
            done = subprocess.run(
                argv, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True
            )
            assert done.returncode == 2
            assert done.stderr.splitlines()[1] == f"hint: name another with {options[-2]}"
    assert not list(tmp_path.glob("mlgit-metrics-*"))
