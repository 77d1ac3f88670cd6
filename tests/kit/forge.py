"""A forge on this machine: as much of GitHub, GitLab and Gitea as their documentation tells, with state and with limits.

GitHub: 401 without a valid token, 403 "Resource not accessible by integration" for what it may not do, pages of at most 100
with a Link header, 422 for a comment of more than 65,536 characters and a summary of more than 65,535, 403 with
x-ratelimit-remaining: 0 and 429 with Retry-After for limits of rate. Requests can be made to fail by `trouble`.
"""

from __future__ import annotations

import datetime
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMITS = {"github": 65_536, "gitea": 65_536, "gitlab": 1_000_000}


@dataclass
class State:
    """What the forge holds. `tokens` are logins by token; `may` what the tokens may do beside reading."""

    kind: str = "github"
    repository: str = "team/models"
    tokens: dict[str, str] = field(default_factory=lambda: {"good": "mlgit[bot]"})
    may: set[str] = field(default_factory=lambda: {"comment", "check", "status", "user"})
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    projects: dict[int, str] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[tuple[int, str], bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    is_own_server: bool = False
    trouble: list[tuple[int, dict[str, str], Any, bool]] = field(default_factory=list)
    cut: int = 0  # answers that end in the middle
    requests: list[str] = field(default_factory=list)
    base: str = ""
    next_id: int = 1000
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pull(self, number: int, commit: str, *, repository: str = "", branch: str = "topic", state: str = "open") -> None:
        """Add a pull request."""
        owner = repository or self.repository
        row = {"number": number, "iid": number, "state": state, "labels": [{"name": "improvement"}]}
        row |= {"title": "", "body": "", "updated_at": now(), "closed_at": None, "merged_at": None}
        row |= {"head": {"sha": commit, "ref": branch, "repo": {"full_name": owner}}, "base": {"ref": "main"}}
        if self.kind == "gitlab":
            self.projects.setdefault(50 + len(self.projects), owner)
            project = next(number for number, name in self.projects.items() if name == owner)
            row |= {"sha": commit, "source_branch": branch, "target_branch": "main", "source_project_id": project}
            row["labels"] = ["improvement"]
        self.pulls.append(row)
        if state != "open":
            self.close(number, is_merged=state == "merged")

    def close(self, number: int, *, when: str = "", is_merged: bool = False) -> None:
        """Close or merge a pull request, as people do."""
        row = next(each for each in self.pulls if each["number"] == number)
        word = "merged" if is_merged and self.kind == "gitlab" else "closed"
        time = when or now()
        row |= {"state": word, "updated_at": time, "merged_at": time if is_merged else None, "merged": is_merged}
        row["closed_at"] = None if word == "merged" else time

    def comment(self, pull: int, author: str, body: str) -> dict[str, Any]:
        """Add a comment."""
        self.next_id += 1
        row = {"id": self.next_id, "pull": pull, "body": body, "user": {"login": author}, "author": {"username": author}}
        row["system"] = False
        self.comments.append(row)
        return row

    def ran(self, pull: int, number: int, jobs: dict[str, str], *, file: str = "", left: bytes = b"", parent: int = 0) -> None:
        """Add a pipeline of GitLab for a merge request, or the child of one: the states of its jobs, and a file they left."""
        row = next(each for each in self.pulls if each["number"] == pull)
        made = {"id": number, "sha": row["sha"], "project_id": row["source_project_id"], "pull": pull, "parent": parent}
        rows = [{"id": number * 10 + place, "name": name, "status": state} for place, (name, state) in enumerate(jobs.items())]
        self.pipelines.append(made | {"jobs": [each | {"web_url": f"https://forge.example/{each['id']}"} for each in rows]})
        self.artifacts |= {(each["id"], file): left for each in rows if file}

    def by(self, author: str) -> list[str]:
        """The bodies of somebody's comments."""
        return [each["body"] for each in self.comments if each["user"]["login"] == author]

    def fail(self, status: int, value: Any = None, *, after_doing: bool = False, **headers: str) -> None:
        """Answer the next request so; `after_doing`: after it was carried out. A text is the message of an error."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.trouble.append((status, named, {"message": value} if isinstance(value, str) else value, after_doing))


def now() -> str:
    """The time as forges write it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def forge(state: State) -> Iterator[State]:
    """The forge at `state.base`, on loopback, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing."""

        def serve(self) -> None:
            """Answer one request."""
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            _answer(self, state, body)

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.serve)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    prefix = {"github": "/api/v3" if state.is_own_server else "", "gitea": "/api/v1", "gitlab": "/api/v4"}[state.kind]
    state.base = f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, state: State, body: dict[str, Any]) -> None:
    url = urllib.parse.urlsplit(handler.path)
    params = dict(urllib.parse.parse_qsl(url.query))
    state.requests.append(f"{handler.command} {url.path}")
    if state.cut:
        state.cut -= 1
        _cut(handler)
        return
    trouble = state.trouble.pop(0) if state.trouble else None
    if trouble and not trouble[3]:
        _send(handler, trouble[0], trouble[2], trouble[1])
        return
    try:
        login = _login(handler, state)
        status, value = _act(handler.command, url.path, params, body, state, login)
    except _RefusedError as refused:
        _send(handler, refused.status, {"message": str(refused)}, {})
        return
    if trouble:
        _send(handler, trouble[0], trouble[2], trouble[1])
        return
    headers = {}
    if isinstance(value, bytes):
        _send(handler, status, value, {"Content-Type": "application/octet-stream"})
        return
    if isinstance(value, list):
        value, headers = _page(value, params, state, url.path)
    _send(handler, status, value, headers)


