"""The process that holds a local Dask cluster for one run: it ends with its standard input, however the run ends."""

from __future__ import annotations

import os
import signal
import sys
import warnings


def main() -> None:
    """Start a cluster on the loopback interface, say where it is, and hold it until standard input is closed."""
    os.setsid()  # an interrupt typed at a terminal is for the run, which ends this process itself
    import dask
    from distributed import LocalCluster

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    # Stages shall find the environment that they have without a cluster: no limits on threads of numeric libraries.
    dask.config.set({"distributed.nanny.pre-spawn-environ": {}, "distributed.worker.memory.terminate": False})
    with LocalCluster(
        host="127.0.0.1",
        n_workers=int(sys.argv[1]),
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        worker_dashboard_address=None,
        memory_limit=0,
        local_directory=sys.argv[2],
        silence_logs="CRITICAL",
    ) as cluster:
        os.write(1, f"{cluster.scheduler_address}\n".encode())
        while os.read(0, 1):
            continue


if __name__ == "__main__":
    main()
