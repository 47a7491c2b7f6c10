"""Statements about several scopes at once, each by hand-computed answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fluffy_sql.errors import DatabaseError
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import empty
from tests.sql.helpers import (
    add_with_ids,
    labels,
    make_clusters,
    make_sample,
    place,
    query,
    vectors,
)

PROBE = np.array([1, 2], np.float32)
LONG_PROBE = np.array([1, 2, 3, 4], np.float32)


def give_scopes(session: Session, scopes: dict[int, int | None]) -> None:
    """Says whose photos are, by id; photos of nobody are not named."""
    session.connection.execute("CREATE TABLE owners (photo_id bigint, owner_id bigint)")
    for photo_id, scope in scopes.items():
        session.connection.execute("INSERT INTO owners VALUES (%s, %s)", (photo_id, scope))
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS"
        " SELECT id, path, embedding, cluster_id, owner_id AS scope"
        " FROM photos LEFT JOIN owners ON id = photo_id"
    )


def make_clusters_of(
    session: Session, centroids: Sequence[Sequence[float]], scopes: Sequence[int | None]
) -> list[int]:
    made = session.fetch_all(
        "commit/insert_clusters",
        run_id=None,
        centroids=vectors(session, centroids),
        scopes=list(scopes),
    )
    return sorted(row["id"] for row in made)


# Two scopes side by side: rows 1 to 3 with centroids 0 and 10, rows 4 and 5 with one at 1.
ROWS = [[0, 0], [2, 0], [11, 0], [0, 0], [4, 0]]
WHERE: dict[str, Any] = {
    "after_rows": [0, 3],
    "last_rows": [3, 5],
    "firsts": [1, 3],
    "lasts": [2, 3],
}
CENTROIDS = [[0, 0], [10, 0], [1, 0]]


def test_a_step_is_one_of_each_scope(session: Session) -> None:
    make_sample(session, ROWS)
    found = session.fetch_all(
        "kmeans/lloyd_step_by_scope", **WHERE, centroids=vectors(session, CENTROIDS)
    )
    assert {
        (row["scope"], row["label"]): (row["rows"], row["mean"].tolist(), row["error"])
        for row in found
    } == {(0, 0): (2, [1, 0], 4), (0, 1): (1, [11, 0], 1), (1, 0): (2, [2, 0], 10)}


def draw_scopes(session: Session, **changes: Any) -> list[tuple[Any, ...]]:
    parameters = {"seed": 1, "scopes": [7, 9], "unscoped": True, "clustered": False} | changes
    empty(session, "work_drawn")
    rows = session.fetch_all("kmeans/draw_scopes", **parameters)
    return [(row["scope"], row["after_row"], row["last_row"]) for row in rows]


def test_photos_of_a_scope_are_drawn_side_by_side(session: Session) -> None:
    add_with_ids(session, {i: [i, 1] for i in range(1, 9)})
    session.connection.execute("UPDATE photos SET embedding = NULL WHERE id = 8")
    give_scopes(session, {1: 9, 2: 7, 3: 9, 4: 7, 5: 8, 6: 7, 8: 7})
    assert draw_scopes(session) == [(None, 0, 1), (7, 1, 4), (9, 4, 6)]
    drawn = query(session, "SELECT photo_id, scope FROM work_drawn ORDER BY position")
    assert drawn[0] == (7, None)
    assert sorted(drawn[1:4]) == [(2, 7), (4, 7), (6, 7)]
    assert sorted(drawn[4:]) == [(1, 9), (3, 9)]
    assert draw_scopes(session, unscoped=False) == [(7, 0, 3), (9, 3, 5)]
    assert draw_scopes(session, scopes=[], unscoped=False) == []
    [ours] = make_clusters_of(session, [[1, 0]], [7])
    place(session, ours, 2)
    assert draw_scopes(session, scopes=[7], unscoped=False) == [(7, 0, 2)]
    assert draw_scopes(session, scopes=[7], unscoped=False, clustered=True) == [(7, 0, 3)]


def test_photos_get_the_nearest_centroid_of_their_scope(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [9, 0], 3: [9, 0], 4: [9, 0], 5: [1, 2]})
    give_scopes(session, {1: 7, 2: 7, 3: 9, 4: 9, 5: 9})
    draw_scopes(session)
    # Meanwhile one is embedded anew with another length, and one gets another owner.
    session.connection.execute("UPDATE photos SET embedding = '[1, 2, 3]' WHERE id = 3")
    session.connection.execute("UPDATE owners SET owner_id = 7 WHERE photo_id = 5")
    written = session.execute(
        "kmeans/assign_photos_by_scope",
        scopes=[7, 9],
        after_rows=[0, 2],
        last_rows=[2, 5],
        firsts=[1, 3],
        lasts=[2, 3],
        centroids=vectors(session, [[0, 0], [10, 0], [5, 0]]),
        first_label=100,
        fingerprint_vector=PROBE,
        normalize=False,
        dimensions=2,
        clustered=False,
    )
    found = query(session, "SELECT photo_id, label, distance, fingerprint FROM work_assignments")
    assert sorted(found) == [(1, 100, 0, 0), (2, 101, 1, -9), (4, 102, 4, -9)]
    assert written == 3


def test_zero_vectors_have_no_direction(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [3, 0]})
    give_scopes(session, {1: 7, 2: 7})
    draw_scopes(session)
    written = session.execute(
        "kmeans/assign_photos_by_scope",
        scopes=[7],
        after_rows=[0],
        last_rows=[2],
        firsts=[1],
        lasts=[1],
        centroids=vectors(session, [[1, 0]]),
        first_label=0,
        fingerprint_vector=PROBE,
        normalize=True,
        dimensions=2,
        clustered=False,
    )
    assert written == 1


def test_assignments_are_set_aside_and_brought_back(session: Session) -> None:
    insert = "INSERT INTO work_assignments VALUES (%s, %s, 0.5, '3', 2)"
    for photo_id, label in ((1, 0), (2, 1), (3, 1)):
        session.connection.execute(insert, (photo_id, label))
    assert session.execute("work_tables/forget_labels", labels=[0, 8]) == 1
    assert session.execute("work_tables/stash_assignments", add=10) == 2
    empty(session, "work_assignments")
    session.connection.execute(insert, (1, 0))
    assert session.execute("work_tables/stash_assignments", add=20) == 1
    empty(session, "work_assignments")
    assert session.execute("work_tables/restore_assignments") == 3
    found = query(
        session,
        "SELECT photo_id, label, distance, fingerprint, row_version::text"
        " FROM work_assignments ORDER BY photo_id",
    )
    assert found == [(1, 20, 0.5, 2, "3"), (2, 11, 0.5, 2, "3"), (3, 11, 0.5, 2, "3")]


# What becomes of photo 1, and whether it is forgotten: under normalize, and without.
CHANGES = {
    "nothing": ("SELECT 1", False, False),
    "another place": ("UPDATE photos SET path = 'moved' WHERE id = 1", False, False),
    "another length": ("UPDATE photos SET embedding = '[3, 2]' WHERE id = 1", False, True),
    "another direction": ("UPDATE photos SET embedding = '[1, 1.5]' WHERE id = 1", True, True),
    "no direction": ("UPDATE photos SET embedding = '[0, 0]' WHERE id = 1", True, True),
    "fewer dimensions": ("UPDATE photos SET embedding = '[3]' WHERE id = 1", True, True),
    "more dimensions": ("UPDATE photos SET embedding = '[1.5, 1, 9]' WHERE id = 1", True, True),
    "no embedding": ("UPDATE photos SET embedding = NULL WHERE id = 1", True, True),
    "not there": ("DELETE FROM photos WHERE id = 1", True, True),
    "another owner": ("UPDATE owners SET owner_id = 9 WHERE photo_id = 1", True, True),
    "no owner": ("DELETE FROM owners WHERE photo_id = 1", True, True),
}


def look_at_photos(session: Session, *, normalize: bool) -> None:
    """Photos 1 to 3 as a run saw them: photo 1 of scope 7, photo 2 of 9, photo 3 of none."""
    add_with_ids(session, {1: [1.5, 1], 2: [1.5, 1], 3: [1.5, 1]})
    give_scopes(session, {1: 7, 2: 9})
    session.connection.execute(
        "CREATE TEMPORARY TABLE looked_at AS SELECT id, scope, xmin AS row_version,"
        " CASE WHEN %s THEN l2_normalize(embedding) ELSE embedding END <#> %s AS fingerprint"
        " FROM (SELECT u.*, photos.xmin FROM usable_photos AS u JOIN photos USING (id)) AS photo",
        (normalize, PROBE),
    )


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("normalize", [True, False])
def test_what_was_assigned_and_changed_since_is_forgotten(
    session: Session, change: str, *, normalize: bool
) -> None:
    look_at_photos(session, normalize=normalize)
    session.connection.execute(
        "INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)"
        " SELECT id, id - 1, 0, row_version, fingerprint FROM looked_at"
    )
    statement, *forgotten = CHANGES[change]
    session.connection.execute(statement.encode())
    expected = forgotten[0 if normalize else 1]
    asked = {
        "labels": [0, 1, 2],
        "scopes": [7, 9, None],
        "normalize": normalize,
        "fingerprint_vector": LONG_PROBE,
    }
    assert session.execute("commit/forget_changed", **asked) == expected
    kept = query(session, "SELECT photo_id FROM work_assignments ORDER BY 1")
    assert kept == ([(2,), (3,)] if expected else [(1,), (2,), (3,)])


def test_columns_that_a_cluster_can_not_do_without_are_found(session: Session) -> None:
    def unknown(*, unscoped: bool) -> list[str]:
        found = session.fetch_all("survey/find_unknown_columns", unscoped=unscoped)
        return [row["name"] for row in found]

    assert unknown(unscoped=True) == []
    session.connection.execute("ALTER TABLE clusters ADD album_id bigint NOT NULL")
    session.connection.execute("ALTER TABLE clusters ADD kind text NOT NULL DEFAULT 'x'")
    session.connection.execute("ALTER TABLE clusters ADD owner_id bigint NOT NULL")
    assert unknown(unscoped=True) == ["album_id", "owner_id"]
    session.connection.execute("SELECT scope_clusters_by('owner_id')")
    assert unknown(unscoped=True) == ["album_id", "owner_id"]
    assert unknown(unscoped=False) == ["album_id"]


def test_clusters_that_hold_photos_of_another_scope_are_found(session: Session) -> None:
    add_with_ids(session, {i: [i, 1] for i in range(1, 7)})
    first, second, third = make_clusters(session, [[0, 0], [1, 0], [2, 0]])
    place(session, first, 1, 2, 3)
    place(session, second, 4)
    place(session, third, 5, 6)
    give_scopes(session, {2: 7, 3: 9, 5: 8})
    session.connection.execute("ALTER TABLE clusters DISABLE TRIGGER USER")
    session.connection.execute("UPDATE clusters SET scope = 8 WHERE id = %s", (third,))
    found = session.fetch_all("check/find_wrong_scope")
    assert [tuple(row.values()) for row in found] == [
        (first, None, 2, 2, 7),
        (third, 8, 1, 6, None),
    ]


def test_scopes_of_a_range_are_told_once(session: Session) -> None:
    for position, scope in enumerate([None, None, 7, 7, 9], start=1):
        session.connection.execute(
            "INSERT INTO work_candidates VALUES (%s, %s, NULL, %s)", (position, position, scope)
        )
    found = session.fetch_all("assign/list_scopes_of_range", after_row=1, last_row=4)
    assert [row["scope"] for row in found] == [7, None]


def test_photos_go_to_the_nearest_cluster_of_their_scope(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [0, 0], 3: [9, 0]})
    give_scopes(session, {1: 7, 2: 9})
    assert session.execute("assign/list_new_photos") == 3
    order = query(session, "SELECT photo_id, scope FROM work_candidates ORDER BY position")
    assert order == [(3, None), (1, 7), (2, 9)]
    # In between, photo 1 is given away.
    session.connection.execute("UPDATE owners SET owner_id = 9 WHERE photo_id = 1")
    found = session.execute(
        "assign/find_nearest",
        scopes=[None, 7, 9],
        firsts=[1, 2, 3],
        lasts=[1, 2, 4],
        labels=[11, 12, 13, 14],
        centroids=vectors(session, [[5, 0], [0, 0], [9, 0], [8, 0]]),
        limits=[100.0] * 4,
        normalize=False,
        dimensions=2,
        fingerprint_vector=PROBE,
        after_row=0,
        last_row=3,
    )
    assert found == 2
    assert labels(session) == {2: 14, 3: 11}


def test_the_nearest_active_cluster_is_one_of_the_scope(session: Session) -> None:
    _, theirs, unscoped = make_clusters_of(session, [[1, 0], [0, 1], [1, 1]], [7, 9, None])
    ask = "SELECT nearest_active_cluster('[1, 0]', scope => {})"
    assert query(session, ask.format(9)) == [(theirs,)]
    assert query(session, ask.format("NULL")) == [(unscoped,)]
    assert query(session, ask.format(5)) == [(None,)]


def test_a_photo_and_its_cluster_are_of_one_scope(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 1], 3: [1, 1]})
    give_scopes(session, {1: 7, 2: 9})
    ours, unscoped = make_clusters_of(session, [[1, 0], [1, 1]], [7, None])
    place(session, ours, 1)
    place(session, unscoped, 3)
    for photo_id, cluster_id in ((2, ours), (3, ours), (1, unscoped)):
        with pytest.raises(DatabaseError, match=f"photo {photo_id} is of"), session.transaction():
            place(session, cluster_id, photo_id)
    with (
        pytest.raises(DatabaseError, match="it holds photo 1, which is of scope 7"),
        session.transaction(),
    ):
        session.connection.execute("UPDATE clusters SET scope = NULL WHERE id = %s", (ours,))
    # One without photos can have another.
    place(session, ours)
    session.connection.execute("UPDATE photos SET cluster_id = NULL WHERE id = 1")
    session.connection.execute("UPDATE clusters SET scope = 9 WHERE id = %s", (ours,))


def test_clusters_are_compared_within_their_scope(session: Session) -> None:
    for label, mean, spread in ((1, [0, 0], 1), (2, [1, 0], 1), (3, [9, 0], 2), (4, [30, 0], 5)):
        session.connection.execute(
            "INSERT INTO work_measured_clusters VALUES (%s, 1, %s, %s, 0, 1)",
            (label, str(mean), spread),
        )
    session.execute("quality/compare_clusters", labels=[1, 2, 3, 4], scopes=[0, 1, 0, 2])
    found = query(session, "SELECT label, davies_bouldin FROM work_measured_clusters ORDER BY 1")
    assert found == [(1, pytest.approx(3 / 9)), (2, None), (3, pytest.approx(3 / 9)), (4, None)]