def _send(handler: BaseHTTPRequestHandler, status: int, value: Any, headers: dict[str, str]) -> None:
    content = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
    handler.send_response(status)
    for name, text in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(content)


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.close_connection = True


def _login(handler: BaseHTTPRequestHandler, state: State) -> str:
    given = handler.headers.get("Authorization", "").removeprefix("Bearer ").removeprefix("token ")
    token = given or handler.headers.get("PRIVATE-TOKEN", "")
    if token not in state.tokens:
        raise _RefusedError(401, "Bad credentials")
    return state.tokens[token]


def _page(rows: list[Any], params: dict[str, str], state: State, path: str) -> tuple[list[Any], dict[str, str]]:
    size = min(int(params.get("limit" if state.kind == "gitea" else "per_page", 30)), 50 if state.kind == "gitea" else 100)
    page = int(params.get("page", 1))
    shown = rows[(page - 1) * size : page * size]
    if page * size >= len(rows):
        return shown, {}
    root = urllib.parse.urlsplit(state.base)
    following = urllib.parse.urlencode({**params, "page": page + 1})
    return shown, {"Link": f'<{root.scheme}://{root.netloc}{path}?{following}>; rel="next"'}


def _demand(state: State, what: str) -> None:
    if what not in state.may:
        raise _RefusedError(403, "Resource not accessible by integration")


def _act(method: str, path: str, params: dict[str, str], body: dict[str, Any], state: State, login: str) -> tuple[int, Any]:
    path = path.removeprefix("/api/v1").removeprefix("/api/v4").removeprefix("/api/v3")
    if path == "/user":
        _demand(state, "user")
        return 200, {"login": login, "username": login}
    if path == ("/api/graphql" if state.is_own_server else "/graphql"):
        return 200, {"data": {"viewer": {"login": login}}}
    quoted = urllib.parse.quote(state.repository, safe="")
    if found := re.fullmatch(r"/projects/(\d+)", path):
        if int(found[1]) in state.hidden:
            raise _RefusedError(404, "Project Not Found")
        return 200, {"path_with_namespace": state.projects[int(found[1])]}
    if found := re.fullmatch(r"/projects/(\d+)(/(?:pipelines|jobs)/.*)", path):
        if int(found[1]) in state.hidden:
            raise _RefusedError(404, "Project Not Found")
        return 200, _left(int(found[1]), urllib.parse.unquote(found[2]), state)
    root = f"/projects/{quoted}" if state.kind == "gitlab" else f"/repos/{state.repository}"
    if not path.startswith(root + "/"):
        raise _RefusedError(404, "Not Found")
    return _in_repository(method, path.removeprefix(root), params, body, state, login)


def _in_repository(
    method: str, path: str, params: dict[str, str], body: dict[str, Any], state: State, login: str
) -> tuple[int, Any]:
    if found := re.fullmatch(r"/(?:issues|merge_requests)/(\d+)/(?:comments|notes)", path):
        return _comments(method, int(found[1]), body, state, login)
    if found := re.fullmatch(r"/(?:issues/comments|merge_requests/\d+/notes)/(\d+)", path):
        return _one_comment(method, int(found[1]), body, state)
    if re.fullmatch(r"/(pulls|merge_requests)", path):
        return _pulls(method, params, body, state)
    if found := re.fullmatch(r"/(?:pulls|merge_requests)/(\d+)", path):
        rows = [each for each in state.pulls if each["number"] == int(found[1])]
        if not rows:
            raise _RefusedError(404, "Not Found")
        return 200, rows[0] if method == "GET" else _rewrite(rows[0], body, state)
    if found := re.fullmatch(r"/issues/(\d+)/labels", path):
        _demand(state, "pull")
        row = next(each for each in state.pulls if each["number"] == int(found[1]))
        row["labels"] += [{"name": name} for name in body["labels"] if {"name": name} not in row["labels"]]
        return 200, row["labels"]
    if path == "/check-runs" and state.kind == "github":
        _demand(state, "check")
        if len(body["output"]["summary"]) > 65_535:
            raise _RefusedError(422, "summary exceeds a maximum bytesize of 65535")
        state.checks.append(body)
        return 201, body
    if found := re.fullmatch(r"/statuses/([0-9a-f]+)", path):
        _demand(state, "status")
        state.statuses.append({"sha": found[1], **body})
        return 201, body
    if found := re.fullmatch(r"/repository/commits/([0-9a-f]+)/statuses", path):
        own = [(place, each) for place, each in enumerate(state.statuses, 1) if each["sha"] == found[1]]
        return 200, [{"id": place, "status": each["state"], **each} for place, each in own if each["name"] == params["name"]]
    if found := re.fullmatch(r"/merge_requests/(\d+)/pipelines", path):
        own_rows = [each for each in state.pipelines if each["pull"] == int(found[1]) and not each["parent"]]
        return 200, sorted(own_rows, key=lambda each: -int(each["id"]))
    raise _RefusedError(404, "Not Found")


