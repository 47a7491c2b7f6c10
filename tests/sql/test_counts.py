"""photos_count is right at the end of each transaction, and nobody waits or fails because of it."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, count
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest

from fluffy_sql.operations.check import check
from fluffy_sql.postgres import definitions
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import counts, place, query

WRONG = (
    "SELECT cluster.id, cluster.photos_count, count(photo.id) FROM clusters AS cluster"
    " LEFT JOIN photos AS photo ON photo.cluster_id = cluster.id GROUP BY cluster.id"
    " HAVING cluster.photos_count <> count(photo.id) ORDER BY cluster.id"
)
PENDING = "SELECT cluster_id, photos FROM photo_count_changes ORDER BY id"

# A library to begin with: clusters 1 to 4 have 4, 3, 2 and no photos, and three photos have none.
LIBRARY = (
    "INSERT INTO clusters (id) VALUES (1), (2), (3), (4)",
    "INSERT INTO photos (id, path, cluster_id) SELECT id, 'p' || id, cluster_id FROM unnest("
    "ARRAY[1, 1, 1, 1, 2, 2, 2, 3, 3, NULL, NULL, NULL])"
    " WITH ORDINALITY AS photo (cluster_id, id)",
    "SELECT setval(pg_get_serial_sequence('photos', 'id'), 1000)",
    "SELECT setval(pg_get_serial_sequence('clusters', 'id'), 1000)",
)
DEFERRED = (
    "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey, ADD FOREIGN KEY (cluster_id)"
    " REFERENCES clusters (id) DEFERRABLE INITIALLY DEFERRED"
)
CASCADE = (
    "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey, ADD FOREIGN KEY (cluster_id)"
    " REFERENCES clusters (id) ON UPDATE CASCADE ON DELETE CASCADE"
)

# The statements of one transaction, and the counts of clusters after it.
TRANSACTIONS: dict[str, tuple[Sequence[str], dict[int, int]]] = {
    "insert": (
        ["INSERT INTO photos (path, cluster_id) VALUES ('a', 1), ('b', 4), ('c', NULL)"],
        {1: 5, 2: 3, 3: 2, 4: 1},
    ),
    "update": (
        ["UPDATE photos SET cluster_id = CASE WHEN id < 3 THEN 2 END WHERE id < 5"],
        {1: 0, 2: 5, 3: 2, 4: 0},
    ),
    "delete": (["DELETE FROM photos WHERE id IN (1, 5, 6, 12)"], {1: 3, 2: 1, 3: 2, 4: 0}),
    "truncate": (["TRUNCATE photos"], {1: 0, 2: 0, 3: 0, 4: 0}),
    "truncate and insert": (
        [
            "UPDATE photos SET cluster_id = 4 WHERE id = 1",
            "TRUNCATE photos",
            "INSERT INTO photos (path, cluster_id) VALUES ('a', 1)",
        ],
        {1: 1, 2: 0, 3: 0, 4: 0},
    ),
    "upsert": (
        [
            "INSERT INTO photos (path, cluster_id) VALUES ('p1', 3), ('new', 2)"
            " ON CONFLICT (path) DO UPDATE SET cluster_id = excluded.cluster_id"
        ],
        {1: 3, 2: 4, 3: 3, 4: 0},
    ),
    "all in one statement": (
        [
            "WITH gone AS (DELETE FROM photos WHERE id < 3),"
            " moved AS (UPDATE photos SET cluster_id = 3 WHERE id IN (3, 4))"
            " INSERT INTO photos (path, cluster_id) VALUES ('new', 2), ('newer', 4)"
        ],
        {1: 0, 2: 4, 3: 4, 4: 1},
    ),
    "there and back": (
        [
            "UPDATE photos SET cluster_id = 4 WHERE cluster_id = 1",
            "UPDATE photos SET cluster_id = 1 WHERE cluster_id = 4",
        ],
        {1: 4, 2: 3, 3: 2, 4: 0},
    ),
    "a cluster goes, and its photos are set free": (
        ["DELETE FROM clusters WHERE id = 2", "UPDATE photos SET cluster_id = 1 WHERE id = 5"],
        {1: 5, 3: 2, 4: 0},
    ),
    "all clusters go": (["DELETE FROM clusters"], {}),
    "clusters are truncated": (["TRUNCATE clusters CASCADE"], {}),
    "a cluster goes and another comes by its id": (
        ["DELETE FROM clusters WHERE id = 2", "INSERT INTO clusters (id) VALUES (2)"],
        {1: 4, 2: 0, 3: 2, 4: 0},
    ),
    "a cluster comes with photos and some count": (
        [
            "INSERT INTO clusters (id, photos_count) VALUES (9, 70)",
            "UPDATE photos SET cluster_id = 9 WHERE id IN (1, 5)",
        ],
        {1: 3, 2: 2, 3: 2, 4: 0, 9: 2},
    ),
    "tables are copied with their counts": (
        [
            "CREATE TEMPORARY TABLE kept_clusters AS TABLE clusters",
            "CREATE TEMPORARY TABLE kept_photos AS TABLE photos",
            "TRUNCATE clusters CASCADE",
            "INSERT INTO clusters SELECT * FROM kept_clusters",
            "INSERT INTO photos SELECT * FROM kept_photos",
        ],
        {1: 4, 2: 3, 3: 2, 4: 0},
    ),
    "a cluster takes its photos along to another id": (
        [CASCADE, "UPDATE clusters SET id = 50 WHERE id = 1"],
        {2: 3, 3: 2, 4: 0, 50: 4},
    ),
    "all clusters do": ([CASCADE, "UPDATE clusters SET id = -id"], {-1: 4, -2: 3, -3: 2, -4: 0}),
    "an id is written as it is": (["UPDATE clusters SET id = id"], {1: 4, 2: 3, 3: 2, 4: 0}),
    "photos go with their cluster": (
        [CASCADE, "DELETE FROM clusters WHERE id = 1"],
        {2: 3, 3: 2, 4: 0},
    ),
    "a cluster comes after its photos": (
        [
            DEFERRED,
            "INSERT INTO photos (path, cluster_id) VALUES ('a', 9), ('b', 9)",
            "INSERT INTO clusters (id, photos_count) VALUES (9, 70)",
            "INSERT INTO photos (path, cluster_id) VALUES ('c', 9)",
        ],
        {1: 4, 2: 3, 3: 2, 4: 0, 9: 3},
    ),
    "a cluster gets another id after its photos got it": (
        [
            DEFERRED,
            "UPDATE photos SET cluster_id = 8 WHERE cluster_id = 1",
            "UPDATE clusters SET id = 8 WHERE id = 1",
        ],
        {2: 3, 3: 2, 4: 0, 8: 4},
    ),
}


@pytest.fixture
def library(session: Session, other: Session) -> Session:
    """The library to begin with; the other session waits for a lock no longer than a moment."""
    other.connection.execute("SET lock_timeout = '300ms'")
    run(session, LIBRARY)
    assert counts(session) == {1: 4, 2: 3, 3: 2, 4: 0}
    return session


def run(session: Session, statements: Sequence[str], isolation: str = "read committed") -> None:
    """Runs them in one transaction."""
    with session.connection.transaction():
        session.connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
        for statement in statements:
            session.connection.execute(statement.encode())


def shown(session: Session) -> dict[int, int]:
    """As cluster_overview has them, with what is not folded yet."""
    return dict(query(session, "SELECT id, photos_count FROM cluster_overview ORDER BY id"))


# Right at the end of each transaction


@pytest.mark.parametrize("case", TRANSACTIONS)
def test_counts_are_right_after(case: str, library: Session) -> None:
    statements, expected = TRANSACTIONS[case]
    run(library, statements)
    assert counts(library) == expected
    assert query(library, PENDING) == []
    assert query(library, WRONG) == []


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
@pytest.mark.parametrize("case", TRANSACTIONS)
def test_at_a_higher_isolation_they_are_right_after_the_next_move(
    case: str, isolation: str, library: Session, other: Session
) -> None:
    statements, expected = TRANSACTIONS[case]
    run(library, statements, isolation)
    assert other.fetch_all("check/find_wrong_counts") == []
    run(other, ["INSERT INTO photos (path, cluster_id) SELECT 'next', min(id) FROM clusters"])
    assert counts(other) == {
        cluster_id: photos + (cluster_id == min(expected))
        for cluster_id, photos in expected.items()
    }
    assert [line for line in query(other, PENDING) if line[0] in expected] == []


def test_what_is_rolled_back_is_not_counted(library: Session) -> None:
    with library.connection.transaction():
        with library.connection.transaction(force_rollback=True):
            place(library, 4, 1, 2)
        place(library, 4, 3)
    assert counts(library) == {1: 3, 2: 3, 3: 2, 4: 1}


def test_meanwhile_the_view_has_them(library: Session, other: Session) -> None:
    with library.connection.transaction():
        place(library, 4, 1, 2)
        assert counts(library) == {1: 4, 2: 3, 3: 2, 4: 0}
        assert shown(library) == {1: 2, 2: 3, 3: 2, 4: 2}
        assert shown(other) == {1: 4, 2: 3, 3: 2, 4: 0}


def test_a_transaction_that_moves_photos_there_and_back_writes_no_cluster(library: Session) -> None:
    versions = "SELECT id, xmin::text FROM clusters ORDER BY id"
    before = query(library, versions)
    run(library, TRANSACTIONS["there and back"][0])
    assert query(library, versions) == before


# Nobody waits: more of that in integration/test_counts.py


def test_who_writes_to_clusters_waits_for_no_move(library: Session, other: Session) -> None:
    with library.connection.transaction():
        place(library, 4, 1, 5)
        run(other, ["UPDATE clusters SET name = 'cats'"])
        run(other, ["DELETE FROM clusters WHERE id = 3"])
    assert counts(other) == {1: 3, 2: 2, 4: 2}


def by_a_move(session: Session) -> None:
    session.connection.execute("INSERT INTO photos (path, cluster_id) SELECT now(), 3")


def by_check(session: Session) -> None:
    assert check(session.connection.info.dsn).ok


def by_statement(session: Session) -> None:
    session.fetch_value("triggers/fold")


@pytest.mark.parametrize("fold", [by_a_move, by_check, by_statement])
def test_what_was_skipped_is_folded_by_whoever_comes_next(
    fold: Any, library: Session, other: Session
) -> None:
    with library.connection.transaction():
        query(library, "SELECT FROM clusters WHERE id = 4 FOR NO KEY UPDATE")
        place(other, 4, 1)
        fold(other)
        assert (counts(other)[4], shown(other)[4]) == (0, 1)
    assert (4, 1) in query(other, PENDING)
    fold(other)
    assert counts(other)[4] == 1
    assert query(other, PENDING) == []


def many_movers(url: str, transactions: int) -> list[BaseException]:
    """Three clients who move, insert and delete photos of the same clusters."""
    together, failed = Barrier(3), []

    def work(client: int) -> None:
        try:
            with Session.open(url) as session:
                together.wait()
                for turn in range(transactions):
                    run(session, moves(client, turn))
        except BaseException as error:  # noqa: BLE001 - told by whoever asked
            failed.append(error)

    clients = [Thread(target=work, args=(client,)) for client in range(3)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return failed


def moves(client: int, turn: int) -> list[str]:
    own, one, another = 100 + 10 * client + turn % 10, 1 + turn % 4, 1 + (turn + client) % 4
    return [
        f"UPDATE photos SET cluster_id = {one} WHERE id = {own}",
        f"INSERT INTO photos (path, cluster_id) VALUES ('{client}-{turn}', {another})",
        f"UPDATE photos SET cluster_id = NULL WHERE id = {own}" if turn % 3 else "SELECT 1",
        f"DELETE FROM photos WHERE path = '{client}-{turn - 2}'",
    ]


def test_many_at_once_are_counted_and_none_fails(library: Session) -> None:
    run(
        library,
        ["INSERT INTO photos (id, path) SELECT n, 'q' || n FROM generate_series(100, 130) n"],
    )
    assert many_movers(library.connection.info.dsn, 60) == []
    library.fetch_value("triggers/fold")
    assert query(library, PENDING) == []
    assert query(library, WRONG) == []


# Nobody fails


# Two such transactions at once would not fail without triggers, if they are planned by indexes.
# Each has a number of its own, far from the other's.
AT_ONCE = {
    "insert": "INSERT INTO photos (path, cluster_id) VALUES ('new {}', 1)",
    "insert into none": "INSERT INTO photos (path) VALUES ('new {}')",
    "move": "UPDATE photos SET cluster_id = 2 WHERE id = {}",
    "set free": "UPDATE photos SET cluster_id = NULL WHERE id = {}",
    "change": "UPDATE photos SET path = path || 'x' WHERE id = {}",
    "delete": "DELETE FROM photos WHERE id = {}",
    "a cluster comes": "INSERT INTO clusters (id) VALUES (10000 + {})",
    "a cluster goes": "DELETE FROM clusters WHERE id = {}",
    "a cluster is named": "UPDATE clusters SET name = 'named' WHERE id = {}",
}
# Two that delete clusters read photos by the same page of an index, whoever else has triggers.
PAIRS = [
    pair for pair in combinations_with_replacement(AT_ONCE, 2) if set(pair) != {"a cluster goes"}
]
FAR = 5_000
NUMBERS = count(100)


@pytest.fixture(scope="module")
def crowd(empty_database: Any, template: str) -> Iterator[str]:
    """Photos and clusters enough for indexes to have many pages; most clusters are empty."""
    with empty_database(template) as url:
        with Session.open(url) as session:
            run(
                session,
                [
                    "INSERT INTO clusters (id) SELECT generate_series(1, 10000)",
                    "INSERT INTO photos (id, path, cluster_id)"
                    " SELECT n, 'p' || n, 1 + n % 2 FROM generate_series(1, 10000) AS n",
                    "SELECT setval(pg_get_serial_sequence('photos', 'id'), 100000)",
                ],
            )
            session.connection.execute("VACUUM ANALYZE photos, clusters")
        yield url


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
@pytest.mark.parametrize(("one", "another"), PAIRS)
def test_two_at_once_do_not_fail_because_of_triggers(
    crowd: str, isolation: str, one: str, another: str
) -> None:
    with psycopg.connect(crowd) as first, psycopg.connect(crowd) as second:
        for connection in (first, second):
            connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
            connection.execute("SET LOCAL enable_seqscan = off")
            connection.execute("SELECT FROM photos WHERE FALSE")  # sees all as of now
        number = next(NUMBERS)
        first.execute(AT_ONCE[one].format(number).encode())
        second.execute(AT_ONCE[another].format(number + FAR).encode())
        first.execute(f"INSERT INTO photos (path, cluster_id) VALUES ('more {number}', 2)".encode())
        second.execute(
            f"INSERT INTO photos (path, cluster_id) VALUES ('most {number}', 2)".encode()
        )
        first.commit()
        second.commit()


def test_a_move_at_a_higher_isolation_does_not_fail_where_a_count_changed_meanwhile(
    library: Session, other: Session
) -> None:
    for isolation in ("repeatable read", "serializable"):
        with library.connection.transaction():
            library.connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
            query(library, "SELECT FROM photos")
            place(other, 1, 10)
            place(other, 4, 10)
            place(library, 4, 1)
            place(library, 1, 1)
        assert other.fetch_all("check/find_wrong_counts") == []


# What somebody did to the tables or views; every statement of the application goes on all the same.
CHANGES = {
    "no view": "DROP VIEW usable_photos CASCADE",
    "no view of scopes": "DROP VIEW scoped_clusters CASCADE",
    "no lines": "DROP TABLE photo_count_changes CASCADE",
    "no count": "ALTER TABLE clusters DROP COLUMN photos_count CASCADE",
    "another count": "ALTER TABLE clusters RENAME photos_count TO size",
    "another id of clusters": "ALTER TABLE clusters RENAME id TO number",
    "another id of photos": "ALTER TABLE photos RENAME id TO number",
    "another cluster_id": "ALTER TABLE photos RENAME cluster_id TO group_id",
    "no pins": "ALTER TABLE photos DROP COLUMN cluster_pinned CASCADE",
    "another pin": "ALTER TABLE photos RENAME cluster_pinned TO pinned",
    "another embedding": "ALTER TABLE photos RENAME embedding TO vector",
    "another scope": "ALTER TABLE clusters RENAME scope TO owner",
    "another table of photos": "ALTER TABLE photos RENAME TO pictures",
    "another table of clusters": "ALTER TABLE clusters RENAME TO groups",
    "photos elsewhere": "CREATE SCHEMA app; ALTER TABLE photos SET SCHEMA app",
    "clusters elsewhere": "CREATE SCHEMA app; ALTER TABLE clusters SET SCHEMA app",
    "our schema elsewhere": "ALTER SCHEMA fluffy_sql RENAME TO old",
    "nothing there": "DROP SCHEMA fluffy_sql CASCADE",
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_was_renamed_or_dropped_statements_of_the_application_never_fail(
    change: str, library: Session, other: Session
) -> None:
    # whose plans were made before, and who has another search_path
    for statement in ("SET search_path = public", "PREPARE move AS UPDATE photos SET path = path"):
        other.connection.execute(statement.encode())
    other.connection.execute("EXECUTE move")
    library.connection.execute(CHANGES[change].encode())
    of_photos = columns(other, "photos") or columns(other, "pictures")
    of_clusters = columns(other, "clusters") or columns(other, "groups")
    photos, photo_id, *_ = of_photos
    clusters, cluster_id, *_ = of_clusters
    placed = "group_id" if "group_id" in of_photos else "cluster_id"
    run(
        other,
        [
            f"INSERT INTO {clusters} ({cluster_id}) VALUES (50)",
            f"INSERT INTO {photos} (path, {placed}) VALUES ('new', 50), ('newer', 1)",
            f"UPDATE {photos} SET {placed} = 50 WHERE {photo_id} < 4",
            f"UPDATE {clusters} SET name = 'cats'",
            f"DELETE FROM {photos} WHERE {photo_id} = 5",
            f"DELETE FROM {clusters} WHERE {cluster_id} = 2",
            f"UPDATE {clusters} SET {cluster_id} = 90 WHERE {cluster_id} = 4",
            f"TRUNCATE {photos}",
        ],
    )


def columns(session: Session, table: str) -> list[str]:
    """The table as it is to be named, and its columns in their order; empty if it is not there."""
    found = query(
        session,
        "SELECT attrelid::regclass::text, attname::text FROM pg_attribute"
        " INNER JOIN pg_class ON attrelid = pg_class.oid"
        " WHERE relname = %s AND relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        table,
    )
    return [found[0][0], *(name for _, name in found)] if found else []


def test_once_all_is_there_again_counts_are(library: Session, other: Session) -> None:
    library.connection.execute("ALTER TABLE clusters RENAME photos_count TO size")
    place(other, 4, 1, 2)
    library.connection.execute("ALTER TABLE clusters RENAME size TO photos_count")
    assert len(other.fetch_all("check/find_wrong_counts")) == 2
    assert not check(library.connection.info.dsn).ok
    assert check(library.connection.info.dsn, repair=True).ok
    assert counts(other) == {1: 2, 2: 3, 3: 2, 4: 2}


def test_while_it_is_detached_nothing_is_counted_and_nothing_fails(
    library: Session, other: Session
) -> None:
    with library.transaction():
        definitions.drop(library)
    run(other, ["INSERT INTO clusters (id) VALUES (9)", "UPDATE photos SET cluster_id = 9"])
    assert counts(other) == {1: 4, 2: 3, 3: 2, 4: 0, 9: 0}
    assert query(other, PENDING) == []
