"""Errors of mlgit in MLflow's kind, which clients show and servers send with the right code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
)

from mlgit.errors import MlgitError
from mlgit.experiments.run import ExistingRecordError, MissingRecordError


@contextmanager
def told_to_mlflow(code: int = INVALID_PARAMETER_VALUE) -> Iterator[None]:
    """What is wrong outside mlgit, as MLflow tells it: message and hint, and by `code` what kind of fault it is."""
    try:
        yield
    except MissingRecordError as error:
        raise MlflowException(_sentence(error), RESOURCE_DOES_NOT_EXIST) from error
    except ExistingRecordError as error:
        raise MlflowException(_sentence(error), RESOURCE_ALREADY_EXISTS) from error
    except MlgitError as error:
        raise MlflowException(_sentence(error), code) from error


@contextmanager
def found_by_mlflow() -> Iterator[None]:
    """The same for what is asked for by name: any fault says that it is not there."""
    with told_to_mlflow(RESOURCE_DOES_NOT_EXIST):
        yield


def _sentence(error: MlgitError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message


def missing(what: str) -> NoReturn:
    """Raise MlflowException for what is not there."""
    raise MlflowException(what, RESOURCE_DOES_NOT_EXIST)


def refuse(what: str, line: str) -> NoReturn:
    """Raise MlflowException for what is done another way: by a command, under its rules."""
    told = f"mlgit:// does not {what}, so that nothing goes past the rules of the registry: {line}"
    raise MlflowException(told, PERMISSION_DENIED)
