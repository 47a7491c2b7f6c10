"""What a benchmark ran on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.database import connect, fetch_one

_PACKAGES = (
    "fluffy_sql",
    "numpy",
    "scikit-learn",
    "evoc",
    "faiss-cpu",
    "psycopg",
    "pgvector",
    "matplotlib",
)


def describe_environment(server_url: str) -> dict[str, Any]:
    """Versions, cores, memory, date and what the server is set to."""
    with connect(server_url) as connection:
        server = fetch_one(connection, "describe_server")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "features": " ".join(_features()),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in _PACKAGES},
        "server": server,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _features() -> list[str]:
    """The processor's instructions for vectors that NumPy knows and found."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return found


def _processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except FileNotFoundError:
        return platform.processor()
    names = (line.partition(":")[2] for line in described.splitlines() if "model name" in line)
    return next(names, "").strip()
