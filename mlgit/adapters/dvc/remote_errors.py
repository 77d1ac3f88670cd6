"""A DVC remote that could not be asked: told apart from one that answered "I have no such object".

What DVC's plugins raise are the classes of the libraries below them (botocore, aiohttp, httpx, webdav4, asyncssh), often
wrapped in a FileNotFoundError. They are read here by what they carry, so that no library has to be imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.adapters.system import installation
from mlgit.errors import MlgitError

# The extra of `pip install 'dvc[EXTRA]'` that a kind of URL needs.
EXTRAS = {
    "s3": "s3",
    "gs": "gs",
    "azure": "azure",
    "oss": "oss",
    "gdrive": "gdrive",
    "hdfs": "hdfs",
    "webhdfs": "webhdfs",
    "ssh": "ssh",
    "sftp": "ssh",
    "webdav": "webdav",
    "webdavs": "webdav",
}
_CREDENTIALS = {
    "s3": "set `access_key_id` and `secret_access_key`, or `profile`, of the remote in .dvc/config.local; or "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sts get-caller-identity` tests them",
    "gs": "`gcloud auth application-default login`; or set `credentialpath` of the remote in .dvc/config.local, or "
    "GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "`az login`; or set `connection_string`, or `account_name` and `account_key`, of the remote in .dvc/config.local, "
    "or AZURE_STORAGE_CONNECTION_STRING",
    "ssh": "`ssh-add -l` lists your keys; or set `user`, and `keyfile` or `password`, of the remote in .dvc/config.local",
    "webdav": "set `user` and `password`, or `token`, of the remote in .dvc/config.local",
    "http": "set `auth=basic`, `user` and `password` of the remote in .dvc/config.local",
}
_SECRETS = ("password", "passphrase", "secret", "token", "key", "connection_string", "credential", "custom_auth")
# What S3 calls credentials that are not valid any more, and a bucket that another region has.
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "RequestExpired")
_ELSEWHERE = ("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_WITHOUT_RIGHTS = ("NoCredentialsError", "PermissionDenied", "PartialCredentialsError", "ProfileNotFound")
_CLOSED_KEYS = ("KeyImportError", "KeyEncryptionError")  # asyncssh's, of a key with a passphrase
_NOT_THERE = (404, 410)
# Of webdav4, asyncssh, Azure and Google.
_SAY_NOT_FOUND = ("ResourceNotFound", "SFTPNoSuchFile", "SFTPNoSuchPath", "ResourceNotFoundError", "NotFound")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Address:
    """The name and URL of a remote; a URL that is a path is absolute."""

    name: str
    url: str

    @property
    def is_folder(self) -> bool:
        return "://" not in self.url

    @property
    def scheme(self) -> str:
        """The kind of URL, as in `s3`; '' for a folder."""
        return "" if self.is_folder else self.url.partition("://")[0].lower()

    def __str__(self) -> str:
        return f"'{self.name}' ({without_secrets(self.url)})" if self.url else f"'{self.name}'"


class RemoteUnreachableError(MlgitError):
    """A DVC remote could not be asked, so nothing is known of what it has.

    `remote` is its name. `by_asker`: what is wrong lies with the machine that asks (no plugin, no credentials, not mounted),
    and will not pass.
    """

    def __init__(self, address: Address, reason: str, hint: str, *, by_asker: bool = False) -> None:
        super().__init__(f"the DVC remote {address} could not be asked: {reason}", hint)
        self.remote = address.name
        self.by_asker = by_asker


def is_gone(error: BaseException) -> bool:
    """Whether this error is the remote's own answer that it has no such object.

    The plugins say FileNotFoundError of whatever went wrong: every error behind it has to tell of the object as well.
    """
    return isinstance(error, FileNotFoundError) and all(map(_tells_of_object, _chain(error)))


def _tells_of_object(error: BaseException) -> bool:
    status = _status(error)
    if status is not None:
        return status in _NOT_THERE and not _is_of_no_object(error, status)
    if type(error).__name__ in _SAY_NOT_FOUND:
        return not _is_of_no_object(error, status)
    return isinstance(error, (FileNotFoundError, KeyError))  # KeyError: what was not in a cache of the plugin's


def _is_of_no_object(error: BaseException, status: int | None) -> bool:
    """Whether "not found" is said of something else than the object: of its bucket, or by a server that is no storage.

    S3 says `NoSuchKey` of an object, except where an answer has no body (HEAD); a listing is never "not found".
    """
    if isinstance(getattr(error, "response", None), Mapping):
        return status in _NOT_THERE and _code(error) != "NoSuchKey" and getattr(error, "operation_name", "") != "HeadObject"
    return getattr(error, "error_code", None) == "ContainerNotFound"  # Azure's


def no_place(address: Address, folder: str) -> RemoteUnreachableError:
    """The error where a server is there, and the folder of a remote is not: it has lost nothing."""
    where = without_secrets(folder)
    return RemoteUnreachableError(
        address,
        f"folder {where} not found",
        f"correct the address: `dvc remote modify {address.name} url URL`; if nothing was ever sent there, make the folder",
    )


def not_a_storage(address: Address) -> RemoteUnreachableError:
    """The error where a server claims to have what nobody has."""
    return RemoteUnreachableError(
        address,
        "the server gives an answer to every name, also to that of an object that nobody has",
        "is it a page to sign in? See the address, and the credentials of the remote in .dvc/config.local",
        by_asker=True,
    )


def install(scheme: str) -> str:
    """The command that installs DVC's plugin for a kind of URL."""
    if scheme in ("http", "https"):  # comes with DVC itself
        return f"`{installation.adding('dvc-http')}`"
    return f"`{installation.adding(f'dvc[{EXTRAS.get(scheme, scheme)}]')}`"


