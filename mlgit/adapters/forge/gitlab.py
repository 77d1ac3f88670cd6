"""GitLab's REST API (https://docs.gitlab.com/api, v4): merge requests, their notes and pipelines, and statuses of commits."""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mlgit.adapters.forge.forge import CheckRun, ClosedPull, Comment, JobRun, Pull, check_repository, moment
from mlgit.adapters.forge.http import Api, HttpError, at

_PAGE = 100
_MOST_PIPELINES = 20
_ENDED = ("success", "failed")
_OF_CHILD = ("parent_pipeline", None)  # what starts a child; older servers do not say


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

    def closed_pulls(self, *, branch: str, since: datetime) -> list[ClosedPull]:
        asked: dict[str, str | int] = {"source_branch": branch, "updated_after": since.isoformat(), "per_page": _PAGE}
        found = []
        for row in self._api.pages(f"{self._path}/merge_requests", asked):
            told = row.get("merged_at") or row.get("closed_at")
            if at(row, "state") in ("closed", "merged") and told and (closed := moment(told)) >= since:
                pull = self._pull(row)
                is_merged = at(row, "state") == "merged"
                found.append(ClosedPull(pull.number, pull.head_repository, closed, is_merged, pull.body))
        return sorted(found, key=lambda each: (each.closed, each.number), reverse=True)

    def close_pull(self, number: int) -> None:
        self._api.send("PUT", f"{self._path}/merge_requests/{number}", {"state_event": "close"})

    def set_check(self, commit: str, check: CheckRun) -> None:
        """A status, unless it is there: GitLab keeps each. Its word for what says neither yes nor no is skipped."""
        state = {"success": "success", "failure": "failed", "neutral": "skipped"}[check.conclusion]
        wanted = {"state": state, "name": check.name, "description": check.title[:255]}
        wanted |= {"target_url": check.url} if check.url else {}
        commit = urllib.parse.quote(commit, safe="")
        if not self._is_set(commit, wanted):
            self._api.send("POST", f"{self._path}/statuses/{commit}", wanted, is_repeatable=True)  # the last one counts

    def newest_run(self, pull: int, job: str, *, file: str) -> JobRun | None:
        """The newest run of the job of this name in the pipelines of a merge request and in their children; None without one.

        Pipelines of a fork are looked through where the fork is. Raises HttpError.
        """
        rows = self._api.pages(f"{self._path}/merge_requests/{pull}/pipelines", {"per_page": _MOST_PIPELINES})
        for row in itertools.islice(rows, _MOST_PIPELINES):
            project = f"/projects/{int(row['project_id'])}" if row.get("project_id") else self._path
            for pipeline in (int(at(row, "id")), *self._children(project, int(at(row, "id")))):
                for each in self._api.pages(f"{project}/pipelines/{pipeline}/jobs", {"per_page": _PAGE}):
                    if at(each, "name") == job:
                        return self._job_run(project, pipeline, each, commit=str(at(row, "sha")), file=file)
        return None

    def _children(self, project: str, pipeline: int) -> Iterator[int]:
        """The pipelines that a pipeline started in its own project, newest first."""
        rows = self._api.pages(f"{project}/pipelines/{pipeline}/bridges", {"per_page": _PAGE})
        started = [each.get("downstream_pipeline") for each in rows]
        yield from sorted((int(at(each, "id")) for each in started if each and each.get("source") in _OF_CHILD), reverse=True)

    def _job_run(self, project: str, pipeline: int, row: Any, *, commit: str, file: str) -> JobRun:
        state, url = str(at(row, "status")), str(row.get("web_url") or "")
        content = None
        if state in _ENDED:
            path = f"{project}/jobs/{int(at(row, 'id'))}/artifacts/{urllib.parse.quote(file)}"
            try:
                content = self._api.get(path).content
            except HttpError as error:
                if error.status != 404:
                    raise
        return JobRun(pipeline, commit, state, url, content)

    def _is_set(self, commit: str, wanted: dict[str, str]) -> bool:
        path = f"{self._path}/repository/commits/{commit}/statuses"
        try:
            rows = self._api.get(f"{path}?{urllib.parse.urlencode({'name': wanted['name'], 'per_page': _PAGE})}").value
        except HttpError as error:
            if error.status not in (403, 404):
                raise
            return False  # a token may write what it may not list
        own = [each for each in rows or () if at(each, "name") == wanted["name"]]
        newest = max(own, key=lambda each: int(at(each, "id")), default=None)
        told = {"state": "status", "description": "description", "target_url": "target_url"}
        return newest is not None and all((newest.get(told[key]) or "") == wanted.get(key, "") for key in told)

    def _pull(self, row: Any) -> Pull:
        project = at(row, "source_project_id")
        source = self._name(int(project)) if project else ""  # the fork may be gone
        labels = tuple(map(str, row.get("labels") or ()))
        branches = (str(at(row, "source_branch")), str(at(row, "target_branch")))
        return Pull(
            int(at(row, "iid")), source, str(at(row, "sha") or ""), *branches, labels, str(row.get("description") or "")
        )

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
