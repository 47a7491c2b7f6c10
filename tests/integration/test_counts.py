"""photos_count is right after any transaction of anyone, and generate never counts double."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluffy_sql.errors import DatabaseError, SchemaError
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.counter_cache import CounterCache, put_into_effect
from fluffy_sql.postgres.session import Session
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import execute, generate, query, wait_for, wrong_counts
from tests.sql.helpers import wait_until_blocked

WRONG_WITH_PENDING = (
    "SELECT c.id, o.photos_count, count(p.id) FROM clusters AS c"
    " JOIN cluster_overview AS o ON c.id = o.id LEFT JOIN photos AS p ON p.cluster_id = c.id"
    " GROUP BY c.id, o.photos_count HAVING o.photos_count <> count(p.id) ORDER BY c.id"
)
SOMEBODY_WAITS = "SELECT FROM pg_locks WHERE NOT granted"
COUNTS = "SELECT id, photos_count FROM clusters ORDER BY id"

# A library to begin with: clusters 1 to 4 have 4, 3, 2 and no photos, and three photos have none.
BEGIN = (
    "INSERT INTO clusters (id) VALUES (1), (2), (3), (4)",
    "INSERT INTO photos (id, path, cluster_id) SELECT id, 'p' || id, cluster_id FROM unnest("
    "ARRAY[1, 1, 1, 1, 2, 2, 2, 3, 3, NULL, NULL, NULL])"
    " WITH ORDINALITY AS photo (cluster_id, id)",
    "SELECT setval(pg_get_serial_sequence('photos', 'id'), 1000)",
    "SELECT setval(pg_get_serial_sequence('clusters', 'id'), 1000)",
)

# Each would leave a wrong count if nobody counted.
MOVES = {
    "one comes": "INSERT INTO photos (path, cluster_id) VALUES ('new', 2)",
    "many come": (
        "INSERT INTO photos (path, cluster_id)"
        " SELECT 'n' || n, nullif(n % 5, 0) FROM generate_series(1, 23) AS n"
    ),
    "one goes": "DELETE FROM photos WHERE id = 1",
    "many go": "DELETE FROM photos WHERE id % 2 = 0",
    "one moves": "UPDATE photos SET cluster_id = 4 WHERE id = 5",
    "a cluster moves": "UPDATE photos SET cluster_id = 2 WHERE cluster_id = 1",
    "two change places": (
        "UPDATE photos SET cluster_id = 3 - cluster_id WHERE cluster_id IN (1, 2)"
    ),
    "some are set free": "UPDATE photos SET cluster_id = NULL WHERE id < 7",
    "some are taken in": "UPDATE photos SET cluster_id = 4 WHERE cluster_id IS NULL",
    "all move": "UPDATE photos SET cluster_id = 1 + id % 4",
    "another id at once": "UPDATE photos SET id = id + 100, cluster_id = 3 WHERE cluster_id = 1",
    "upsert": (
        "INSERT INTO photos (path, cluster_id) VALUES ('p1', 3), ('p10', 1), ('new', 2)"
        " ON CONFLICT (path) DO UPDATE SET cluster_id = excluded.cluster_id"
    ),
    "merge": (
        "MERGE INTO photos AS photo USING generate_series(1, 20) AS n ON photo.id = n"
        " WHEN MATCHED AND n < 4 THEN DELETE"
        " WHEN MATCHED AND n % 3 = 0 THEN UPDATE SET cluster_id = 4"
        " WHEN MATCHED THEN DO NOTHING"
        " WHEN NOT MATCHED THEN INSERT (path, cluster_id) VALUES ('n' || n, 1)"
    ),
    "all at once": (
        "WITH gone AS (DELETE FROM photos WHERE id < 3),"
        " moved AS (UPDATE photos SET cluster_id = 3 WHERE id IN (3, 4)),"
        " moved_too AS (UPDATE photos SET cluster_id = 1 WHERE id IN (8, 10))"
        " INSERT INTO photos (path, cluster_id) VALUES ('new', 2), ('newer', 4)"
    ),
    "truncate": "TRUNCATE photos",
    "a cluster comes with a count": "INSERT INTO clusters (photos_count) VALUES (7)",
}
# And these would not.
OTHERS = {
    "one cluster is deleted": "DELETE FROM clusters WHERE id = 2",
    "all clusters are deleted": "DELETE FROM clusters",
    "clusters are truncated": "TRUNCATE clusters CASCADE",
    "nothing matches": "UPDATE photos SET cluster_id = 1 WHERE FALSE",
    "nothing moves": "UPDATE photos SET cluster_id = cluster_id, path = path || 'x'",
    "other ids": "UPDATE photos SET id = id + 1000000",
    "an empty cluster with another id": "UPDATE clusters SET id = 99 WHERE id = 4",
}


@pytest.fixture
def library(session: Session) -> Session:
    """A session on the library to begin with."""
    for statement in BEGIN:
        execute(session, statement)
    assert query(session, COUNTS) == [(1, 4), (2, 3), (3, 2), (4, 0)]
    return session


def end(session: Session) -> None:
    """What a commit does to counts, in a transaction that is going to be taken back."""
    execute(session, "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")


def as_role(session: Session, *rights: str) -> None:
    """Becomes a new role with these rights; a transaction of the caller ends that."""
    try:
        execute(session, "CREATE ROLE somebody")
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("the role of the tests may not make others")
    execute(session, *(f"GRANT {right} TO somebody" for right in rights), "SET ROLE somebody")


# Single statements


@pytest.mark.parametrize("case", MOVES | OTHERS)
def test_counts_are_right_after(case: str, library: Session) -> None:
    execute(library, (MOVES | OTHERS)[case])
    assert wrong_counts(library) == []


@pytest.mark.parametrize("case", MOVES)
def test_counts_would_be_wrong_without_triggers_after(case: str, library: Session) -> None:
    put_into_effect(library, "service")
    execute(library, MOVES[case])
    assert wrong_counts(library) != []


def test_copy_is_counted(library: Session) -> None:
    with library.connection.cursor().copy("COPY photos (path, cluster_id) FROM STDIN") as copy:
        for number in range(40):
            copy.write_row((f"n{number}", 1 + number % 4))
    assert query(library, COUNTS) == [(1, 14), (2, 13), (3, 12), (4, 10)]


def test_what_is_rolled_back_is_not_counted(library: Session) -> None:
    with library.connection.transaction(force_rollback=True):
        execute(library, MOVES["all at once"])
    assert query(library, COUNTS) == [(1, 4), (2, 3), (3, 2), (4, 0)]


def test_a_statement_that_moves_nothing_writes_no_cluster(library: Session) -> None:
    versions = "SELECT id, xmin::text FROM clusters ORDER BY id"
    before = query(library, versions)
    execute(library, OTHERS["nothing moves"], MOVES["two change places"].replace("(1, 2)", "(9)"))
    execute(library, "UPDATE photos SET cluster_id = 4 - cluster_id WHERE id IN (1, 8)")
    assert query(library, versions) == before
    execute(library, MOVES["one moves"])
    assert [id_ for (id_, now), (_, then) in zip(query(library, versions), before, strict=True)
            if now != then] == [2, 4]  # fmt: skip


def test_tables_copied_with_their_counts_are_not_counted_double(library: Session) -> None:
    execute(
        library,
        "CREATE TABLE kept_clusters AS TABLE clusters",
        "CREATE TABLE kept_photos AS TABLE photos",
        "TRUNCATE clusters CASCADE",
        "INSERT INTO clusters SELECT * FROM kept_clusters",
        "INSERT INTO photos SELECT * FROM kept_photos",
    )
    assert query(library, COUNTS) == [(1, 4), (2, 3), (3, 2), (4, 0)]


CASCADE = (
    "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey,"
    " ADD FOREIGN KEY (cluster_id) REFERENCES clusters (id) ON UPDATE CASCADE ON DELETE CASCADE"
)
DEFERRED = (
    "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey, ADD FOREIGN KEY (cluster_id)"
    " REFERENCES clusters (id) DEFERRABLE INITIALLY DEFERRED"
)


@pytest.mark.parametrize("change", ["id = id + 50 WHERE id = 1", "id = -id", "id = id"])
def test_a_cluster_that_takes_its_photos_to_another_id_keeps_its_count(
    change: str, library: Session
) -> None:
    execute(library, CASCADE, f"UPDATE clusters SET {change}")
    assert wrong_counts(library) == []
    assert query(library, "SELECT sum(photos_count) FROM clusters") == [(9,)]


def test_photos_that_go_with_their_cluster_are_counted(library: Session) -> None:
    execute(library, CASCADE, "DELETE FROM clusters WHERE id = 1")
    assert query(library, COUNTS) == [(2, 3), (3, 2), (4, 0)]


def test_a_cluster_may_come_after_its_photos(library: Session) -> None:
    execute(library, DEFERRED)
    with library.connection.transaction():
        execute(
            library,
            "INSERT INTO photos (path, cluster_id) VALUES ('a', 9), ('b', 9)",
            "INSERT INTO clusters (id, photos_count) VALUES (9, 0)",
            "UPDATE photos SET cluster_id = 8 WHERE cluster_id = 1",
            "UPDATE clusters SET id = 8 WHERE id = 1",
        )
    assert query(library, COUNTS) == [(2, 3), (3, 2), (4, 0), (8, 4), (9, 2)]


# Whoever writes, and wherever the tables are


HOSTILE = (
    "CREATE SCHEMA hostile",
    "CREATE TABLE hostile.clusters (id bigint, photos_count bigint)",
    "CREATE TABLE hostile.photos (id bigint, cluster_id bigint)",
    "CREATE TEMPORARY TABLE clusters (id bigint, photos_count bigint)",
    "CREATE TEMPORARY TABLE photos (id bigint, cluster_id bigint)",
    "INSERT INTO pg_temp.clusters VALUES (1, 100)",
    *(
        f"CREATE FUNCTION hostile.{name} LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'taken over'; END $$"
        for name in ("fall(bigint, bigint) RETURNS bigint", "unnest(bigint[]) RETURNS bigint")
    ),
    "CREATE AGGREGATE hostile.array_agg(bigint) (SFUNC = hostile.fall, STYPE = bigint)",
    "CREATE OPERATOR hostile.+ (FUNCTION = hostile.fall, LEFTARG = bigint, RIGHTARG = bigint)",
    "SET search_path = pg_temp, hostile, pg_catalog, public",
)


def test_a_hostile_search_path_changes_nothing(library: Session) -> None:
    execute(
        library,
        *HOSTILE,
        "UPDATE public.photos SET cluster_id = 4 WHERE cluster_id = 1",
        "INSERT INTO public.clusters (id) VALUES (5)",
        "INSERT INTO public.photos (path, cluster_id) VALUES ('new', 5)",
    )
    assert query(library, "SELECT * FROM clusters") == [(1, 100)]
    execute(library, "SET search_path = fluffy_sql, public")
    execute(library, "DROP TABLE pg_temp.clusters, pg_temp.photos")
    assert query(library, COUNTS) == [(1, 0), (2, 3), (3, 2), (4, 4), (5, 1)]


def test_who_may_write_photos_only_is_counted_all_the_same(library: Session) -> None:
    with library.connection.transaction(force_rollback=True):
        as_role(library, "SELECT, UPDATE, DELETE ON photos")
        execute(library, MOVES["some are set free"], MOVES["one goes"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege), library.connection.transaction():
            execute(library, "UPDATE clusters SET photos_count = 5")
        execute(library, "RESET ROLE")
        end(library)
        assert query(library, COUNTS) == [(1, 0), (2, 1), (3, 2), (4, 0)]


@pytest.mark.parametrize(
    "function", ["count_photos", "count_cluster", "fold_photo_counts_at_commit"]
)
def test_nobody_can_have_another_table_counted(function: str, library: Session) -> None:
    with library.connection.transaction(force_rollback=True):
        as_role(library, "CREATE ON SCHEMA public", "USAGE ON SCHEMA fluffy_sql")
        columns = "(id bigint, cluster_id bigint, photos_count bigint)"
        execute(library, f"CREATE TABLE public.own {columns}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=function):
            execute(
                library,
                "CREATE TRIGGER own BEFORE INSERT ON public.own"
                f" EXECUTE FUNCTION fluffy_sql.{function}()",
            )


def test_tables_in_another_schema_are_counted_there(bare_database_url: str) -> None:
    with Session.open(bare_database_url) as session:
        execute(
            session,
            "CREATE SCHEMA app",
            'CREATE SCHEMA "Other Schema"',
            "CREATE EXTENSION vector",
            'CREATE TABLE "Other Schema".clusters (id bigserial PRIMARY KEY)',
            "CREATE TABLE app.photos (id bigserial PRIMARY KEY, path text)",
            f'ALTER DATABASE {session.connection.info.dbname} SET search_path = app,'
            ' "Other Schema", public',
        )  # fmt: skip
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url) as session:
        execute(
            session,
            "SET search_path = public",
            'INSERT INTO "Other Schema".clusters (id) VALUES (1), (2)',
            "INSERT INTO app.photos (path, cluster_id) VALUES ('a', 1), ('b', 2), ('c', 2)",
        )
        found = 'SELECT id, photos_count FROM "Other Schema".clusters ORDER BY id'
        assert query(session, found) == [(1, 1), (2, 2)]
    assert running.check(bare_database_url).ok
    schema.uninstall(bare_database_url)


# Sequences, and several sessions at a time


STATEMENTS = [*MOVES.values(), *OTHERS.values(), CASCADE, "INSERT INTO clusters DEFAULT VALUES"]


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=12))
def test_counts_are_right_after_any_sequence_of_transactions(
    library: Session, statements: list[str]
) -> None:
    with library.connection.transaction(force_rollback=True):
        for statement in statements:
            # what Postgres refuses, say a path that is taken, counts for nothing
            with suppress(psycopg.errors.IntegrityError), library.connection.transaction():
                execute(library, statement)
            end(library)
            assert wrong_counts(library) == []


SESSIONS, ROUNDS, CLUSTERS = 4, 60, 12


def random_statement(chance: random.Random) -> str:
    some = f"id % {chance.randint(2, 9)} = 0"
    cluster = chance.choice(["NULL", *range(1, CLUSTERS + 1)])
    return chance.choice(
        [
            f"INSERT INTO photos (path, cluster_id) VALUES (gen_random_uuid(), {cluster})",
            "INSERT INTO photos (path, cluster_id) SELECT gen_random_uuid(), 1 + n %"
            f" {CLUSTERS} FROM generate_series(1, {chance.randint(1, 40)}) AS n",
            f"DELETE FROM photos WHERE id % 23 = {chance.randint(0, 22)}",
            f"UPDATE photos SET cluster_id = {cluster} WHERE {some}",
            f"UPDATE photos SET cluster_id = 1 + (id * {chance.randint(1, 9)}) % {CLUSTERS}",
            f"UPDATE photos SET path = path WHERE {some}",
            "INSERT INTO clusters (photos_count) VALUES (5)",
            f"DELETE FROM clusters WHERE id > {CLUSTERS}",
            "TRUNCATE photos" if chance.random() < 0.1 else "SELECT 1",
        ]
    )


def work(url: str, seed: int, together: Barrier) -> None:
    """Random statements, some of them in transactions, some of these undone or serializable."""
    chance = random.Random(seed)
    with Session.open(url) as session:
        together.wait()
        for _ in range(ROUNDS):
            isolation = chance.choice(["READ COMMITTED"] * 3 + ["REPEATABLE READ", "SERIALIZABLE"])
            statements = [random_statement(chance) for _ in range(chance.choice([1, 1, 3]))]
            # What two want at once in different orders, Postgres ends one of; that is as it was.
            with (
                suppress(psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure),
                session.connection.transaction(force_rollback=chance.random() < 0.1),
            ):
                execute(session, f"SET TRANSACTION ISOLATION LEVEL {isolation}", *statements)


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_right_after_several_sessions_at_once(
    seed: int, session: Session, database_url: str
) -> None:
    execute(session, f"INSERT INTO clusters (id) SELECT generate_series(1, {CLUSTERS})",
            "ALTER SEQUENCE clusters_id_seq RESTART WITH 100")  # fmt: skip
    execute(session, "ALTER DATABASE " + session.connection.info.dbname
            + " SET deadlock_timeout = '50ms'")  # fmt: skip
    together = Barrier(SESSIONS, timeout=10)
    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [
            pool.submit(work, database_url, 10 * seed + number, together)
            for number in range(SESSIONS)
        ]:
            done.result()
    # what a serializable transaction counted, others may have to add, and the last one has nobody
    assert query(session, WRONG_WITH_PENDING) == []
    session.fetch_value("triggers/fold")
    assert wrong_counts(session) == []
    assert query(session, "SELECT count(*) FROM photo_count_changes") == [(0,)]
    assert query(session, "SELECT count(*) > 0 FROM photos") == [(True,)]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_truncate_counts_what_came_in_while_it_waited_for_the_table(
    isolation: str, library: Session
) -> None:
    """Above READ COMMITTED its snapshot is older than its lock: it can't see what it takes away."""

    with library.reconnected() as other, ThreadPoolExecutor(1) as pool:
        with library.transaction():
            execute(library, MOVES["one comes"], "INSERT INTO clusters (id) VALUES (9)",
                    "INSERT INTO photos (path, cluster_id) VALUES ('a', 9)")  # fmt: skip
            truncated = pool.submit(
                execute, other, "BEGIN", f"SET TRANSACTION ISOLATION LEVEL {isolation}",
                "TRUNCATE photos", "COMMIT",
            )  # fmt: skip
            wait_until_blocked(library, other.connection.info.backend_pid)
        truncated.result()
    assert query(library, WRONG_WITH_PENDING) == []
    assert library.fetch_all("check/find_wrong_counts") == []
    execute(library, "INSERT INTO photos (path, cluster_id) VALUES ('b', 9)")
    assert query(library, COUNTS) == [(1, 0), (2, 0), (3, 0), (4, 0), (9, 1)]


