"""What was migrated, and the lock that lets one migration run at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fluffy_sql.database import schema
from fluffy_sql.database.session import Session
from fluffy_sql.errors import DatabaseError
from fluffy_sql.resources import migrations_folder

if TYPE_CHECKING:
    Created = set[tuple[str, str, str]]


def created(session: Session) -> Created:
    found = session.fetch_all("schema/list_created_objects")
    return {(row["kind"], row["table_name"], row["name"]) for row in found}


def test_whether_anything_was_ever_migrated(session: Session, bare_database_url: str) -> None:
    assert session.fetch_value("schema/has_migrations_table") is True
    with Session.open(bare_database_url) as bare:
        assert bare.fetch_value("schema/has_migrations_table") is False


def test_applied_migrations_are_those_in_the_folder_oldest_first(session: Session) -> None:
    in_folder = sorted(
        file.stem
        for file in migrations_folder().glob("*.sql")
        if not file.name.endswith(".rollback.sql")
    )
    applied = session.fetch_all("schema/list_applied_migrations")
    assert [row["migration_id"] for row in applied] == in_folder


def test_a_migration_that_was_taken_back_is_not_listed(session: Session) -> None:
    session.connection.execute(
        "DELETE FROM fluffy_sql_migrations WHERE migration_id = '0004_inspection_views'"
    )
    applied = session.fetch_all("schema/list_applied_migrations")
    assert "0004_inspection_views" not in {row["migration_id"] for row in applied}


@pytest.mark.parametrize(
    ("dropped", "lost"),
    [
        (None, []),
        ("VIEW cluster_members CASCADE", ["cluster_members"]),
        ("TABLE cluster_runs CASCADE", ["cluster_members", "cluster_runs"]),
        ("TABLE photos CASCADE", ["cluster_members", "photos", "usable_photos"]),
        (
            "EXTENSION vector CASCADE",
            ["cluster_members", "clusters.centroid", "photos.embedding", "usable_photos"],
        ),
    ],
)
def test_what_was_dropped_since_is_listed(
    session: Session, dropped: str | None, lost: list[str]
) -> None:
    if dropped:
        session.connection.execute(f"DROP {dropped}".encode())
    assert [row["name"] for row in session.fetch_all("schema/list_lost_objects")] == lost


def test_an_empty_database_gets_both_tables_and_the_view_from_us(session: Session) -> None:
    expected = {
        ("table", "photos", "photos"),
        ("table", "clusters", "clusters"),
        ("view", "usable_photos", "usable_photos"),
        ("index", "photos", "photos_cluster_id_idx"),
        ("constraint", "photos", "photos_cluster_id_fkey"),
    }
    assert expected < created(session)


def test_a_table_that_was_here_before_is_not_listed_but_its_new_columns_are(
    bare_database_url: str,
) -> None:
    with Session.open(bare_database_url) as session:
        session.connection.execute("CREATE TABLE photos (id bigint PRIMARY KEY, path text)")
        schema.migrate(bare_database_url)
        assert ("table", "photos", "photos") not in created(session)
        assert ("column", "photos", "embedding") in created(session)
        assert ("column", "photos", "path") not in created(session)


def test_a_migration_waits_for_the_one_before_it(
    two_sessions: tuple[Session, Session],
) -> None:
    first, second = two_sessions
    second.connection.execute("SET lock_timeout = '200ms'")
    first.fetch_all("schema/lock_migrations")
    with pytest.raises(DatabaseError) as refused:
        second.fetch_all("schema/lock_migrations")
    assert refused.value.sqlstate == "55P03"
    assert first.fetch_value("schema/unlock_migrations") is True
    second.fetch_all("schema/lock_migrations")


def test_a_run_and_a_migration_do_not_share_a_lock(two_sessions: tuple[Session, Session]) -> None:
    first, second = two_sessions
    first.fetch_all("schema/lock_migrations")
    assert second.fetch_value("runs/try_lock") is True


def test_a_schema_that_names_do_not_reach_is_found(session: Session) -> None:
    assert session.fetch_all("schema/find_hidden_migrations") == []
    session.connection.execute("SET LOCAL search_path TO pg_catalog")
    assert session.fetch_all("schema/find_hidden_migrations") == [{"schema": "public"}]
