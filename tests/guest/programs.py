"""pg_dump and psql, of the embedded server's package or of the machine."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import psycopg
import pytest

from fluffy_sql.postgres.programs import find_psql


@cache
def _pg_dump(server: int) -> str | None:
    """One that is at least as new as the server, of the same version if there is one."""
    beside = Path(find_psql(prefer_embedded=True)).parent / "pg_dump"
    found = {}
    for program in (str(beside), shutil.which("pg_dump")):
        if program and Path(program).is_file():
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, check=True
            )
            if version := re.search(r"\d+", said.stdout):
                found[int(version[0])] = program
    usable = [version for version in found if version >= server]
    return found[min(usable)] if usable else None


def dump(url: str, *flags: str) -> str:
    """What pg_dump writes; the test is skipped if none here is as new as the server."""
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10_000
    program = _pg_dump(version)
    if program is None:
        pytest.skip(f"no pg_dump here is as new as the server, which is PostgreSQL {version}")
    done = subprocess.run(
        [program, "--dbname", url, "--no-owner", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(url: str, text: str, *flags: str) -> list[str]:
    """Runs it with psql; returns the errors.

    A dump by a newer pg_dump sets what an older server does not know; that is no error here.
    """
    done = subprocess.run(
        [find_psql(prefer_embedded=True), "--no-psqlrc", "--quiet", "--dbname", url, *flags],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = re.findall(r"ERROR:\s+(.+)", done.stderr)
    return [error for error in errors if "unrecognized configuration parameter" not in error]
