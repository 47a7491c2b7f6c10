"""New clusters are counted, empty ones taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sql.helpers import add_with_ids, hide, make_clusters, place, query

if TYPE_CHECKING:
    from fluffy_sql.database.session import Session


def counts(session: Session) -> dict[int, int]:
    return dict(query(session, "SELECT id, photos_count FROM clusters"))


def test_photos_of_the_given_clusters_are_counted(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in range(1, 7)})
    two, three, empty, not_given = make_clusters(session, [[1, 0]] * 4)
    place(session, two, 1, 2)
    place(session, three, 3, 4, 5)
    place(session, not_given, 6)
    assert session.execute("clusters/write_counts", cluster_ids=[two, three, empty]) == 2
    assert counts(session) == {two: 2, three: 3, empty: 0, not_given: 0}


def test_photos_that_are_not_usable_are_counted_too(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    [cluster] = make_clusters(session, [[1, 0]])
    place(session, cluster, 1, 2)
    hide(session, 2)
    session.execute("clusters/write_counts", cluster_ids=[cluster])
    assert counts(session) == {cluster: 2}


def test_empty_clusters_are_dropped_as_far_as_they_are_given(session: Session) -> None:
    empty, full, not_given = make_clusters(session, [[1, 0]] * 3)
    session.connection.execute("UPDATE clusters SET photos_count = 1 WHERE id = %s", (full,))
    assert session.execute("clusters/drop_empty", cluster_ids=[empty, full]) == 1
    assert set(counts(session)) == {full, not_given}
