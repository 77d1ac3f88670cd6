"""The second port: what it tells, and whom it heeds."""

from __future__ import annotations

import asyncio
import hmac

import pytest

from mlgit.errors import MlgitError
from mlgit.serving.admin import admin_app
from mlgit.serving.deployment import Deployment
from mlgit.serving.listening import Port
from mlgit.serving.supervisor import Follow, Supervisor
from mlgit.serving.worker_options import WorkerOptions
from tests.serving.asgi import ask

TOKEN = b"a-token-of-many-letters"
SAID = {"model": "churn", "version": "v1.0.0", "commit": "c" * 40, "digest": "d" * 64, "tag": "churn#prod#1"}


class Willing:
    """A worker that loads whatever it is told."""

    pid, is_serving = 1, True

    async def prepare(self, key, deployment):
        return {"models": {"champion": SAID}, "interface": {}}

    async def swap(self, key):
        pass


def playing(folder, play, *, token=TOKEN, look=None):
    """What a coroutine gives that is handed the application and its supervisor, whose worker is a stand-in."""
    notes = []

    async def run():
        port = Port("127.0.0.1", 0)
        try:
            supervisor = Supervisor(
                Deployment(folder),
                port=port,
                n_workers=1,
                options=WorkerOptions(listen=-1),
                metrics=folder,
                follow=Follow(look),
                note=notes.append,
            )
            supervisor._workers[0] = Willing()
            supervisor.status.models = {"champion": SAID}
            supervisor.status.interface = {
                "openapi": "3.1.0",
                "info": {"title": "churn"},
                "paths": {"/invocations": {"post": {}}},
            }
            found = await asyncio.wait_for(play(admin_app(supervisor, token=token), supervisor), 30)
        finally:
            port.close()
        return found, notes

    return asyncio.run(run())


def test_metrics_status_and_documents_are_told_to_everybody(tmp_path):
    async def play(app, supervisor):
        return {
            path: await ask(app, path) for path in ("/metrics", "/-/status", "/-/live", "/-/ready", "/openapi.json", "/docs")
        }

    found, _ = playing(tmp_path, play)
    assert {each.status for each in found.values()} == {200}
    assert b'mlgit_model_info{commit="' + b"c" * 40 in found["/metrics"].body
    assert found["/-/status"].json["serves"] == {"champion": SAID}
    assert (found["/openapi.json"].json["openapi"], b"/invocations" in found["/docs"].body) == ("3.1.0", True)


def test_server_that_drains_is_not_ready(tmp_path):
    async def play(app, supervisor):
        supervisor.is_draining = True
        return await ask(app, "/-/ready")

    assert playing(tmp_path, play)[0].status == 503


class Looks:
    """Says each time what is next: a deployment, None, or an error."""

    def __init__(self, *given):
        self.given = list(given)
        self.asked = []

    def __call__(self, *, anew=False):
        self.asked.append(anew)
        found = self.given.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


BEARER = {"authorization": f"Bearer {TOKEN.decode()}"}


def test_reload_changes_what_is_served_and_says_so(tmp_path):
    look = Looks(Deployment(tmp_path / "next"), Deployment(tmp_path / "next"), MlgitError("forged", "look"))

    async def play(app, supervisor):
        answers = [await ask(app, "/-/reload", b"", headers=BEARER, method="POST") for _ in range(3)]
        return answers, supervisor.status

    ((first, second, third), status), notes = playing(tmp_path, play, look=look)
    assert (first.json["changed"], second.json["changed"]) == (True, False)
    assert (third.status, third.json["error"], third.json["hint"]) == (502, "forged", "look")
    assert (status.deployment.champion, status.trouble) == (tmp_path / "next", "forged")
    assert look.asked == [True] * 3
    assert notes == ["now serving v1.0.0 as champion"]


def test_host_is_answered_at_once_and_looked_for_afterwards(tmp_path):
    look = Looks(Deployment(tmp_path / "next"))
    signed = hmac.new(TOKEN, b"{}", "sha256").hexdigest()

    async def play(app, supervisor):
        found = await ask(app, "/-/reload", b"{}", headers={"x-hub-signature-256": f"sha256={signed}"}, method="POST")
        while supervisor.status.deployment.champion != tmp_path / "next":
            await asyncio.sleep(0.01)
        return found

    assert playing(tmp_path, play, look=look)[0].status == 202


@pytest.mark.parametrize(
    ("token", "headers", "client", "status"),
    [
        (TOKEN, {}, "127.0.0.1", 401),
        (TOKEN, {"authorization": "Bearer wrong"}, "127.0.0.1", 401),
        (TOKEN, BEARER, "192.0.2.1", 200),
        (b"", {}, "127.0.0.1", 200),
        (b"", {}, "::1", 200),
        (b"", {}, "192.0.2.1", 401),
    ],
)
def test_reload_heeds_who_has_the_token_and_without_one_this_machine(tmp_path, token, headers, client, status):
    async def play(app, supervisor):
        return await ask(app, "/-/reload", b"", headers=headers, method="POST", client=client)

    assert playing(tmp_path, play, token=token, look=Looks(None))[0].status == status


def test_signed_body_that_is_too_large_is_not_held(tmp_path):
    async def play(app, supervisor):
        return await ask(app, "/-/reload", b"x" * ((1 << 20) + 1), headers=BEARER, method="POST")

    assert playing(tmp_path, play)[0].status == 401


def test_trouble_is_told_once_until_it_is_another_one(tmp_path):
    look = Looks(MlgitError("a"), MlgitError("a"), MlgitError("b"), Deployment(tmp_path / "next"), MlgitError("b"))

    async def play(app, supervisor):
        for _ in range(5):
            await supervisor.look()

    _, notes = playing(tmp_path, play, look=look)
    served = "v1.0.0 as champion"
    assert notes == [
        f"a; still serving {served}",
        f"b; still serving {served}",
        f"now serving {served}",
        f"b; still serving {served}",
    ]