def test_nobody_waits_for_who_moved_photos_of_the_same_clusters(library: Session) -> None:
    """Nor for who has a cluster locked: what can't be counted then is counted by the next one."""
    with library.reconnected() as other:
        execute(other, "SET lock_timeout = '2s'")
        with library.transaction():
            execute(library, "UPDATE photos SET cluster_id = 4 WHERE id = 1")
            execute(other, "UPDATE photos SET cluster_id = 4 WHERE id IN (2, 5)")
            assert query(other, COUNTS) == [(1, 3), (2, 2), (3, 2), (4, 2)]
        assert query(other, COUNTS) == [(1, 2), (2, 2), (3, 2), (4, 3)]
        with library.transaction():
            library.fetch_all("check/lock_clusters", cluster_ids=[4])
            execute(other, "UPDATE photos SET cluster_id = 4 WHERE id = 3")
            assert query(other, COUNTS) == [(1, 1), (2, 2), (3, 2), (4, 3)]
            overview = "SELECT id, photos_count FROM cluster_overview ORDER BY id"
            assert query(other, overview) == [(1, 1), (2, 2), (3, 2), (4, 4)]
        execute(other, "UPDATE photos SET cluster_id = 1 WHERE id = 8")
        assert query(other, COUNTS) == [(1, 2), (2, 2), (3, 1), (4, 4)]
        assert query(other, "SELECT count(*) FROM photo_count_changes") == [(0,)]


