"""How much memory there is, and how much of it is free."""

from __future__ import annotations

import os
import re
from pathlib import Path


def total_memory() -> int:
    """Bytes of the machine, or of the container that this process is in."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _container("memory.max")
    return machine if limit is None else min(machine, limit)


def available_memory() -> int | None:
    """Bytes that a process can still take without anything being swapped out; None where the system does not say."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    if not found:
        return None
    free = int(found[1]) << 10
    limit, used = _container("memory.max"), _container("memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used))


def _container(name: str) -> int | None:
    """A number of this process's control group (version 2); None without a limit."""
    try:
        group = Path("/proc/self/cgroup").read_text().rpartition(":")[2].strip().lstrip("/")
        return int(Path("/sys/fs/cgroup", group, name).read_text())
    except (OSError, ValueError):
        return None
