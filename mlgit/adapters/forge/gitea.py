"""The API of Gitea and Forgejo (`/api/v1`): as GitHub's, but for paging and for statuses instead of check runs."""

from __future__ import annotations

from datetime import datetime

from mlgit.adapters.forge.forge import CheckRun, ClosedPull, Comment, Pull
from mlgit.adapters.forge.github import GitHub, closed_since
from mlgit.adapters.forge.http import Api, at

_PAGE = 50  # what a server gives at most, unless it was told otherwise


class Gitea:
    """One repository on a server with Gitea or Forgejo."""

    longest_comment = 65_536

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._alike = GitHub(api, repository)
        self._path = f"/repos/{repository}"

    def login(self) -> str:
        return str(at(self._api.get("/user").value, "login"))

    def comments(self, pull: int) -> list[Comment]:
        return sorted(self._alike.comments(pull), key=lambda comment: comment.id)

    def create_comment(self, pull: int, body: str) -> Comment:
        return self._alike.create_comment(pull, body)

    def update_comment(self, pull: int, comment: int, body: str) -> None:
        self._alike.update_comment(pull, comment, body)

    def delete_comment(self, pull: int, comment: int) -> None:
        self._alike.delete_comment(pull, comment)

    def pull(self, number: int) -> Pull:
        return self._alike.pull(number)

    def pulls(self, *, branch: str = "") -> list[Pull]:
        return self._alike.pulls(branch=branch)

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> Pull:
        return self._alike.open_pull(branch=branch, base=base, title=title, body=body)

    def update_pull(self, number: int, *, title: str, body: str, labels: tuple[str, ...]) -> None:
        self._alike.update_pull(number, title=title, body=body, labels=labels)

    def closed_pulls(self, *, branch: str, since: datetime) -> list[ClosedPull]:
        """Its list knows no branch."""
        order: dict[str, str | int] = {"state": "closed", "sort": "recentupdate", "limit": _PAGE}
        return closed_since(self._api, f"{self._path}/pulls", order, branch=branch, since=since)

    def close_pull(self, number: int) -> None:
        self._alike.close_pull(number)

    def set_check(self, commit: str, check: CheckRun) -> None:
        """A status; what nobody vouches for is a warning."""
        state = {"success": "success", "failure": "failure", "neutral": "warning"}[check.conclusion]
        wanted = {"state": state, "context": check.name, "description": check.title[:255], "target_url": check.url}
        self._api.send("POST", f"{self._path}/statuses/{commit}", wanted, is_repeatable=True)
