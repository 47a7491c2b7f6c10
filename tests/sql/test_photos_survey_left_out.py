"""Why photos that were to be clustered got no label."""

from collections.abc import Callable

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import (
    LONG_PATH,
    add_with_ids,
    hide,
    make_assignments,
    make_clusters,
    place,
    query,
)


def left_out(session: Session, *, clustered: bool = False) -> list[tuple[int, int, int]]:
    """(dimensions, photos, zero vectors), in the order of the rows."""
    found = session.fetch_all("survey/count_unlabelled", clustered=clustered)
    return [(row["dimensions"], row["photos"], row["zero_vectors"]) for row in found]


def test_photos_without_a_label_are_counted_by_length_and_zero_vectors_among_them(
    session: Session,
) -> None:
    add_with_ids(session, {1: [0, 0], 2: [0, 0], 3: [1, 0], 4: [1, 0, 0], 5: [0, 0, 0]})
    make_assignments(session, {})
    assert left_out(session) == [(2, 3, 2), (3, 2, 1)]


def test_photos_with_a_label_are_not_counted(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [0, 0], 3: [1, 0, 0]})
    make_assignments(session, {1: (0, 0.0), 3: (-1, 0.0)})
    assert left_out(session) == [(2, 1, 1)]


def test_where_all_have_a_label_there_are_no_rows(session: Session) -> None:
    add_with_ids(session, {1: [1, 0]})
    make_assignments(session, {1: (0, 0.0)})
    assert left_out(session) == []


def test_photos_that_were_not_to_be_clustered_are_not_counted(session: Session) -> None:
    add_with_ids(session, {1: None, 2: [1, 0], 3: [2, 0], 4: [0, 1, 0]})
    place(session, make_clusters(session, [[1, 0]])[0], 2)
    hide(session, 3)
    make_assignments(session, {})
    assert left_out(session) == [(3, 1, 0)]


def test_another_length_that_takes_the_same_space_is_found(
    session: Session, add_photos: Callable[..., list[int]]
) -> None:
    # In its row beside out of its row: the one case in which the survey sees one length.
    shorter, _ = add_photos([[1] * 480, [1] * 481], paths=["p", LONG_PATH])
    sizes = query(session, "SELECT DISTINCT pg_column_size(embedding) FROM photos")
    assert len(sizes) == 1
    make_assignments(session, {shorter: (0, 0.0)})
    assert left_out(session) == [(481, 1, 0)]
