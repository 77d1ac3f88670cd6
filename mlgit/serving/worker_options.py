"""What a worker is started with: what the command line of the server says, and open files of its supervisor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Everything a worker has to know besides the releases.

    `listen` and `access_log` (-1: none) are the numbers of open files; `log_path` is '' where the release says where answers
    are written down, in `folder`; `token` and `log_key` are hexadecimal, '' for none; `grace` is how long it may take to end,
    in seconds.
    """

    listen: int
    folder: str = ""
    log_path: str = ""
    log_key: str = ""
    token: str = ""
    access_log: int = -1
    trust: tuple[str, ...] = ()
    predictor: str = ""
    allow_version_mismatch: bool = False
    self_test_rtol: float = 1e-9
    grace: float = 30.0
