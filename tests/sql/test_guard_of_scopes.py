"""The guard of scopes: of statements of many photos it asks first whether anything has a scope."""

import psycopg
import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import value

# From so many on it asks.
MANY = 1_000
PLACE_ALL = "UPDATE photos SET cluster_id = 1"
BY_OWNER = (
    "CREATE OR REPLACE VIEW usable_photos AS"
    " SELECT id, path, embedding, cluster_id, owner AS scope FROM photos"
)

some_or_many = pytest.mark.parametrize("photos", [MANY - 1, MANY])


def fill(session: Session, photos: int) -> None:
    """Photos and a cluster, which belong to nobody, though photos can have owners."""
    session.connection.execute("ALTER TABLE photos ADD COLUMN owner bigint")
    session.connection.execute(
        "INSERT INTO photos (path) SELECT 'p' || n FROM generate_series(1, %s) AS n", (photos,)
    )
    session.connection.execute("INSERT INTO clusters (id) VALUES (1)")


@some_or_many
def test_photos_without_a_scope_go_into_a_cluster_without_one(
    session: Session, photos: int
) -> None:
    fill(session, photos)
    session.connection.execute(BY_OWNER)
    session.connection.execute(PLACE_ALL)
    assert value(session, "SELECT count(*) FROM photos WHERE cluster_id = 1") == photos


@some_or_many
def test_one_photo_of_a_scope_is_found_among_all(session: Session, photos: int) -> None:
    fill(session, photos)
    session.connection.execute(BY_OWNER)
    session.connection.execute(
        "UPDATE photos SET owner = 7 WHERE id = (SELECT max(id) FROM photos)"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="is of scope 7"):
        session.connection.execute(PLACE_ALL)


@some_or_many
def test_a_cluster_of_a_scope_takes_no_photo_without_one(session: Session, photos: int) -> None:
    fill(session, photos)
    session.connection.execute("UPDATE clusters SET scope = 7")
    with pytest.raises(psycopg.errors.CheckViolation, match="which is of scope 7"):
        session.connection.execute(PLACE_ALL)


def test_where_nothing_has_a_scope_no_photo_is_looked_up(session: Session) -> None:
    fill(session, MANY)
    scans = (
        "SELECT coalesce(idx_scan, 0) + seq_scan FROM pg_stat_xact_user_tables"
        " WHERE relname = 'photos'"
    )
    with session.transaction():
        before = value(session, scans)
        session.connection.execute(PLACE_ALL)
        # Of the UPDATE itself; to look photos up takes another at least.
        assert value(session, scans) - before == 1
