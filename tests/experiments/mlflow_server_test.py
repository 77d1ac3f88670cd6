"""An MLflow server that is old, slow, or means no good; what the real one says is in tests/commands/exp_import_test.py."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import mlflow_rest, run_import
from mlgit.experiments.mlflow_rest import MlflowError, MlflowRest
from mlgit.experiments.mlflow_server import MlflowServer
from mlgit.experiments.runs import RunStore
from tests.kit import git

RUN = "0123456789abcdef0123456789abcdef"
API = "/api/2.0/mlflow"
Answer = tuple[int, Any]


class Played:
    """A server that answers by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, Any]], Answer]] = {}
        self.asked: list[str] = []
        self.authorization: list[str] = []
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self._say(path, {key: values[-1] for key, values in urllib.parse.parse_qs(query).items()})

            def do_POST(self) -> None:
                self._say(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))

            def _say(self, path: str, asked: dict[str, Any]) -> None:
                played.asked.append(path)
                played.authorization.append(self.headers.get("Authorization", ""))
                status, body = played.answers.get(path, lambda _: (404, {"message": "nothing here"}))(asked)
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def one_run(self, **more: Any) -> None:
        """Answer as a server with one run does."""
        info = {"run_id": RUN, "experiment_id": "1", "status": "FINISHED", "start_time": 1000, "end_time": 2000}
        metrics = [{"key": "loss", "value": 0.5, "timestamp": 1500, "step": 1}]
        run = {"info": info | more, "data": {"metrics": metrics, "params": [{"key": "lr", "value": "0.1"}]}}
        experiments = {"experiments": [{"experiment_id": "1", "name": "old", "lifecycle_stage": "active"}]}
        self.answers[f"{API}/experiments/search"] = lambda _: (200, experiments)
        self.answers[f"{API}/runs/search"] = lambda _: (200, {"runs": [run]})
        self.answers[f"{API}/metrics/get-history"] = lambda _: (200, {"metrics": metrics})
        self.answers[f"{API}/artifacts/list"] = lambda _: (200, {})


@pytest.fixture
def played() -> Iterator[Played]:
    found = Played()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def store(tmp_path) -> RunStore:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return RunStore(tmp_path)


def rest(url: str, **environ: str) -> MlflowRest:
    return MlflowRest(url, environ=environ, sleep=lambda _: None)


def test_server_without_logged_models_and_bulk_histories_is_read(played, store):
    played.one_run()
    found = run_import.bring(store, MlflowServer(played.url))
    assert (found.new, found.missed) == (1, ())
    assert [each.value for each in store.history(RUN, "loss")] == [0.5]


def test_pages_end_where_a_server_repeats_itself(played):
    answer = {"experiments": [{"experiment_id": "1", "name": "a"}], "next_page_token": "again"}
    played.answers[f"{API}/experiments/search"] = lambda _: (200, answer)
    assert len(MlflowServer(played.url).experiments()) == 2


def test_folders_of_files_that_hold_each_other_end(played, store):
    played.one_run()
    listed = {"files": [{"path": "a", "is_dir": True}, {"path": "", "is_dir": True}, {"path": "f", "is_dir": False}]}
    played.answers[f"{API}/artifacts/list"] = lambda asked: (200, listed)
    played.answers["/get-artifact"] = lambda _: (200, b"hello")
    run_import.bring(store, MlflowServer(played.url))
    assert store.artifacts.read(RUN, "f") == b"hello"


def test_path_of_a_file_that_leads_out_is_refused(played, store):
    played.one_run()
    listed = {"files": [{"path": "../../../evil", "is_dir": False}]}
    played.answers[f"{API}/artifacts/list"] = lambda asked: (200, listed if "path" not in asked else {})
    played.answers["/get-artifact"] = lambda _: (200, b"x")
    with pytest.raises(MlgitError, match="no path of a logged file"):
        run_import.bring(store, MlflowServer(played.url))
    assert not list(store.root.parent.rglob("evil"))


def test_file_that_cannot_be_had_is_told_and_the_rest_comes(played, store):
    played.one_run()
    played.answers[f"{API}/artifacts/list"] = lambda _: (200, {"files": [{"path": "a"}, {"path": "b"}]})
    played.answers["/get-artifact"] = lambda asked: (200, b"x") if asked["path"] == "b" else (403, {"message": "no"})
    found = run_import.bring(store, MlflowServer(played.url))
    assert store.artifacts.paths(RUN) == ["b"]
    assert "403 no" in found.missed[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"runs": 3},
        {"runs": [3, None, {}]},
        {"runs": [{"info": 3, "data": []}]},
        {"runs": [{"info": {"run_id": ["x"]}, "data": {"metrics": [{"key": 3, "value": "x"}], "params": [1]}}]},
        [],
    ],
)
def test_answers_of_another_shape_bring_no_run(played, store, wrong):
    played.one_run()
    played.answers[f"{API}/runs/search"] = lambda _: (200, wrong)
    try:
        assert run_import.bring(store, MlflowServer(played.url)).new == 0
    except MlgitError as error:
        assert "no JSON" in error.message  # noqa: PT017 - either is right


def test_busy_server_is_asked_again(played):
    turns = iter([(503, {}), (429, {}), (200, {"a": 1})])
    played.answers["/x"] = lambda _: next(turns)
    assert rest(played.url).ask("/x") == {"a": 1}


@pytest.mark.parametrize(("status", "n_asked"), [(401, 1), (404, 1), (302, 1), (500, 4)])
def test_refusal_is_told_with_its_status_and_redirects_are_not_followed(played, status, n_asked):
    played.answers["/x"] = lambda _: (status, {"message": "why not"})
    with pytest.raises(MlflowError, match="why not") as caught:
        rest(played.url).ask("/x")
    assert caught.value.status == status
    assert len(played.asked) == n_asked


def test_answer_without_end_is_cut(played, monkeypatch):
    monkeypatch.setattr(mlflow_rest, "_LARGEST", 1000)
    played.answers["/x"] = lambda _: (200, {"a": "b" * 5000})
    with pytest.raises(MlflowError, match="larger than"):
        rest(played.url).ask("/x")


@pytest.mark.parametrize(
    ("user", "environ", "sent"),
    [
        ("ada:secret@", {}, "Basic " + base64.b64encode(b"ada:secret").decode()),
        ("", {"MLFLOW_TRACKING_TOKEN": "secret"}, "Bearer secret"),
        ("", {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "secret"}, "Basic YWRhOnNlY3JldA=="),
        ("", {}, ""),
    ],
)
def test_credentials_go_to_the_server_and_into_no_message(played, user, environ, sent):
    asked = rest(played.url.replace("//", f"//{user}"), **environ)
    with pytest.raises(MlflowError) as caught:
        asked.ask("/x")
    assert played.authorization == [sent]
    assert "secret" not in caught.value.message + caught.value.hint


def test_no_netrc_is_read(played, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with pytest.raises(MlflowError):
        rest(played.url).ask("/x")
    assert played.authorization == [""]
