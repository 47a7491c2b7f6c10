"""A partitioned table of photos, and statements of the application on single partitions."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.errors import SchemaError
from fluffy_sql.operations.check import check
from fluffy_sql.postgres import schema
from tests import running
from tests.conftest import made_library
from tests.guest.helpers import Run, ask, execute, succeeds
from tests.integration.helpers import generate

# Two levels; the key holds what the table is partitioned by, so an id may come twice.
APPLICATION = (
    "CREATE EXTENSION vector",
    # before version 17, partitions know nothing of the identity of the whole table
    "CREATE SEQUENCE photos_id_seq",
    "CREATE TABLE photos (id bigint DEFAULT nextval('photos_id_seq'), region text, path text,"
    " embedding vector(8), PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
    "CREATE TABLE photos_a PARTITION OF photos FOR VALUES IN ('a')",
    "CREATE TABLE photos_b PARTITION OF photos FOR VALUES IN ('b') PARTITION BY RANGE (id)",
    "CREATE TABLE photos_b_1 PARTITION OF photos_b FOR VALUES FROM (0) TO (41)",
    "CREATE TABLE photos_b_2 PARTITION OF photos_b FOR VALUES FROM (41) TO (10000)",
)
WRONG = (
    "SELECT c.id, c.photos_count, count(p.id) FROM clusters AS c"
    " LEFT JOIN photos AS p ON p.cluster_id = c.id"
    " GROUP BY c.id HAVING c.photos_count <> count(p.id) ORDER BY c.id"
)


def add_regions(url: str) -> None:
    """60 photos of 4 themes; those of b with ids from 31 up."""
    rows = made_library(1, photos=60, themes=4, dimensions=8)[0]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (region, path, embedding) VALUES (%s, %s, %s::real[]::vector)",
            [("ab"[n // 30], f"p{n}", row.tolist()) for n, row in enumerate(rows)],
        )


@pytest.fixture(scope="module")
def partitioned(empty_database: Callable[..., Any]) -> Iterator[str]:
    with empty_database() as url:
        execute(url, *APPLICATION)
        schema.migrate(url)
        add_regions(url)
        generate(url, k=4)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(empty_database: Callable[..., Any], partitioned: str) -> Iterator[str]:
    """A library of 4 clusters."""
    with empty_database(partitioned) as url:
        yield url


def test_every_command_works(bare_database_url: str, run_cli: Run) -> None:
    url = bare_database_url
    execute(url, *APPLICATION)
    for arguments in (
        ("migrate",),
        ("generate", "--k", "4"),
        ("assign", "--moved"),
        ("generate", "--recluster", "--k", "3"),
        ("runs", "undo", "3"),
        ("sweep", "--k", "2..3"),
        ("clusters",),
        ("check",),
        ("detach",),
        ("migrate",),
        ("check", "--repair"),
    ):
        if "generate" in arguments:
            add_regions(url)
        elif "assign" in arguments:
            execute(url, "UPDATE photos SET cluster_id = NULL WHERE id < 20")
        printed = succeeds(run_cli, url, *arguments)
        if "migrate" not in arguments or printed == "":
            assert ask(url, WRONG) == [], arguments
    succeeds(run_cli, url, "migrate", "--rollback", "--yes")
    assert ask(url, "SELECT count(*) FROM photos") == [(120,)]


STATEMENTS = {
    "one comes": "INSERT INTO photos_a (region, path, cluster_id) VALUES ('a', 'new', 2)",
    "many come": (
        "INSERT INTO photos_b (id, region, path, cluster_id)"
        " SELECT 200 + n, 'b', 'n' || n, nullif(n % 5, 0) FROM generate_series(1, 23) AS n"
    ),
    "one moves": "UPDATE photos_a SET cluster_id = 1 + cluster_id % 4 WHERE id = 3",
    "some of a middle level move": "UPDATE photos_b SET cluster_id = 1 WHERE id % 2 = 0",
    "some of a lower level move": "UPDATE photos_b_2 SET cluster_id = 1 WHERE id % 2 = 0",
    "some are set free": "UPDATE photos_b_1 SET cluster_id = NULL",
    "some go": "DELETE FROM photos_a WHERE id % 3 = 0",
    "some of a middle level go": "DELETE FROM photos_b WHERE id % 3 = 0",
    "a partition is truncated": "TRUNCATE photos_a",
    "a middle level is truncated": "TRUNCATE photos_b",
    "a lower level is truncated": "TRUNCATE photos_b_1",
    "all are truncated": "TRUNCATE photos",
    "two are truncated": "TRUNCATE photos_a, photos_b_2",
    "one moves to another partition": "UPDATE photos SET region = 'b' WHERE id = 3",
    "some do, and to another cluster": (
        "UPDATE photos SET region = CASE region WHEN 'a' THEN 'b' ELSE 'a' END,"
        " cluster_id = 1 + cluster_id % 4 WHERE id % 2 = 0"
    ),
    "one moves on a lower level": "UPDATE photos_b SET id = 300 WHERE id = 35",
    "upsert": (
        "INSERT INTO photos_a (id, region, path, cluster_id) VALUES (1, 'a', 'p', 4),"
        " (500, 'a', 'q', 3) ON CONFLICT (id, region) DO UPDATE SET cluster_id = 1"
    ),
    "all at once": (
        "WITH gone AS (DELETE FROM photos_a WHERE id < 5),"
        " moved AS (UPDATE photos SET cluster_id = 3 WHERE id BETWEEN 5 AND 50)"
        " INSERT INTO photos_b (id, region, path, cluster_id) VALUES (600, 'b', 'new', 2)"
    ),
    "a cluster goes": "DELETE FROM clusters WHERE id = 2",
    "nothing": "UPDATE photos_a SET path = path || 'x'",
}


@pytest.mark.parametrize("ending", ["commits", "rolls back"])
def test_statements_on_a_partition_are_counted(ending: str, url: str) -> None:
    for name, statement in STATEMENTS.items():
        with psycopg.connect(url) as connection:
            before = ask(url, "SELECT id, photos_count FROM clusters ORDER BY id")
            connection.execute(statement.encode())
            if ending == "rolls back":
                connection.rollback()
                connection.execute("SELECT 1")
        assert ask(url, WRONG) == [], name
        if ending == "rolls back":
            assert ask(url, "SELECT id, photos_count FROM clusters ORDER BY id") == before
        elif name.endswith("truncated"):
            add_regions(url)
            execute(
                url,
                "UPDATE photos SET cluster_id = (SELECT min(id) FROM clusters) + id % 2"
                " WHERE cluster_id IS NULL",
            )
    assert check(url).findings == ()


def test_a_copy_into_a_partition_is_counted(url: str) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, region, first in (("photos_a", "a", 700), ("photos_b_2", "b", 800)):
            with cursor.copy(f"COPY {table} (id, region, path, cluster_id) FROM STDIN") as copy:
                for number in range(10):
                    copy.write_row((first + number, region, "copied", 1 + number % 3))
    assert ask(url, WRONG) == []
    assert ask(url, "SELECT count(*) FROM photos WHERE path = 'copied'") == [(20,)]


SCOPED = (
    "CREATE OR REPLACE VIEW fluffy_sql.usable_photos AS SELECT id, path, embedding, cluster_id,"
    " CASE region WHEN 'a' THEN 1 ELSE 2 END::bigint AS scope FROM photos"
)


def test_scopes_are_kept_apart_by_statements_on_a_partition(url: str) -> None:
    execute(url, "DELETE FROM clusters", SCOPED)
    assert generate(url, k=2).clusters_created == 4
    [(of_a, of_b)] = ask(
        url,
        "SELECT min(cluster_id), max(cluster_id) FROM photos"
        " WHERE id IN (SELECT min(id) FROM photos GROUP BY region)",
    )
    for statement in (
        f"UPDATE photos_a SET cluster_id = {of_b} WHERE id = 1",
        f"UPDATE photos_b SET cluster_id = {of_a} WHERE id = 31",
        f"UPDATE photos_b_1 SET cluster_id = {of_a} WHERE id = 31",
        f"INSERT INTO photos_b_2 (id, region, cluster_id) VALUES (900, 'b', {of_a})",
        "UPDATE photos SET region = 'b' WHERE id = 1",
    ):
        with pytest.raises(psycopg.errors.CheckViolation, match="and can not be in cluster"):
            execute(url, statement)
    with (
        pytest.raises(psycopg.errors.CheckViolation),
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY photos_b_1 (id, region, cluster_id) FROM STDIN") as copy,
    ):
        copy.write_row((5, "b", of_a))
    assert check(url).findings == ()


# Partitions that come and go

NEW = "CREATE TABLE photos_c PARTITION OF photos FOR VALUES IN ('c')"
ADDED = "INSERT INTO photos_c (region, path, cluster_id) VALUES ('c', 'new', 1)"
REPAIRS: dict[str, Callable[[str], object]] = {
    "check --repair": lambda url: check(url, repair=True),
    "migrate": schema.migrate,
}


def findings(url: str) -> set[str]:
    return {finding.check for finding in check(url).findings}


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_new_partition_is_found_and_repaired(repair: str, url: str) -> None:
    """What goes by the whole table is counted all along."""
    execute(url, NEW, ADDED.replace("photos_c", "photos"))
    assert ask(url, WRONG) == []
    assert findings(url) == {"count_triggers", "guard_triggers"}
    execute(url, ADDED)
    assert findings(url) == {"count_triggers", "guard_triggers", "photos_count"}
    REPAIRS[repair](url)
    assert findings(url) == set()
    execute(url, ADDED)
    assert ask(url, WRONG) == []


def test_runs_count_right_beside_a_partition_without_triggers(url: str) -> None:
    """Their own statements go by the whole table, so triggers count them."""
    execute(url, NEW)
    add_regions(url)
    for recluster in (False, True):
        generate(url, k=3, recluster=recluster)
        assert ask(url, WRONG) == []
    execute(url, "UPDATE photos SET cluster_id = NULL WHERE id < 20")
    assert running.assign(url).photos_assigned == 19
    assert ask(url, WRONG) == []


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_partition_that_is_attached_is_found_and_repaired(repair: str, url: str) -> None:
    execute(
        url,
        "CREATE TABLE older (LIKE photos)",
        "INSERT INTO older (id, region, path, cluster_id, cluster_pinned, created_at, updated_at)"
        " VALUES (1000, 'c', 'old', 1, FALSE, now(), now())",
        "ALTER TABLE photos ATTACH PARTITION older FOR VALUES IN ('c')",
    )
    assert findings(url) == {"count_triggers", "guard_triggers", "photos_count"}
    REPAIRS[repair](url)
    assert findings(url) == set()
    execute(url, "DELETE FROM older")
    assert ask(url, WRONG) == []


@pytest.mark.parametrize("repair", REPAIRS)
@pytest.mark.parametrize("concurrently", ["", " CONCURRENTLY"])
def test_a_partition_that_is_detached_is_found_and_counts_no_more(
    concurrently: str, repair: str, url: str
) -> None:
    execute(url, f"ALTER TABLE photos DETACH PARTITION photos_a{concurrently}")
    assert findings(url) == {"stray_triggers", "photos_count"}
    REPAIRS[repair](url)
    assert findings(url) == set()
    execute(url, "DELETE FROM photos_a", "DROP TABLE photos_a")
    assert ask(url, WRONG) == []
    assert findings(url) == set()


def test_one_that_is_detached_writes_on_after_fluffy_sql_is_gone(url: str) -> None:
    execute(url, "ALTER TABLE photos DETACH PARTITION photos_a")
    schema.uninstall(url)
    execute(url, "UPDATE photos_a SET path = path || 'x'", "DELETE FROM photos_a")


# Parts of another kind


def test_tables_that_inherit_are_refused_before_anything_is_changed(bare_database_url: str) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE photos (id bigint PRIMARY KEY, path text, embedding vector)",
        "CREATE TABLE photos_of_old () INHERITS (photos)",
    )
    with pytest.raises(SchemaError) as refused:
        schema.migrate(url)
    assert str(refused.value) == (
        "photos has tables that inherit from it, such as photos_of_old, and neither keys nor"
        " triggers hold for their rows: make them partitions of it, or ALTER TABLE ... NO INHERIT"
    )
    assert ask(url, "SELECT FROM pg_namespace WHERE nspname = 'fluffy_sql'") == []
    execute(url, "ALTER TABLE photos_of_old NO INHERIT photos")
    assert schema.migrate(url).notes == ()


def test_photos_that_are_a_partition_are_refused(bare_database_url: str) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE assets (id bigint, kind text, path text, embedding vector,"
        " PRIMARY KEY (id, kind)) PARTITION BY LIST (kind)",
        "CREATE TABLE photos PARTITION OF assets FOR VALUES IN ('photo')",
        "ALTER TABLE photos ADD UNIQUE (id)",
    )
    with pytest.raises(SchemaError, match="photos is a partition of assets, and no column can be"):
        schema.migrate(url)
    execute(url, "ALTER TABLE assets DETACH PARTITION photos")
    assert schema.migrate(url).notes == ()


def test_photos_that_inherit_are_told_and_counts_are_repaired(bare_database_url: str) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE assets (id bigint, path text, embedding vector)",
        "CREATE TABLE photos (PRIMARY KEY (id)) INHERITS (assets)",
    )
    told = (
        "photos is a part of assets, and triggers do not count what is changed by that name;"
        " fluffy-sql check --repair counts again"
    )
    assert schema.migrate(url).notes == (told,)
    execute(
        url,
        "INSERT INTO clusters (name) VALUES ('one')",
        "INSERT INTO photos (id, cluster_id) SELECT n, 1 FROM generate_series(1, 5) AS n",
        "DELETE FROM assets WHERE id = 1",
    )
    assert check(url).notes == (told,)
    assert findings(url) == {"photos_count"}
    assert check(url, repair=True).ok
    assert ask(url, WRONG) == []


# The same id twice


def test_an_id_in_two_partitions_is_refused_by_runs_and_found(url: str, run_cli: Run) -> None:
    execute(url, "INSERT INTO photos (id, region, path) VALUES (7, 'b', 'again')")
    said = "usable_photos shows photo 7 2 times: let it show each photo once (one row for each id)"
    for arguments in (("generate",), ("generate", "--recluster"), ("assign",), ("sweep",)):
        finished = run_cli(*arguments, "--database-url", url)
        assert (finished.code, finished.err.splitlines()[-1]) == (1, f"fluffy-sql: {said}")
    [finding] = check(url).findings
    assert (finding.check, finding.found) == ("usable_photos", said)
