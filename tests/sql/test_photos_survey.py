"""What there is: photos by length of embedding, found without a look at most of them."""

from collections.abc import Callable

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import LONG_PATH, add_with_ids, hide, make_clusters, place, query


def survey(session: Session) -> list[tuple[bool, int | None, int]]:
    """(clustered, dimensions, photos), in the order of the rows."""
    found = session.fetch_all("survey/count_photos")
    return [(row["clustered"], row["dimensions"], row["photos"]) for row in found]


def add(session: Session, *embeddings: list[float] | None) -> None:
    """Adds photos 1, 2, ..."""
    add_with_ids(session, dict(enumerate(embeddings, start=1)))


def test_each_length_is_counted_the_most_frequent_first(session: Session) -> None:
    add(session, [0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [1], [0, 1])
    assert survey(session) == [(False, 3, 3), (False, 2, 2), (False, 1, 1)]


def test_of_equally_frequent_ones_the_shortest_comes_first(session: Session) -> None:
    add(session, [1, 1, 1], [1], [1, 1])
    assert [dimensions for _, dimensions, _ in survey(session)] == [1, 2, 3]


def test_photos_without_embedding_are_counted_apart(session: Session) -> None:
    add(session, None, [1, 0], None, None)
    assert survey(session) == [(False, None, 3), (False, 2, 1)]


def test_photos_in_a_cluster_are_counted_apart(session: Session) -> None:
    add(session, [1, 0], [2, 0], [3, 0], None, [4, 0], None)
    place(session, make_clusters(session, [[1, 0]])[0], 1, 4)
    assert sorted(survey(session), key=str) == [
        (False, 2, 3),
        (False, None, 1),
        (True, 2, 1),
        (True, None, 1),
    ]


def test_a_length_is_one_row_whether_vectors_lie_in_their_rows_or_not(
    session: Session, add_photos: Callable[..., list[int]]
) -> None:
    # The long path pushes the embedding out of its row, where it takes another space.
    add_photos([[1] * 480, [2] * 480], paths=["p", LONG_PATH])
    sizes = query(session, "SELECT DISTINCT pg_column_size(embedding) FROM photos")
    assert len(sizes) == 2
    assert survey(session) == [(False, 480, 2)]


def test_only_usable_photos_are_surveyed(session: Session) -> None:
    add(session, [1, 0], [2, 0], [1, 0, 0], None)
    hide(session, 1, 3, 4)
    assert survey(session) == [(False, 2, 1)]


def test_an_empty_library_has_no_rows(session: Session) -> None:
    assert survey(session) == []