def _left(project: int, path: str, state: State) -> Any:
    """Of pipelines and jobs of GitLab: what one started, its jobs, and a file among what a job left."""
    there = {each["id"]: each for each in state.pipelines if each["project_id"] == project}
    if (found := re.fullmatch(r"/pipelines/(\d+)/(bridges|jobs)", path)) and int(found[1]) in there:
        if found[2] == "jobs":
            return there[int(found[1])]["jobs"]
        children = [each for each in there.values() if each["parent"] == int(found[1])]
        return [{"name": "x", "downstream_pipeline": {"id": each["id"], "source": "parent_pipeline"}} for each in children]
    found = re.fullmatch(r"/jobs/(\d+)/artifacts/(.*)", path)
    if not found or (int(found[1]), found[2]) not in state.artifacts:
        raise _RefusedError(404, "Not Found")
    return state.artifacts[int(found[1]), found[2]]


def _comments(method: str, pull: int, body: dict[str, Any], state: State, login: str) -> tuple[int, Any]:
    if method == "GET":
        return 200, [each for each in state.comments if each["pull"] == pull]
    _demand(state, "comment")
    _refuse_long(body, state)
    return 201, state.comment(pull, login, body["body"])


def _one_comment(method: str, number: int, body: dict[str, Any], state: State) -> tuple[int, Any]:
    _demand(state, "comment")
    row = next((each for each in state.comments if each["id"] == number), None)
    if row is None:
        raise _RefusedError(404, "Not Found")
    if method == "DELETE":
        state.comments.remove(row)
        return 204, None
    _refuse_long(body, state)
    row["body"] = body["body"]
    return 200, row


def _refuse_long(body: dict[str, Any], state: State) -> None:
    limit = LIMITS[state.kind]
    if len(body["body"]) > limit:
        raise _RefusedError(422, f"Validation Failed: body is too long (maximum is {limit} characters)")


def _rewrite(row: dict[str, Any], body: dict[str, Any], state: State) -> dict[str, Any]:
    """Only what is sent is changed."""
    _demand(state, "pull")
    if body.get("state", body.get("state_event")) in ("closed", "close"):
        if row["merged_at"]:
            raise _RefusedError(412, "cannot change state of this pull request, it was already merged")
        state.close(row["number"])
    row |= {"title": body.get("title", row["title"]), "updated_at": now()}
    row |= _text(body.get("body", body.get("description", row["body"])))
    row["labels"] += [name for name in body.get("add_labels", "").split(",") if name and name not in row["labels"]]
    return row


def _text(body: str) -> dict[str, str]:
    return {"body": body, "description": body}


def _listed(params: dict[str, str], state: State) -> list[dict[str, Any]]:
    """GitHub filters by OWNER:BRANCH, GitLab by branch and time, Gitea by neither; the last change comes first if asked for."""
    wanted = params.get("state", "")
    is_open = {"open": True, "opened": True, "closed": False}.get(wanted)
    rows = [each for each in state.pulls if is_open is None or (each["state"] == "open") == is_open]
    if state.kind == "gitlab":
        branch, since = params.get("source_branch", ""), params.get("updated_after", "")
        after = datetime.datetime.fromisoformat(since) if since else None
        rows = [each for each in rows if branch in ("", each["head"]["ref"])]
        return [each for each in rows if after is None or datetime.datetime.fromisoformat(each["updated_at"]) >= after]
    if state.kind == "github" and "head" in params:
        owner, _, branch = params["head"].partition(":")
        rows = [each for each in rows if each["head"]["ref"] == branch]
        rows = [each for each in rows if each["head"]["repo"]["full_name"].partition("/")[0] == owner]
    if params.get("sort") in ("updated", "recentupdate"):
        rows = sorted(rows, key=lambda each: str(each["updated_at"]), reverse=True)
    return rows


def _pulls(method: str, params: dict[str, str], body: dict[str, Any], state: State) -> tuple[int, Any]:
    if method == "GET":
        return 200, _listed(params, state)
    _demand(state, "pull")
    branch = body.get("head") or body["source_branch"]
    with state.lock:
        own = [each for each in state.pulls if each["head"]["repo"]["full_name"] == state.repository]
        if any(each["head"]["ref"] == branch and each["state"] == "open" for each in own):
            status = 422 if state.kind == "github" else 409
            raise _RefusedError(status, "Validation Failed: a pull request already exists")
        state.pull(len(state.pulls) + 1, "f" * 40, branch=branch)
        state.pulls[-1] |= {"title": body["title"], **_text(body.get("body", body.get("description")))}
    return 201, state.pulls[-1]
