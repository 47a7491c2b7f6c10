"""docs/reference/json.md has the fields that commands print, and no other."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from PIL import Image

from fluffy_sql.operations.distribute import DistributedTable, DistributeResult
from tests import colours
from tests.conftest import Run, made_library
from tests.docs.pages import DOCS, first_codes_of, rows_of, sections_of

SECTIONS = sections_of(DOCS / "reference" / "json.md")
CHECKS = sections_of(DOCS / "reference" / "commands.md")["check"]
PHOTOS = 60


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Where the values are in what was printed: as in changes.clusters[].name."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from paths(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for inner in value or [None]:
            yield from paths(inner, f"{path}[]")
    else:
        yield path


def leaves(printed: list[Any]) -> set[str]:
    """The paths of all; not those of a null that is an object or a list elsewhere."""
    found = {path for value in printed for path in paths(value)}
    return {
        path
        for path in found
        if not any(other.startswith((f"{path}.", f"{path}[")) for other in found)
    }


def check_section(name: str, printed: list[Any]) -> None:
    described = {
        code: re.compile(re.escape(code).replace("NAME", ".+"))
        for code in first_codes_of(SECTIONS[name])
    }
    found = leaves(printed)
    missing = {path for path in found if not any(p.fullmatch(path) for p in described.values())}
    never_seen = {
        code for code, p in described.items() if not any(p.fullmatch(path) for path in found)
    }
    assert (missing, never_seen) == (set(), set()), name


@pytest.fixture(autouse=True)
def built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from colours.use(monkeypatch)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two photos, one that can't be read, and one that is left out."""
    (folder := tmp_path / "pictures").mkdir()
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (9, 9), colour).save(folder / f"{name}.png")
    (folder / "empty.png").touch()
    (folder / "out.png").symlink_to("/dev/null")
    return folder


def test_every_command_prints_these_fields(
    bare_database_url: str,
    run_cli: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pictures: Path,
) -> None:
    monkeypatch.setenv("DATABASE_URL", bare_database_url)
    np.save(tmp_path / "photos.npy", made_library(1, photos=PHOTOS, themes=4, dimensions=8)[0])
    names = "".join(f"p{number}.jpg\n" for number in range(PHOTOS))
    (tmp_path / "photos.csv").write_text(f"path\n{names}", encoding="utf-8")
    printed: dict[str, list[Any]] = {}

    def run(section: str, *arguments: str, code: int = 0) -> Any:
        done = run_cli(*section.split(), *arguments, "--json")
        assert done.code == code, done.err
        printed.setdefault(section if code == 0 else "Errors", []).append(json.loads(done.out))
        return printed.get(section, [None])[-1]

    def execute(statement: str) -> None:
        with psycopg.connect(bare_database_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    run("migrate")
    run("import", "photos.npy", "--paths", "photos.csv")
    run("duplicates", "--within", "0.1")
    run("generate", "--k", "4")
    run("generate", "--explain")
    execute("UPDATE photos SET cluster_id = NULL WHERE id <= 3")
    run("assign", "--dry-run")
    run("assign")
    run("generate", "--recluster", "--k", "3")
    execute(
        "CREATE TABLE albums (theme bigint REFERENCES clusters);"
        "INSERT INTO albums SELECT cluster_id FROM fluffy_sql.retired_clusters"
    )
    run("clusters prune", "--dry-run")
    Path("image_embed.yml").write_text("clustering: {leiden: {levels: [0.5]}}")
    run("generate", "--recluster", "--algorithm", "leiden")
    Path("image_embed.yml").unlink()
    run("sweep", "--k", "2,3,4")
    run("sweep", "--algorithm", "leiden", "--values", "1,4")
    run("sweep", "--algorithm", "dbscan", "--values", "0.1,0.3")
    for section, *options in (
        ("clusters",),
        ("clusters", "--levels"),
        ("clusters", "--suggest-names", "--accept"),
        ("clusters name", "1", "x"),
        ("clusters export", "--format", "m3u", "--out", "playlists"),
        ("runs",),
        ("runs show", "1"),
    ):
        run(section, *options)
    recluster = printed["runs"][0]["runs"][0]["id"]
    run("runs diff", "1", str(recluster))
    run("runs undo", str(recluster))
    run("report", "--out", "report")
    execute("DROP TRIGGER fluffy_sql_fold ON fluffy_sql.photo_count_changes")
    run("check", "--repair")
    assert printed["check"][0]["findings"]
    assert printed["check"][0]["checks"] == [
        row[0].strip("`") for row in rows_of(CHECKS) if len(row) == 3
    ]
    run("embed", str(pictures), "--replace")
    (pictures / "b.png").unlink()
    run("embed")
    run("sample", "--if-empty")
    run("detach")
    execute("DROP TABLE albums")
    run("migrate", "--rollback", "--yes")
    run("clusters", code=1)
    assert printed.keys() == SECTIONS.keys() - {"JSON", "distribute", "attach"}
    for section, values in printed.items():
        check_section(section, values)


def test_attach_prints_these_fields(bare_database_url: str, run_cli: Run) -> None:
    with psycopg.connect(bare_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE pictures AS SELECT 1 AS id, '{1,2}'::real[] AS looks")
    columns = ("--table", "pictures", "--key", "id", "--embedding", "looks")
    address = ("--database-url", bare_database_url)
    done = run_cli("attach", *columns, "--dry-run", "--json", *address)
    check_section("attach", [json.loads(done.out)])


def test_distribute_prints_these_fields() -> None:
    table = DistributedTable("photos", distributed_by="id", shards=4)
    check_section("distribute", [asdict(DistributeResult((table,), changed=("photos",)))])
