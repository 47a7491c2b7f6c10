"""The Makefile: what of the environment reaches the program."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
SHOW = 'show:\n\t@echo "$${DATABASE_URL-not set}"\n'


def shown(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """What a recipe has as DATABASE_URL."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make here")
    (tmp_path / "show.mk").write_text(SHOW)
    return subprocess.run(
        [make, "--silent", "-f", str(MAKEFILE), "-f", "show.mk", "show", *arguments],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.removesuffix("\n")


def test_the_address_reaches_the_program_as_it_was_given(tmp_path: Path) -> None:
    assert shown(tmp_path) == "not set"
    assert shown(tmp_path, DATABASE_URL="") == ""
    assert shown(tmp_path, "DATABASE_URL=") == ""
    assert shown(tmp_path, "DATABASE_URL=dbname=x") == "dbname=x"
    assert shown(tmp_path, "DATABASE_URL=dbname=x", DATABASE_URL="dbname=y") == "dbname=x"
    assert shown(tmp_path, DATABASE_URL="password=a$b#c") == "password=a$b#c"