def test_who_deletes_a_cluster_and_who_moves_its_photos_wait_and_are_not_ended(
    library: Session,
) -> None:
    """A move locked its clusters to count, once: the other way round than a deletion does."""
    with library.reconnected() as other, ThreadPoolExecutor(1) as pool:
        with library.transaction():
            execute(library, "UPDATE photos SET cluster_id = NULL WHERE id = 1")
            deleting = pool.submit(execute, other, "DELETE FROM clusters WHERE id = 1")
            wait_for(library, SOMEBODY_WAITS)
        deleting.result()
    assert query(library, COUNTS) == [(2, 3), (3, 2), (4, 0)]
    assert query(library, "SELECT count(*) FROM photos WHERE cluster_id IS NULL") == [(7,)]


# generate, with triggers and without


def statements_of_a_run(url: str) -> set[str]:
    return {statement.name for statement in running.explain(url, running.settings(k=5))}


def test_with_triggers_a_run_writes_no_counts_itself(session: Session, database_url: str) -> None:
    add_photos(session, made_library(2)[0])
    assert "commit/write_counts" not in statements_of_a_run(database_url)
    generate(session, k=5)
    assert wrong_counts(session) == []
    put_into_effect(session, "service")
    execute(session, "DELETE FROM clusters")
    assert "commit/write_counts" in statements_of_a_run(database_url)
    generate(session, k=5)
    assert wrong_counts(session) == []


