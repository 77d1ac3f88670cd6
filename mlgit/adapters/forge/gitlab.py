"""GitLab's REST API (https://docs.gitlab.com/api, v4): merge requests, their notes, and statuses of commits."""

from __future__ import annotations

import urllib.parse
from typing import Any

from mlgit.adapters.forge.forge import CheckRun, Comment, Pull, check_repository
from mlgit.adapters.forge.http import Api, HttpError, at

_PAGE = 100


class GitLab:
    """One project on GitLab; its path may have several folders."""

    longest_comment = 1_000_000

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._path = f"/projects/{urllib.parse.quote(check_repository(repository), safe='')}"
        self._names: dict[int, str] = {}

    def login(self) -> str:
        return str(at(self._api.get("/user").value, "username"))

    def comments(self, pull: int) -> list[Comment]:
        order: dict[str, str | int] = {"per_page": _PAGE, "sort": "asc", "order_by": "created_at"}
        rows = self._api.pages(f"{self._path}/merge_requests/{pull}/notes", order)
        return [_comment(each) for each in rows if not at(each, "system")]

    def create_comment(self, pull: int, body: str) -> Comment:
        return _comment(self._api.send("POST", f"{self._path}/merge_requests/{pull}/notes", {"body": body}).value)

    def update_comment(self, pull: int, comment: int, body: str) -> None:
        self._api.send("PUT", f"{self._path}/merge_requests/{pull}/notes/{comment}", {"body": body})

    def delete_comment(self, pull: int, comment: int) -> None:
        self._api.send("DELETE", f"{self._path}/merge_requests/{pull}/notes/{comment}")

    def pull(self, number: int) -> Pull:
        return self._pull(self._api.get(f"{self._path}/merge_requests/{number}").value)

    def pulls(self, *, branch: str = "") -> list[Pull]:
        only = {"source_branch": branch} if branch else {}
        rows = self._api.pages(f"{self._path}/merge_requests", {"state": "opened", "per_page": _PAGE, **only})
        return [self._pull(each) for each in rows]

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> Pull:
        wanted = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        return self._pull(self._api.send("POST", f"{self._path}/merge_requests", wanted).value)

    def update_pull(self, number: int, *, title: str, body: str, labels: tuple[str, ...]) -> None:
        wanted = {"title": title, "description": body} | ({"add_labels": ",".join(labels)} if labels else {})
        self._api.send("PUT", f"{self._path}/merge_requests/{number}", wanted)

    def set_check(self, commit: str, check: CheckRun) -> None:
        """A status; GitLab's word for what says neither yes nor no is skipped."""
        state = {"success": "success", "failure": "failed", "neutral": "skipped"}[check.conclusion]
        wanted = {"state": state, "name": check.name, "description": check.title[:255]}
        wanted |= {"target_url": check.url} if check.url else {}
        path = f"{self._path}/statuses/{urllib.parse.quote(commit, safe='')}"
        self._api.send("POST", path, wanted, is_repeatable=True)  # the last one counts

    def _pull(self, row: Any) -> Pull:
        project = at(row, "source_project_id")
        source = self._name(int(project)) if project else ""  # the fork may be gone
        labels = tuple(map(str, row.get("labels") or ()))
        branches = (str(at(row, "source_branch")), str(at(row, "target_branch")))
        return Pull(int(at(row, "iid")), source, str(at(row, "sha") or ""), *branches, labels)

    def _name(self, project: int) -> str:
        """The path of a project by its number, which is all that a merge request tells of a fork; '' if that is private."""
        if project not in self._names:
            try:
                self._names[project] = str(at(self._api.get(f"/projects/{project}").value, "path_with_namespace"))
            except HttpError as error:
                if error.status not in (403, 404):
                    raise
                self._names[project] = ""
        return self._names[project]


def _comment(row: Any) -> Comment:
    author = at(row, "author") or {}
    return Comment(int(at(row, "id")), str(author.get("username", "")), str(at(row, "body") or ""))
