"""What is in production moves, and the answers with it: none fails, and none is of a version that was not there."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter

import pytest

from tests.kit import FULL
from tests.kit.programs import git
from tests.serving import shared_models
from tests.serving.servers import JSON, Clients, log_lines, served, until
from tests.serving.shared_models import ANSWERS, CONFIG, ONE, VERSIONS

pytestmark = pytest.mark.slow

MOVES = 200 if FULL else 4


@pytest.fixture
def shared(tmp_path):
    return shared_models.made(tmp_path)


def version_of(answer):
    """The version that an answer is of, by what it says; it has to say so itself, too."""
    assert answer.status == 200, answer.body
    version = answer.headers["x-mlgit-version"]
    assert answer.json["predictions"] == ANSWERS[version]
    return version


def test_every_answer_is_of_a_version_that_was_in_production_then(shared, tmp_path):
    """Moves are told to the server by POST /-/reload: what begins after its answer is answered by the new version."""
    moves = [(0.0, 0.0, VERSIONS[0])]
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "1000", "--workers", "2") as server:
        clients = Clients(server.address, ONE)
        with clients.asking(4):
            for version in itertools.islice(itertools.cycle(reversed(VERSIONS)), MOVES):
                begun = time.monotonic()
                shared.move(version)
                answer = server.admin("/-/reload", {})
                assert (answer.status, answer.json["changed"]) == (200, True), answer.body
                moves.append((begun, time.monotonic(), version))
                count = len(clients.answers)
                until(lambda seen=count: len(clients.answers) > seen + 8)
    assert clients.broken == []
    for request_id, answer in clients.answers.items():
        there = {
            version
            for (begun, _, version), (_, after, _) in zip(moves, [*moves[1:], (0, float("inf"), "")], strict=True)
            if begun <= answer.ended and answer.began <= after
        }
        assert version_of(answer) in there, request_id
    assert Counter(map(version_of, clients.answers.values())).keys() == {*VERSIONS}
    logged = {line["id"]: line for line in log_lines(tmp_path / "server" / "logs")}
    assert {name: logged[name]["version"] for name in clients.answers} == {
        name: version_of(answer) for name, answer in clients.answers.items()
    }


def test_move_is_noticed_by_looking_now_and_then_and_so_is_the_way_back(shared, tmp_path):
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "0.3") as server:
        shared.move(VERSIONS[1])
        until(lambda: version_of(server.post("/invocations", ONE)) == VERSIONS[1])
        shared.do("model", "rollback", "churn", "prod", "--message", "worse", "--push")
        until(lambda: version_of(server.post("/invocations", ONE)) == VERSIONS[0])
        assert server.metric("mlgit_follow_failed") == 0
    assert b"now serving v2.0.0 as champion" in server.said.read_bytes()


@pytest.mark.full
def test_what_cannot_be_believed_changes_nothing_and_is_told(shared, tmp_path):
    """Somebody moves the tag that says what is in production, in the shared repository."""
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "1000") as server:
        text = git(shared.root, "cat-file", "tag", "churn#prod#1").replace("v1.0.0", "v2.0.0")
        forged = text.replace(
            git(shared.root, "rev-parse", "churn#prod#1^{commit}"), git(shared.root, "rev-parse", "churn@v2.0.0^{commit}")
        )
        (tmp_path / "forged").write_text(forged + "\n")
        oid = git(shared.root, "hash-object", "-t", "tag", "-w", str(tmp_path / "forged"))
        git(shared.root, "push", "-q", "--force", "origin", f"{oid}:refs/tags/churn#prod#1")
        answer = server.admin("/-/reload", {})
        assert answer.status == 502
        assert "churn#prod#1" in answer.json["error"]
        assert version_of(server.post("/invocations", ONE)) == VERSIONS[0]
        assert (server.metric("mlgit_follow_failed"), server.status()["trouble"]) == (1, answer.json["error"])


@pytest.mark.full
def test_model_that_does_not_answer_as_recorded_is_not_served(tmp_path):
    """Its recorded predictions are those of the other version."""
    config = CONFIG.replace("{churn: {}}", "{churn: {predictions: predictions.csv, id: id, test: [test.csv]}}")
    shared = shared_models.made(tmp_path)
    rows = "".join(f"{each},{20 + each},1.0,0\n" for each in range(5))
    files = {
        "mlgit.yaml": config,
        "test.csv": "id,age,income,label\n" + rows,
        "predictions.csv": "id,label,prediction\n" + "".join(f"{each},0,0\n" for each in range(5)),
    }
    shared_models.write_tree(shared.root, files)
    shared_models.commit(shared.root)
    shared.do("model", "register", "churn", "--version", "v3.0.0", "--push")
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "1000") as server:
        shared.move("v3.0.0")
        answer = server.admin("/-/reload", {})
        assert answer.status == 502
        assert "v3.0.0" in answer.json["error"]
        assert version_of(server.post("/invocations", ONE)) == VERSIONS[0]


SHARE = "\nserving: {churn: {canary: {environment: canary, share: 30%}, shadow: {environment: shadow}}}\n"


@pytest.mark.full
def test_canary_answers_its_share_always_the_same_and_the_shadow_nobody(tmp_path):
    shared = shared_models.made(tmp_path, config=CONFIG + SHARE)
    shared.move(VERSIONS[1], "canary")
    with served(shared.clone(tmp_path / "server"), "churn", "--workers", "2", "--poll", "1000") as server:
        first = {
            name: version_of(server.post("/invocations", ONE, headers={**JSON, "X-Request-ID": name}))
            for name in map(str, range(300))
        }
        again = {
            name: version_of(server.post("/invocations", ONE, headers={**JSON, "X-Request-ID": name}))
            for name in map(str, range(300))
        }
        assert first == again
        assert 60 <= Counter(first.values())[VERSIONS[1]] <= 120
        shared.do("model", "unassign", "churn", "canary", "--push")
        shared.move(VERSIONS[1], "shadow")
        assert server.admin("/-/reload", {}).json["changed"]
        for number in range(20):
            assert (
                version_of(server.post("/invocations", ONE, headers={**JSON, "X-Request-ID": f"both-{number}"})) == VERSIONS[0]
            )
        folder = tmp_path / "server" / "logs"
        until(lambda: sum(line["role"] == "shadow" for line in log_lines(folder)) == 20)
    both = [line for line in log_lines(tmp_path / "server" / "logs") if line["id"].startswith("both-")]
    said = {(line["id"], line["role"]): (line["version"], line["outputs"]["predict"]) for line in both}
    assert len(said) == 40
    assert [value for (_, role), value in said.items() if role == "shadow"] == [("v2.0.0", [1])] * 20


@pytest.mark.skipif(not FULL, reason="a remote that is silent is tried in follow_test, too")
def test_server_without_the_network_goes_on_with_what_it_knows(shared, tmp_path):
    with served(shared.clone(tmp_path / "server"), "churn", "--poll", "0.3") as server:
        shared.shared.rename(tmp_path / "gone.git")
        until(lambda: b"does not answer" in server.said.read_bytes())
        assert version_of(server.post("/invocations", ONE)) == VERSIONS[0]
        (tmp_path / "gone.git").rename(shared.shared)
        shared.move(VERSIONS[1])
        until(lambda: version_of(server.post("/invocations", ONE)) == VERSIONS[1])
    notes = [json.loads(line)["note"] for line in server.said.read_text().splitlines() if line.startswith("{")]
    assert sum("does not answer" in each for each in notes) == 1