SOME_TRIGGERS = ["count_updated", "count_inserted", "count_deleted", "fold"]


@pytest.mark.parametrize("trigger", SOME_TRIGGERS)
def test_runs_count_once_where_a_trigger_is_disabled(trigger: str, session: Session) -> None:
    """What they do, that is: what others did meanwhile may be counted by nobody."""
    add_photos(session, made_library(2)[0])
    table = "photo_count_changes" if trigger == "fold" else "photos"
    execute(session, f"ALTER TABLE {table} DISABLE TRIGGER fluffy_sql_{trigger}")
    generate(session, k=5)
    assert query(session, WRONG_WITH_PENDING) == []
    assert query(session, "SELECT sum(photos_count) FROM cluster_overview") == [(600,)]
    generate(session, k=7, recluster=True, cold=True)
    assert query(session, WRONG_WITH_PENDING) == []
    running.undo(session, 2)
    assert query(session, WRONG_WITH_PENDING) == []
    put_into_effect(session, "triggers")
    execute(session, "UPDATE photos SET cluster_id = NULL WHERE id % 2 = 0")
    execute(session, f"ALTER TABLE {table} DISABLE TRIGGER fluffy_sql_{trigger}")
    running.assign(session, within=100)
    assert query(session, WRONG_WITH_PENDING) == []
    assert query(session, "SELECT sum(photos_count) FROM cluster_overview") == [(600,)]
    session.fetch_value("triggers/fold")
    assert wrong_counts(session) == []


