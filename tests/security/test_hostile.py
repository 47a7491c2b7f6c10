"""No SQL is made of what people name things: every name that they choose is hostile here."""

import csv
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests.conftest import Run, made_library
from tests.integration.helpers import query
from tests.security.helpers import LOOKING, let_in

NAMES = [
    "'; DROP TABLE photos; --",
    '"; DROP TABLE photos; --',
    "$$; DROP TABLE photos; $$",
    "\\'; DROP TABLE photos; --",
    "%s %(run_id)s %% {0} {run_id}",
    "{{ 7 * 7 }}{% raw %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[bold red]x[/bold red]",
    "NULL",
    "\\N",
    "a,b;c\td",
    "two\nlines",
    "../../etc/passwd",
    "-- /* : :x",
    "\u202egpj.exe \U0001f431",
]
SCHEMA = "Ph\"ot'os; DROP SCHEMA public --"


@pytest.fixture
def hostile(server_url: str, template: str) -> Iterator[str]:
    """A migrated library in a database and a schema that are called as no one should."""
    name = "lib\"ra'ry %s; DROP DATABASE postgres --"
    database = sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(database))
        try:
            url = make_conninfo(server_url, dbname=name)
            with psycopg.connect(url, autocommit=True) as inside:
                inside.execute("CREATE EXTENSION vector")
                inside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
                admin.execute(
                    sql.SQL("ALTER DATABASE {} SET search_path TO {}, public").format(
                        database, sql.Identifier(SCHEMA)
                    )
                )
            schema.migrate(url)
            yield url
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def write_photos(names: list[str]) -> None:
    rows, _ = made_library(1, photos=len(names), dimensions=8, themes=3)
    with Path("new.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "embedding"])
        writer.writerows(zip(names, (str(row.tolist()) for row in rows), strict=True))


def test_hostile_names_are_names(hostile: str, run_cli: Run) -> None:
    paths = [f"{name} {place}" for place in range(4) for name in NAMES]
    write_photos(paths)
    with let_in(hostile, "run") as library:

        def run(*arguments: str) -> Any:
            finished = run_cli(*arguments, "--json", "--database-url", library.url)
            assert finished.code == 0, finished.err
            return json.loads(finished.out)

        assert run("import", "new.csv")["photos_added"] == len(paths)
        assert run("import", "new.csv")["photos_unchanged"] == len(paths)
        assert run("generate", "--k", str(len(NAMES)))["photos_processed"] == len(paths)
        for cluster_id, name in enumerate(NAMES, start=1):
            library.owner.connection.execute(
                "UPDATE clusters SET name = %s WHERE id = %s", (name, cluster_id)
            )
        library.owner.connection.execute("UPDATE photos SET cluster_id = NULL WHERE id < 9")
        run("assign", "--moved")
        run("generate", "--recluster", "--k", str(len(NAMES)))
        for command in [*LOOKING.values(), ["sweep", "--k", "2..4", "--out", "sweep.html"]]:
            run(*command)
            assert run_cli(*command, "--database-url", library.url).code == 0
        assert {row["name"] for row in run("clusters")["clusters"]} == set(NAMES)
        run("runs", "undo", str(run("runs")["runs"][0]["id"]))
        assert run("check")["ok"]
        stored = query(library.owner, "SELECT path FROM photos ORDER BY id")
        assert [path for (path,) in stored] == paths
        where = query(library.owner, "SELECT relnamespace::regnamespace::text FROM pg_class")
        assert ('"Ph""ot\'os; DROP SCHEMA public --"',) in where
    page = Path("report/index.html").read_text(encoding="utf-8")
    # Its own is the only one.
    assert page.count("<script") == 1
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_hostile_flag_is_refused_in_one_line(
    run_cli: Run, database_url: str, session: Session
) -> None:
    flags = [
        ["generate", "--algorithm", "{}"],
        ["generate", "--metric", "{}"],
        ["sweep", "--k", "{}"],
        ["import", "{}.npy"],
        ["runs", "show", "{}"],
    ]
    for name, (*command, flag) in product(NAMES, flags):
        hostile_flag = flag.replace("{}", name, 1)
        finished = run_cli(*command, hostile_flag, "--database-url", database_url)
        assert finished.code in {1, 2}, hostile_flag
        assert finished.err.startswith("fluffy-sql: ")
        assert finished.err.count("\n") == 1, hostile_flag
    assert session.fetch_all("runs/list", run_ids=None, most=None) == []
