"""The functions that place one photo, called by an application or attached as a trigger."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fluffy_sql.postgres.counter_cache import SERVICE, put_into_effect
from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    add_with_ids,
    as_role,
    clusters_with_ids,
    hide,
    make_hostile,
    open_run,
    pin,
    place,
    placed,
    query,
    value,
    wait_until_blocked,
)

TRIGGER = (
    "CREATE TRIGGER place_new AFTER INSERT OR UPDATE OF embedding ON photos"
    " FOR EACH ROW EXECUTE FUNCTION fluffy_sql.place_new_photo({})"
)


def add_clusters(
    session: Session, centroids: dict[int, list[float]], metric: str | None = "l2"
) -> None:
    """Adds clusters with these ids, of a run of this metric; None: of no run."""
    run_id = open_run(session, metric=metric) if metric else None
    clusters_with_ids(session, centroids, run_id)


def assign(session: Session, photo_id: int | None, *limit: float | None) -> int | None:
    """Calls the function, whose answer is where the photo is afterwards."""
    arguments = ", ".join(["%s"] * (1 + len(limit)))
    given: int | None = value(session, f"SELECT assign_photo({arguments})", photo_id, *limit)
    assert photo_id not in placed(session) or placed(session)[photo_id] == given
    return given


def set_status(session: Session, cluster_id: int, status: int) -> None:
    session.connection.execute(
        "UPDATE clusters SET status = %s WHERE id = %s", (status, cluster_id)
    )


# assign_photo


def test_a_photo_goes_to_the_nearest_cluster(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [9, 0]})
    add_clusters(session, {3: [0, 0], 4: [10, 0], 5: [10, 0]})
    session.connection.execute("UPDATE photos SET updated_at = '2001-01-01'")
    assert (assign(session, 2), placed(session)) == (4, {1: None, 2: 4})
    fresh = "SELECT updated_at = now() FROM photos ORDER BY id"
    assert query(session, fresh) == [(False,), (True,)]


def test_it_takes_its_arguments_by_name(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [0, 0]})
    named = "SELECT assign_photo(photo_id => 1, max_distance => %s)"
    assert value(session, named, 0.5) is None
    assert value(session, named, 1.0) == 3


@pytest.mark.parametrize(("limit", "expected"), [(4.9, None), (5.0, 3), (None, 3)])
def test_the_limit_is_a_distance_in_the_metric_of_the_run(
    session: Session, limit: float | None, expected: int | None
) -> None:
    add_with_ids(session, {1: [3, 4]})
    add_clusters(session, {3: [0, 0]})
    assert assign(session, 1, limit) == expected


def test_under_cosine_too(session: Session) -> None:
    add_with_ids(session, {1: [0, 5]})
    add_clusters(session, {3: [1, 0]}, metric="cosine")
    assert [assign(session, 1, limit) for limit in (0.99, 1.0)] == [None, 3]


def test_a_photo_in_a_cluster_stays_and_so_does_a_pinned_one(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    add_clusters(session, {3: [9, 9], 4: [1, 0]})
    place(session, 3, 1)
    pin(session, 2)
    before = query(session, "SELECT ctid::text FROM photos")
    assert (assign(session, 1), assign(session, 2)) == (3, None)
    assert query(session, "SELECT ctid::text FROM photos") == before


def test_what_can_not_be_placed_is_not(session: Session) -> None:
    add_with_ids(session, {1: [1, 0, 0], 2: [0, 0], 3: [1, 0], 4: None})
    add_clusters(session, {3: [1, 0]}, metric="cosine")
    hide(session, 3)
    assert [assign(session, photo_id) for photo_id in (1, 2, 3, 4, 4711, None)] == [None] * 6


def test_what_is_not_placed_is_not_written(session: Session) -> None:
    add_with_ids(session, {1: [9, 0]})
    add_clusters(session, {3: [0, 0]})
    before = query(session, "SELECT ctid::text FROM photos")
    assert assign(session, 1, 1.0) is None
    assert query(session, "SELECT ctid::text FROM photos") == before


def test_unusable_clusters_take_none(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0], 4: [5, 0]})
    set_status(session, 3, 1)
    assert assign(session, 1, 1.0) is None
    assert assign(session, 1) == 4


def test_distances_in_two_metrics_are_not_compared(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0]})
    add_clusters(session, {4: [1, 0]}, metric=None)
    assert assign(session, 1) is None
    set_status(session, 3, 1)
    assert assign(session, 1) == 4


def test_the_time_is_utc_where_an_application_has_no_time_zone(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0]})
    session.connection.execute("ALTER TABLE photos ALTER updated_at TYPE timestamp")
    session.connection.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
    assign(session, 1)
    assert value(session, "SELECT updated_at = now() AT TIME ZONE 'UTC' FROM photos")
    assert value(session, "SELECT current_setting('TimeZone')") == "Asia/Tokyo"


# The trigger


def test_a_new_photo_is_placed_as_it_comes(session: Session) -> None:
    add_clusters(session, {3: [0, 0], 4: [10, 0]})
    session.connection.execute(TRIGGER.format("").encode())
    add_with_ids(session, {1: [1, 0], 2: [900, 0], 5: None})
    assert placed(session) == {1: 3, 2: 4, 5: None}
    session.connection.execute("UPDATE photos SET embedding = '[9, 0]'")
    # those in a cluster stay
    assert placed(session) == {1: 3, 2: 4, 5: 4}


def test_its_argument_is_the_limit(session: Session) -> None:
    add_clusters(session, {3: [0, 0]})
    session.connection.execute(TRIGGER.format("1.5").encode())
    add_with_ids(session, {1: [1.5, 0], 2: [1.6, 0]})
    assert placed(session) == {1: 3, 2: None}


def test_it_leaves_alone_what_is_placed_or_pinned(session: Session) -> None:
    add_clusters(session, {3: [0, 0], 4: [9, 9]})
    session.connection.execute(TRIGGER.format("").encode())
    session.connection.execute(
        "INSERT INTO photos (id, path, embedding, cluster_id, cluster_pinned) VALUES"
        " (1, 'a', '[0, 0]', 4, FALSE), (2, 'b', '[0, 0]', NULL, TRUE), (3, 'c', '[0, 0]', 4, TRUE)"
    )
    assert placed(session) == {1: 4, 2: None, 3: 4}


def test_it_never_refuses_a_photo(session: Session) -> None:
    session.connection.execute(TRIGGER.format("").encode())
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0]}, metric="cosine")
    add_with_ids(session, {2: [0, 0], 4: [1, 2, 3]})
    add_clusters(session, {4: [1, 0]})
    add_with_ids(session, {5: [1, 0]})
    assert set(placed(session).values()) == {None}


def test_before_the_photo_is_there_it_only_warns(session: Session) -> None:
    add_clusters(session, {3: [0, 0]})
    warnings: list[str | None] = []
    session.connection.add_notice_handler(lambda said: warnings.append(said.message_primary))
    session.connection.execute(TRIGGER.format("").replace("AFTER", "BEFORE").encode())
    add_with_ids(session, {1: [1, 0]})
    assert placed(session) == {1: None}
    [warning] = warnings
    assert "make it AFTER INSERT OR UPDATE" in str(warning)


def test_the_view_says_what_is_placed_and_by_which_embedding(session: Session) -> None:
    add_clusters(session, {3: [0, 0], 4: [10, 0]})
    session.connection.execute(TRIGGER.format("").encode())
    session.connection.execute("CREATE TABLE embeddings (id bigint, embedding vector)")
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS SELECT photos.id, path, embeddings.embedding,"
        " cluster_id, NULL::bigint AS scope FROM photos INNER JOIN embeddings USING (id)"
    )
    session.connection.execute("INSERT INTO embeddings VALUES (1, '[9, 0]')")
    add_with_ids(session, {1: [1, 0], 2: [1, 0]})
    assert placed(session) == {1: 4, 2: None}


@pytest.mark.parametrize(
    "change",
    [
        "DROP VIEW usable_photos CASCADE",
        "DROP FUNCTION assign_photo",
        "DROP FUNCTION library_is_whole",
        "ALTER TABLE clusters RENAME id TO number",
        "ALTER TABLE photos RENAME cluster_pinned TO pinned",
        "ALTER SCHEMA fluffy_sql RENAME TO old",
        "detach",
    ],
)
def test_photos_come_in_whatever_is_gone(session: Session, change: str) -> None:
    add_clusters(session, {3: [0, 0]})
    session.connection.execute(TRIGGER.format("").encode())
    if change == "detach":
        session.execute("schema/drop_definitions")
    else:
        session.connection.execute(change.encode())
    add_with_ids(session, {1: [1, 0]})
    assert placed(session) == {1: None}


INSERT = "INSERT INTO photos (id, path, embedding) VALUES (1, 'p', '[1, 0]')"
TO_INSERT = ("INSERT (id, path, embedding) ON photos", "USAGE ON SCHEMA public")
TO_PLACE = (
    "USAGE ON SCHEMA fluffy_sql",
    "SELECT ON photos, clusters, usable_photos, scoped_clusters, retired_clusters, cluster_runs,"
    " placing_rules",
    "UPDATE (cluster_id, updated_at) ON photos",
    "UPDATE (updated_at) ON clusters",
    "EXECUTE ON FUNCTION assign_photo, nearest_active_cluster, library_is_whole,"
    " clusters_by_neighbours, vector_nearest_clusters, centroid_distance",
)


@pytest.mark.parametrize(("rights", "expected"), [(TO_PLACE, 3), (TO_PLACE[:1], None), ((), None)])
def test_photos_of_a_role_that_may_not_place_them_come_in_unplaced(
    session: Session, rights: tuple[str, ...], expected: int | None
) -> None:
    add_clusters(session, {3: [0, 0]})
    session.connection.execute(TRIGGER.format("").encode())
    with as_role(session, *TO_INSERT, *rights):
        session.connection.execute(INSERT)
        session.connection.execute("RESET ROLE")
        assert placed(session) == {1: expected}


# Both


def by_function(session: Session) -> None:
    session.connection.execute("SELECT fluffy_sql.assign_photo(1)")


def by_trigger(session: Session) -> None:
    session.connection.execute("UPDATE public.photos SET embedding = '[1, 0]' WHERE id = 1")


both = pytest.mark.parametrize("placing", [by_function, by_trigger])


@pytest.fixture
def library(session: Session) -> None:
    """Photo 1 is nearest to cluster 3, then to 4; the trigger is attached after it came."""
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0], 4: [2, 0]})
    session.connection.execute(TRIGGER.format("").encode())


@both
@pytest.mark.usefixtures("library")
def test_names_mean_the_same_whatever_the_search_path(session: Session, placing: Any) -> None:
    make_hostile(session)
    placing(session)
    assert value(session, "SELECT cluster_id FROM public.photos") == 3


@both
@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("DELETE FROM clusters WHERE id = 3", None),
        ("SELECT FROM clusters FOR UPDATE; UPDATE clusters SET status = 1 WHERE id = 3", None),
        ("UPDATE clusters SET photos_count = 9 WHERE id = 3", 3),
    ],
)
@pytest.mark.usefixtures("library")
def test_whoever_is_deleting_a_cluster_or_has_locked_it_is_waited_for(
    session: Session, other: Session, placing: Any, meanwhile: str, expected: int | None
) -> None:
    put_into_effect(session, SERVICE)  # triggers that count would wait for any who counts
    pid = session.connection.info.backend_pid
    with ThreadPoolExecutor(1) as pool:
        with other.transaction():
            other.connection.execute(meanwhile.encode())
            done = pool.submit(placing, session)
            if expected is None:
                wait_until_blocked(other, pid)
            else:  # a count alone is no reason to wait
                done.result(timeout=20)
        done.result()
    assert placed(session) == {1: expected}


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("UPDATE photos SET cluster_id = 4", 4),
        ("UPDATE photos SET cluster_pinned = TRUE", None),
        ("UPDATE photos SET embedding = '[2, 0]'", 4),
        ("UPDATE photos SET embedding = '[7, 7, 7]'", None),
        ("UPDATE photos SET path = 'moved'", 3),
    ],
)
def test_whoever_is_changing_the_photo_is_waited_for(
    session: Session, other: Session, meanwhile: str, expected: int | None
) -> None:
    add_with_ids(session, {1: [1, 0]})
    add_clusters(session, {3: [1, 0], 4: [2, 0]})
    pid = session.connection.info.backend_pid
    with ThreadPoolExecutor(1) as pool:
        with other.transaction():
            other.connection.execute(meanwhile.encode())
            done = pool.submit(by_function, session)
            wait_until_blocked(other, pid)
        done.result()
    assert placed(session) == {1: expected}