# The setting


COUNTING = [
    *("fluffy_sql_count_cluster", "fluffy_sql_fold", "fluffy_sql_count_deleted"),
    *("fluffy_sql_count_inserted", "fluffy_sql_count_truncated", "fluffy_sql_count_updated"),
]


def triggers(session: Session) -> list[str]:
    """Those that count, of those that are there."""
    found = session.fetch_all("triggers/list")
    return [row["name"] for row in found if row["kind"] == "count" and row["there"]]


def test_the_setting_is_put_into_effect_once(session: Session) -> None:
    assert put_into_effect(session, "auto") == CounterCache("triggers", False, 0, False)
    assert put_into_effect(session, "service") == CounterCache("service", True, 0, False)
    assert triggers(session) == []
    assert put_into_effect(session, "service") == CounterCache("service", False, 0, False)
    assert put_into_effect(session, "triggers") == CounterCache("triggers", True, 0, False)
    assert triggers(session) == COUNTING


@pytest.mark.parametrize("kept_by", ["triggers", "service"])
def test_what_is_in_effect_locks_nothing(kept_by: str, session: Session) -> None:
    put_into_effect(session, kept_by)
    with session.reconnected() as other, other.transaction():
        execute(other, "LOCK TABLE photos IN ACCESS EXCLUSIVE MODE")
        execute(session, "SET lock_timeout = '500ms'")
        assert not put_into_effect(session, kept_by).changed


