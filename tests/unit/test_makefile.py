"""The Makefile: what of the environment reaches the program."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
SHOW = 'show:\n\t@echo "$${DATABASE_URL-not set}"\nshow-pip:\n\t@echo "$$PIP_COMPILE"\n'


def run_make(tmp_path: Path, *arguments: str, **environment: str) -> str:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make here")
    (tmp_path / "show.mk").write_text(SHOW)
    return subprocess.run(
        [make, "--silent", "-f", str(MAKEFILE), "-f", "show.mk", *arguments],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        | environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.removesuffix("\n")


def shown(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """What a recipe has as DATABASE_URL."""
    return run_make(tmp_path, "show", *arguments, **environment)


def test_the_address_reaches_the_program_as_it_was_given(tmp_path: Path) -> None:
    assert shown(tmp_path) == "not set"
    assert shown(tmp_path, DATABASE_URL="") == ""
    assert shown(tmp_path, "DATABASE_URL=") == ""
    assert shown(tmp_path, "DATABASE_URL=dbname=x") == "dbname=x"
    assert shown(tmp_path, "DATABASE_URL=dbname=x", DATABASE_URL="dbname=y") == "dbname=x"
    assert shown(tmp_path, DATABASE_URL="password=a$b#c") == "password=a$b#c"


def planned(tmp_path: Path, *arguments: str, **environment: str) -> str:
    """The commands that make would run."""
    (tmp_path / "pyproject.toml").touch()
    return run_make(tmp_path, "--dry-run", *arguments, **environment)


def test_a_folder_may_have_a_blank_in_its_name(tmp_path: Path) -> None:
    assert '--out "my report"' in planned(tmp_path, "report", "OUT=my report")
    assert 'embed "my photos"' in planned(tmp_path, "cluster", "PHOTOS=my photos")


def test_photos_of_your_own_are_embedded_clustered_and_shown(tmp_path: Path) -> None:
    sample = planned(tmp_path, "cluster")
    assert "sample --if-empty" in sample
    assert "photos" not in sample
    own = planned(tmp_path, "cluster", "PHOTOS=p", "K=7")
    assert "[embedded,graph,photos,report,sample]" in own
    *_, migrate, embed, generate, report = own.splitlines()
    assert migrate.endswith("migrate")
    assert embed.endswith('embed "p"')
    assert generate.endswith("generate --k 7")
    assert report.endswith('report --out "report" --root "p"')


def test_uv_installs_if_it_is_there_else_pip_that_compiles_nothing(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    path = str(tools)
    assert ".venv/bin/python -m pip install --edit" in planned(tmp_path, "cluster", PATH=path)
    assert run_make(tmp_path, "show-pip") == "0"
    uv = tools / "uv"
    uv.write_text("#!/bin/sh")
    uv.chmod(0o755)
    commands = planned(tmp_path, "cluster", PATH=path)
    assert f'"{uv}" pip install --python .venv/bin/python --edit' in commands
    assert "python3 -m venv --without-pip .venv" in commands