def unreachable(address: Address, error: BaseException, *, options: Mapping[str, Any] | None = None) -> RemoteUnreachableError:
    """The error in the user's words; what `options` of the remote hold as secrets is in none of them."""
    links = list(_chain(error))
    status = next((found for found in map(_status, links) if found is not None), None)
    reason = without_secrets(_reason(links, status), options)
    by_asker = address.is_folder or _is_without_plugin(links) or _is_denied(links, status)
    return RemoteUnreachableError(address, reason, _hint(address, links, status), by_asker=by_asker)


def without_secrets(text: str, options: Mapping[str, Any] | None = None) -> str:
    """The text on one line without the passwords of URLs, what stands behind their `?`, and the secrets of a remote."""
    text = re.sub(r"\[Errno -?\d+\] ", "", " ".join(text.split()))
    text = re.sub(r"(?<=://)[^/@\s]*@", "", text)
    text = re.sub(r"(\w+://[^\s?'\"]*)\?[^\s'\"]*", r"\1", text)
    for key, value in (options or {}).items():
        if any(word in str(key).lower() for word in _SECRETS) and len(str(value)) > 3:
            text = text.replace(str(value), "***")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def is_secret(key: str) -> bool:
    """Whether a setting of a remote holds, by its name, what must not be committed."""
    return key != "keyfile" and any(word in key.lower() for word in _SECRETS)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    """The status of the HTTP answer that an error tells of."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # botocore
        response = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return response if isinstance(response, int) else None
    for value in (getattr(response, "status_code", None), getattr(error, "status", None), getattr(error, "status_code", None)):
        if isinstance(value, int) and 100 <= value < 600:
            return value
    return None


def _code(error: BaseException) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""


def _is_connection(error: BaseException) -> bool:
    if isinstance(error, FileNotFoundError):
        return False
    name = type(error).__name__
    return isinstance(error, (ConnectionError, TimeoutError)) or name in ("gaierror", "herror") or "onnect" in name


def _reason(links: list[BaseException], status: int | None) -> str:
    """The most telling of a chain of errors: a missing bucket, a status, what the network said, else the first words."""
    if any(_code(link) == "NoSuchBucket" for link in links):
        return "bucket not found"
    if status is not None:
        code = _named(links)
        return f"the server answered {status}{f' ({code})' if code else _STATUS.get(status, '')}"
    for link in reversed(links):
        if _is_connection(link) and str(link):
            return str(link)
    first = next((link for link in links if str(link)), links[0])
    return str(first) if str(first) and not isinstance(first, KeyError) else f"{type(first).__name__} {first}".strip()


def _named(links: list[BaseException]) -> str:
    """What S3 calls the trouble, as `SlowDown`; '' where it only gives a status."""
    return next((code for code in map(_code, links) if code and not code.isdigit()), "")


def _is_without_plugin(links: list[BaseException]) -> bool:
    return any(isinstance(link, ImportError) or type(link).__name__ == "RemoteMissingDepsError" for link in links)


def _is_denied(links: list[BaseException], status: int | None) -> bool:
    if status in (401, 403) or _named(links) in _EXPIRED or any(isinstance(link, PermissionError) for link in links):
        return True
    return any(type(link).__name__ in _WITHOUT_RIGHTS for link in links)


_STATUS = {
    400: " (bad request)",
    401: " (not authorised)",
    403: " (forbidden)",
    404: " (not found)",
    405: " (method not allowed)",
    409: " (conflict)",
    429: " (too many requests)",
    500: " (internal error)",
    502: " (bad gateway)",
    503: " (unavailable)",
    504: " (gateway timeout)",
}


def _hint(address: Address, links: list[BaseException], status: int | None) -> str:
    kind = {"sftp": "ssh", "webdavs": "webdav", "https": "http"}.get(address.scheme, address.scheme)
    if _is_without_plugin(links):
        return install(address.scheme)
    code = _named(links)
    if code in _EXPIRED:
        return f"the credentials have expired: sign in again, then {_CREDENTIALS['s3']}"
    if code == "RequestTimeTooSkewed":
        return "set the clock of this machine: `date --utc` shows it"
    if code in _ELSEWHERE:
        return f"name the region of the bucket: `dvc remote modify {address.name} region REGION`"
    if any(type(link).__name__ in _CLOSED_KEYS for link in links):
        return "`ssh-add` opens the key for this session; or set `passphrase` of the remote in .dvc/config.local"
    if any("certificate" in str(link).lower() for link in links):
        return f"name the authority that signed it: `dvc remote modify {address.name} ssl_verify FILE`"
    if kind == "s3" and any("endpoint" in str(link).lower() and not _is_connection(link) for link in links):
        return f"correct it: `dvc remote modify {address.name} endpointurl https://HOST`"
    if status == 405:
        return "see that the address is that of a storage, not of a website or of the folder above: `mlgit remote list`"
    if status == 409:  # WebDAV's, where the folder above is not there
        return "make the folder on the server, or correct the address: `mlgit remote list`"
    if _is_denied(links, status):
        return _CREDENTIALS.get(kind, f"see the rights of {address.url}" if address.is_folder else "see its credentials")
    if any(_code(link) == "NoSuchBucket" for link in links):
        return f"correct the address: `dvc remote modify {address.name} url s3://BUCKET/PATH`"
    if address.is_folder:
        return "mount it, or correct the address: `mlgit remote list`; the first `mlgit push` makes a new one"
    if status is not None and (status >= 500 or status == 429):
        fewer = f", with fewer requests at a time: `dvc remote modify {address.name} jobs 4`" if status in (429, 503) else ""
        return f"try again later{fewer}; `mlgit remote list --check` asks it too"
    if status == 400 and kind == "s3":  # an answer without a body, which would say more
        return f"credentials that have expired, or another region than the bucket's, are answered so: {_CREDENTIALS['s3']}"
    return "see that the server runs and the address is right: `mlgit remote list`"