@pytest.mark.parametrize("trouble", ["DISABLE TRIGGER", "DROP"])
def test_what_is_in_effect_by_half_is_completed(trouble: str, library: Session) -> None:
    name = "fluffy_sql_count_deleted"
    execute(
        library,
        f"DROP TRIGGER {name} ON photos"
        if trouble == "DROP"
        else f"ALTER TABLE photos DISABLE TRIGGER {name}",
        MOVES["many go"],
    )
    assert put_into_effect(library, "auto") == CounterCache("triggers", True, 3, False)
    assert wrong_counts(library) == []


def test_triggers_begin_with_right_counts_whoever_writes_meanwhile(library: Session) -> None:
    put_into_effect(library, "service")
    with library.reconnected() as other, ThreadPoolExecutor(1) as pool:
        with other.transaction():
            execute(other, MOVES["a cluster moves"])
            migrating = pool.submit(put_into_effect, library, "triggers")
            wait_for(other, SOMEBODY_WAITS)
        assert migrating.result() == CounterCache("triggers", True, 2, False)
    assert query(library, COUNTS) == [(1, 0), (2, 7), (3, 2), (4, 0)]


def test_where_triggers_are_refused_the_setting_is_named_and_nothing_is_changed(
    library: Session,
) -> None:
    put_into_effect(library, "service")
    execute(library, MOVES["one goes"])
    with library.connection.transaction(force_rollback=True):
        as_role(
            library,
            "ALL ON clusters, photo_count_changes",
            "SELECT, UPDATE ON photos",
            "USAGE ON SCHEMA fluffy_sql",
        )
        with pytest.raises(
            SchemaError,
            match=r"^triggers can't keep photos_count: Postgres: permission denied for table photos"
            r"; grant .*; or set clustering.counter_cache to service and migrate again$",
        ):
            put_into_effect(library, "auto")
        assert put_into_effect(library, "service").kept_by == "service"
    assert wrong_counts(library) == [(1, 4, 3)]


