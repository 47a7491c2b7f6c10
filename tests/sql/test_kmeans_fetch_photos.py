"""Fetching drawn photos: which, and in which order."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids


def fetch(
    session: Session,
    embeddings: dict[int, list[float]],
    *,
    normalize: bool = False,
    after_row: int = 0,
    last_row: int = 1_000,
) -> list[list[float]]:
    """Adds photos, drawn in the reverse of this order, and fetches them."""
    add_with_ids(session, embeddings)
    for position, photo_id in enumerate(reversed(embeddings), start=1):
        session.connection.execute("INSERT INTO work_drawn VALUES (%s, %s)", (position, photo_id))
    found = session.fetch_all(
        "kmeans/fetch_photos",
        normalize=normalize,
        dimensions=2,
        after_row=after_row,
        last_row=last_row,
    )
    return [row["embedding"].tolist() for row in found]


def test_photos_come_in_the_order_they_were_drawn(session: Session) -> None:
    assert fetch(session, {1: [1, 0], 2: [2, 0], 3: [3, 0]}) == [[3, 0], [2, 0], [1, 0]]


def test_the_range_begins_after_its_first_number_and_ends_with_its_last(session: Session) -> None:
    photos = {i: [float(i), 0.0] for i in range(1, 6)}
    assert fetch(session, photos, after_row=1, last_row=3) == [[4, 0], [3, 0]]


def test_under_normalize_they_are_unit_vectors_and_none_is_zero(session: Session) -> None:
    assert fetch(session, {1: [0, 0], 2: [3, 4]}, normalize=True) == [
        [pytest.approx(0.6), pytest.approx(0.8)]
    ]


def test_what_cannot_be_used_is_left_out(session: Session) -> None:
    photos = {1: [1.0, 0.0], 2: [1.0, 0.0, 0.0], 3: [2.0, 0.0], 4: [0.0, 0.0]}
    assert fetch(session, photos) == [[0, 0], [2, 0], [1, 0]]
