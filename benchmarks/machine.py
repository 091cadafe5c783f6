"""The machine that measured: figures without it mean nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_machine(postgresql: str | None) -> dict[str, str]:
    """`postgresql`: its version, None where there is none."""
    return {
        "Processor": _processor(),
        "Cores": str(os.cpu_count() or "unknown"),
        "Memory": _memory(),
        "System": _system(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "PostgreSQL": postgresql or "none",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.0f} GiB"


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"