def test_another_failure_is_told_as_it_is(library: Session) -> None:
    put_into_effect(library, "service")
    execute(library, "DROP FUNCTION count_photos")
    with pytest.raises(DatabaseError, match="count_photos"):
        put_into_effect(library, "triggers")
    assert triggers(library) == []


# Adopted libraries


def adopt(url: str, photos_count: str | None, cluster_id: str = "bigint") -> None:
    """Tables of an application: two clusters, two photos in the first and one in the second."""
    counted = f", photos_count {photos_count}" if photos_count else ""
    serial = {"bigint": "bigserial", "integer": "serial"}[cluster_id]
    with psycopg.connect(url, autocommit=True) as application:
        execute(
            application,
            "CREATE EXTENSION vector",
            f"CREATE TABLE clusters (id {serial} PRIMARY KEY{counted})",
            f"CREATE TABLE photos (id serial PRIMARY KEY, path text, cluster_id {cluster_id})",
            "INSERT INTO clusters (id) VALUES (1), (2)",
            "INSERT INTO photos (path, cluster_id) VALUES ('a', 1), ('b', 1), ('c', 2)",
        )


def test_a_count_of_the_application_is_left_to_it(bare_database_url: str) -> None:
    adopt(bare_database_url, "integer DEFAULT 0")
    kept = schema.migrate(bare_database_url).counter_cache
    assert kept == CounterCache("service", False, 0, found_here=True)
    with Session.open(bare_database_url) as session:
        # what Rails does for each photo that it makes
        execute(
            session,
            "INSERT INTO photos (path, cluster_id) VALUES ('d', 2)",
            "UPDATE clusters SET photos_count = coalesce(photos_count, 0) + 1 WHERE id = 2",
        )
        assert query(session, COUNTS) == [(1, 0), (2, 1)]


def test_a_count_that_is_ours_is_right_at_once_in_tables_that_are_not(
    bare_database_url: str,
) -> None:
    adopt(bare_database_url, None)
    kept = schema.migrate(bare_database_url).counter_cache
    assert kept == CounterCache("triggers", True, 2, found_here=False)
    with Session.open(bare_database_url) as session:
        assert query(session, COUNTS) == [(1, 2), (2, 1)]


@pytest.mark.parametrize("cluster_id", ["integer", "bigint"])
@pytest.mark.parametrize("photos_count", ["integer", "bigint", "bigint NOT NULL DEFAULT 7"])
def test_triggers_count_in_the_application_s_column_if_asked_to(
    photos_count: str, cluster_id: str, bare_database_url: str
) -> None:
    adopt(bare_database_url, photos_count, cluster_id)
    kept = schema.migrate(bare_database_url, keep_counts_by="triggers").counter_cache
    assert kept == CounterCache("triggers", True, 2, found_here=False)
    with Session.open(bare_database_url) as session:
        execute(
            session,
            "UPDATE photos SET cluster_id = 2 WHERE path = 'a'",
            "INSERT INTO clusters (id) VALUES (3)",
            "ALTER TABLE clusters ALTER photos_count DROP NOT NULL",
            "UPDATE clusters SET photos_count = NULL WHERE id = 3",
            "INSERT INTO photos (path, cluster_id) VALUES ('d', 3), ('e', 3)",
            "DELETE FROM photos WHERE path IN ('c', 'd')",
        )
        assert query(session, COUNTS) == [(1, 1), (2, 1), (3, 1)]


