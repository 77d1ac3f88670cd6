"""GitHub's REST API (https://docs.github.com/rest, version 2022-11-28): what `forge.Forge` asks for."""

from __future__ import annotations

import urllib.parse
from datetime import datetime
from typing import Any

from mlgit.adapters.forge.forge import CheckRun, ClosedPull, Comment, Pull, check_repository, moment
from mlgit.adapters.forge.http import Api, HttpError, at

LONGEST_COMMENT = 65_536  # characters
LONGEST_SUMMARY = 65_535
_PAGE = 100


class GitHub:
    """One repository on GitHub, or on a GitHub Enterprise server."""

    longest_comment = LONGEST_COMMENT

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/repos/{check_repository(repository)}"
        self._repository = repository

    def login(self) -> str:
        """Who the token belongs to; a token of a workflow may ask only the other API for it."""
        try:
            return str(at(self._api.get("/user").value, "login"))
        except HttpError as error:
            if error.status != 403:
                raise
        query = {"query": "{viewer{login}}"}  # a server of one's own has it beside /api/v3
        found = self._api.sibling("/v3", "").send("POST", "/graphql", query, is_repeatable=True).value
        try:
            return str(at(found, "data", "viewer", "login"))
        except HttpError as error:
            raise HttpError(
                "GitHub does not say whom the token belongs to", "name it: `--login github-actions[bot]`"
            ) from error

    def comments(self, pull: int) -> list[Comment]:
        rows = self._api.pages(f"{self._path}/issues/{pull}/comments", {"per_page": _PAGE})
        return [_comment(each) for each in rows]

    def create_comment(self, pull: int, body: str) -> Comment:
        return _comment(self._api.send("POST", f"{self._path}/issues/{pull}/comments", {"body": body}).value)

    def update_comment(self, pull: int, comment: int, body: str) -> None:
        self._api.send("PATCH", f"{self._path}/issues/comments/{comment}", {"body": body})

    def delete_comment(self, pull: int, comment: int) -> None:
        self._api.send("DELETE", f"{self._path}/issues/comments/{comment}")

    def pull(self, number: int) -> Pull:
        return _pull(self._api.get(f"{self._path}/pulls/{number}").value)

    def pulls(self, *, branch: str = "") -> list[Pull]:
        rows = self._api.pages(f"{self._path}/pulls", {"state": "open", "per_page": _PAGE})
        return [found for each in rows if (found := _pull(each)) and branch in ("", found.head_branch)]

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> Pull:
        wanted = {"title": title, "head": branch, "base": base, "body": body, "maintainer_can_modify": True}
        return _pull(self._api.send("POST", f"{self._path}/pulls", wanted).value)

    def update_pull(self, number: int, *, title: str, body: str, labels: tuple[str, ...]) -> None:
        self._api.send("PATCH", f"{self._path}/pulls/{number}", {"title": title, "body": body})
        if labels:  # a pull request is an issue, where labels are concerned
            self._api.send("POST", f"{self._path}/issues/{number}/labels", {"labels": list(labels)}, is_repeatable=True)

    def closed_pulls(self, *, branch: str, since: datetime) -> list[ClosedPull]:
        owner = self._repository.partition("/")[0]
        order: dict[str, str | int] = {"state": "closed", "head": f"{owner}:{branch}", "sort": "updated", "direction": "desc"}
        return closed_since(self._api, f"{self._path}/pulls", order | {"per_page": _PAGE}, branch=branch, since=since)

    def close_pull(self, number: int) -> None:
        self._api.send("PATCH", f"{self._path}/pulls/{number}", {"state": "closed"})

    def set_check(self, commit: str, check: CheckRun) -> None:
        """A check run where the token may make one (an App's, as a workflow's is), else a status."""
        output = {"title": check.title[:255], "summary": check.summary[:LONGEST_SUMMARY]}
        wanted: dict[str, Any] = {"name": check.name, "head_sha": commit, "status": "completed", "output": output}
        wanted |= {"conclusion": check.conclusion} | ({"details_url": check.url} if check.url else {})
        try:
            self._api.send("POST", f"{self._path}/check-runs", wanted, is_repeatable=True)  # the last one counts
        except HttpError as error:
            if error.status not in (403, 404):
                raise
            # a status has no word for neutral, and must not be green for what nobody vouches for
            state = {"success": "success", "failure": "failure", "neutral": "pending"}[check.conclusion]
            status = {"state": state, "context": check.name, "description": check.title[:140]}
            status |= {"target_url": check.url} if check.url else {}
            self._api.send("POST", f"{self._path}/statuses/{urllib.parse.quote(commit, safe='')}", status, is_repeatable=True)


def closed_since(api: Api, path: str, order: dict[str, str | int], *, branch: str, since: datetime) -> list[ClosedPull]:
    """Of a list of closed pull requests, those from a branch that were closed since then, the last one first.

    Those that were changed last come first, so that the rest of a long list is not asked for.
    """
    found = []
    for row in api.pages(path, order):
        if moment(at(row, "updated_at")) < since:
            break
        told = row.get("merged_at") or row.get("closed_at")
        pull = _pull(row)
        if told and pull.head_branch == branch and (closed := moment(told)) >= since:
            found.append(ClosedPull(pull.number, pull.head_repository, closed, bool(row.get("merged_at")), pull.body))
    return sorted(found, key=lambda each: (each.closed, each.number), reverse=True)


def _comment(row: Any) -> Comment:
    author = at(row, "user") or {}  # the account may be gone
    return Comment(int(at(row, "id")), str(author.get("login", "")), str(at(row, "body") or ""))


def _pull(row: Any) -> Pull:
    repository = at(row, "head").get("repo") or {}  # the fork may be gone
    labels = tuple(str(at(each, "name")) for each in row.get("labels") or ())
    return Pull(
        int(at(row, "number")),
        str(repository.get("full_name", "")),
        str(at(row, "head", "sha")),
        str(at(row, "head", "ref")),
        str(at(row, "base", "ref")),
        labels,
        str(row.get("body") or ""),
    )
