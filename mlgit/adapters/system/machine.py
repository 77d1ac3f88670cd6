"""What this machine has: processors this process may use, memory, GPUs."""

from __future__ import annotations

import os
import re


def resources() -> dict[str, float]:
    """Totals by name: cpus, memory in bytes, gpus."""
    return {"cpus": float(cpus()), "memory": float(_memory()), "gpus": float(_gpus())}


def cpus() -> int:
    """The processors this process may run on (fewer than the machine has, under taskset or in a container)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gpus() -> int:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    return sum(bool(re.fullmatch(r"nvidia[0-9]+", name)) for name in os.listdir("/dev")) if os.path.isdir("/dev") else 0
