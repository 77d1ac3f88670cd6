"""What the errors of DVC's plugins tell: that an object is gone, or that nobody could say."""

from __future__ import annotations

import pytest

from mlgit.adapters.dvc.internals import own_errors
from mlgit.adapters.dvc.remote_errors import Address, is_gone, unreachable
from mlgit.errors import MlgitError

STORE = Address("store", "s3://bucket/path")


class ResourceNotFound(Exception):  # noqa: N818 - webdav4's name
    pass


class ServerDisconnectedError(Exception):  # aiohttp's, which is no ConnectionError
    pass


class ClientError(Exception):
    """As botocore's."""

    def __init__(self, status: int, code: str, operation: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self.operation_name = operation


class ContainerError(Exception):
    error_code = "ContainerNotFound"


def _wrapped(cause: BaseException | None) -> FileNotFoundError:
    error = FileNotFoundError("no such file")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "gone"),
    [
        (None, True),
        (ResourceNotFound(), True),
        (ClientError(404, "404", "HeadObject"), True),
        (ClientError(404, "NoSuchKey", "GetObject"), True),
        (ClientError(404, "404", "GetObject"), False),
        (ClientError(404, "404", "ListObjectsV2"), False),
        (ClientError(404, "NoSuchBucket", "ListObjectsV2"), False),
        (ClientError(403, "AccessDenied", "HeadObject"), False),
        (ServerDisconnectedError(), False),
        (ContainerError(), False),
        (RuntimeError("whatever a plugin has in another year"), False),
    ],
)
def test_object_is_gone_only_where_every_error_says_so(cause, gone):
    assert is_gone(_wrapped(cause)) is gone


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (400, "ExpiredToken", "have expired"),
        (403, "RequestTimeTooSkewed", "clock"),
        (503, "SlowDown", "jobs 4"),
        (400, "AuthorizationHeaderMalformed", "modify store region"),
        (400, "400", "another region"),
    ],
)
def test_hint_mends_what_s3_names(status, code, hint):
    assert hint in unreachable(STORE, ClientError(status, code, "GetObject")).hint


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("s3 is supported, but requires 'dvc-s3' to be installed", "`pip install 'dvc[s3]'`"),
        ("webdavs is supported, but requires 'dvc-webdav' to be installed", "`pip install 'dvc[webdav]'`"),
        ("https is supported, but requires 'dvc-http' to be installed", "`pip install dvc-http`"),
    ],
)
def test_plugin_that_dvc_lacks_is_named_by_the_kind_of_address(said, hint):
    with pytest.raises(MlgitError) as caught, own_errors():
        raise ImportError(said)
    assert (caught.value.message, caught.value.hint) == (said, hint)


def test_plugin_whose_library_is_missing_is_no_defect():
    from dvc.fs import RemoteMissingDepsError

    with pytest.raises(MlgitError, match="sshfs") as caught, own_errors():
        raise RemoteMissingDepsError(None, "ssh", "ssh://host/path", ["sshfs"])
    assert caught.value.hint == "`pip install 'dvc[ssh]'`"