def test_a_column_of_any_name_does_no_harm(bare_database_url: str) -> None:
    adopt(bare_database_url, None)
    names = "net changes changed moved photo photos cluster cluster_ids new_photos old_photos new"
    with psycopg.connect(bare_database_url, autocommit=True) as application:
        for table in ("photos", "clusters"):
            for name in names.split():
                application.execute(f"ALTER TABLE {table} ADD {name} bigint[]".encode())
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url) as session:
        execute(
            session,
            "INSERT INTO clusters (id) VALUES (3)",
            "INSERT INTO photos (path, cluster_id) VALUES ('d', 2), ('e', 3)",
            "UPDATE photos SET cluster_id = 3 WHERE path = 'a'",
            "DELETE FROM photos WHERE path = 'c'",
        )
        assert query(session, COUNTS) == [(1, 1), (2, 1), (3, 2)]
        execute(session, "TRUNCATE photos")
        assert query(session, COUNTS) == [(1, 0), (2, 0), (3, 0)]


def test_photos_of_clusters_that_are_gone_are_no_obstacle(bare_database_url: str) -> None:
    adopt(bare_database_url, None)
    with psycopg.connect(bare_database_url, autocommit=True) as application:
        application.execute("INSERT INTO photos (path, cluster_id) VALUES ('lost', 4711)")
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url) as session:
        execute(session, "UPDATE photos SET cluster_id = 2 WHERE path = 'lost'")
        assert query(session, COUNTS) == [(1, 2), (2, 2)]


def test_partitions_are_counted(bare_database_url: str) -> None:
    with psycopg.connect(bare_database_url, autocommit=True) as application:
        execute(
            application,
            "CREATE EXTENSION vector",
            "CREATE TABLE clusters (id bigserial PRIMARY KEY)",
            "CREATE TABLE photos (id bigint PRIMARY KEY, path text, embedding vector,"
            " cluster_id bigint REFERENCES clusters) PARTITION BY RANGE (id)",
            "CREATE TABLE photos_low PARTITION OF photos FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE photos_high PARTITION OF photos FOR VALUES FROM (10) TO (20)",
            "INSERT INTO clusters (id) VALUES (1), (2)",
            "INSERT INTO photos (id, path, cluster_id) SELECT n, n, 1"
            " FROM generate_series(5, 14) AS n",
        )
    schema.migrate(bare_database_url)
    with Session.open(bare_database_url) as session:
        execute(session, "UPDATE photos SET id = id + 10, cluster_id = 2 WHERE id IN (5, 6)")
        assert query(session, COUNTS) == [(1, 8), (2, 2)]
        execute(session, "UPDATE photos SET id = id - 10 WHERE id = 15", "DELETE FROM photos")
        assert query(session, COUNTS) == [(1, 0), (2, 0)]


def as_described(application: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Triggers and functions outside of our schema."""
    return application.execute(
        "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal UNION ALL"
        " SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c') ORDER BY 1"
    ).fetchall()


def test_uninstalling_takes_our_triggers_and_leaves_those_of_the_application(
    bare_database_url: str,
) -> None:
    adopt(bare_database_url, "bigint")
    with psycopg.connect(bare_database_url, autocommit=True) as application:
        for statement in (
            "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",  # noqa: E501
            "CREATE TRIGGER fluffy_sql_theirs AFTER INSERT ON photos EXECUTE FUNCTION own()",
        ):
            application.execute(statement.encode())
        before = as_described(application)
        schema.migrate(bare_database_url, keep_counts_by="triggers")
        assert {(name,) for name in COUNTING} <= set(as_described(application)) - set(before)
        for changed in (True, False):
            kept = schema.migrate(bare_database_url, keep_counts_by="service").counter_cache
            assert kept == CounterCache("service", changed, 0, found_here=False)
        schema.migrate(bare_database_url, keep_counts_by="triggers")
        assert schema.uninstall(bare_database_url) is True
        assert as_described(application) == before
