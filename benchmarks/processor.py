"""Processor time of the server, if it is on this machine and the system tells."""

import os
import time
from pathlib import Path
from typing import Any

import psycopg

# What a server's process that has said goodbye needs to be gone.
_GONE_AFTER = 0.1
# Fields of /proc/PID/stat after the name of the program, which may hold anything.
_PARENT, _ENDED_USER, _ENDED_SYSTEM = 1, 13, 14


def ended_seconds(connection: psycopg.Connection[Any]) -> float | None:
    """Seconds that the server's processes which have ended took since it started.

    So a contender took the difference of before and after. What others did on the same server
    meanwhile is in it.

    Returns:
        None if the server is not on this machine.
    """
    time.sleep(_GONE_AFTER)
    try:
        command = _process(connection.info.backend_pid, "cmdline")
        if connection.info.dbname not in command:  # that process is another one
            return None
        server = int(_fields(connection.info.backend_pid)[_PARENT])
        ended = _fields(server)
    except FileNotFoundError:
        return None
    ticks = int(ended[_ENDED_USER]) + int(ended[_ENDED_SYSTEM])
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields(process: int) -> list[str]:
    return _process(process, "stat").rpartition(")")[2].split()


def _process(process: int, file: str) -> str:
    return Path(f"/proc/{process}/{file}").read_text(encoding="utf-8", errors="replace")
