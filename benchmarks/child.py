"""The process of one contender: `python -m benchmarks.child`, started by `measure.py`.

It reads `{"module": ..., "url": ..., "k": ..., "ours": ...}` from stdin, for arguments of a program
can be read by everyone on the machine, and prints what it spent as its last line.
"""

import json
import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

from threadpoolctl import threadpool_info


def main() -> None:
    """Runs the contender. What it imports is not timed, but it counts as memory."""
    task = json.load(sys.stdin)
    if task["ours"]:  # as the command line does, before it loads NumPy
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    contender = import_module(task["module"])
    begun = time.perf_counter()
    phases = contender.run(task["url"], task["k"])
    spent = {
        "seconds": time.perf_counter() - begun,
        "memory_mb": peak_memory_mb(),
        "client_seconds": time.process_time(),
        "phases": phases,
        "blas": blas_kernels(),
    }
    sys.stdout.write(f"\n{json.dumps(spent)}\n")


def blas_kernels() -> list[str]:
    """The libraries that multiply matrices in this process, and the kernel that each has chosen."""
    return sorted(
        f"{info['internal_api']} {info.get('version')} {info.get('architecture') or ''}".strip()
        for info in threadpool_info()
        if info["user_api"] == "blas"
    )


def peak_memory_mb() -> float:
    """The most memory that was resident in this process, in MB.

    Linux starts ru_maxrss of a new program at what its parent had; VmHWM is the program's own.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kibibytes) * 1024 / 1e6


if __name__ == "__main__":
    main()
