"""The process of one contender: `python -m benchmarks.child`, started by `measure.py`.

It reads `{"module": ..., "url": ..., "k": ...}` from stdin, for arguments of a program can be read
by everyone on the machine, and prints `{"seconds": ..., "memory_mb": ...}` as its last line.
"""

import json
import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

# These do what a command of ours does, and the command line sets this before it loads NumPy.
_OURS = {f"benchmarks.contenders.{name}" for name in ("fluffy_sql", "leiden", "graph")}


def main() -> None:
    """Runs the contender. What it imports is not timed, but it counts as memory."""
    task = json.load(sys.stdin)
    if task["module"] in _OURS:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    contender = import_module(task["module"])
    begun = time.perf_counter()
    contender.run(task["url"], task["k"])
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"\n{json.dumps({'seconds': seconds, 'memory_mb': peak_memory_mb()})}\n")


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
