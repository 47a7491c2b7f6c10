"""Photos drawn as new centroids for those that no photo chose."""

from collections import Counter

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, make_assignments


def draw(
    session: Session, *, seed: int = 1, photos: int = 1_000, normalize: bool = False
) -> list[list[float]]:
    found = session.fetch_all(
        "kmeans/draw_far_photos", normalize=normalize, seed=seed, photos=photos, dimensions=2
    )
    return [row["embedding"].tolist() for row in found]


def test_a_photo_on_its_centroid_is_never_drawn(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0], 3: [3, 0]})
    make_assignments(session, {1: (0, 0.0), 2: (0, 1.0), 3: (1, 0.0)})
    assert draw(session) == [[2, 0]]


def test_no_more_photos_are_drawn_than_asked_for(session: Session) -> None:
    add_with_ids(session, {i: [i, 0] for i in range(1, 6)})
    make_assignments(session, dict.fromkeys(range(1, 6), (0, 1.0)))
    assert len(draw(session, photos=2)) == 2
    assert draw(session, photos=2) == draw(session)[:2]


def test_the_chance_grows_with_the_squared_distance(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0], 3: [3, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (5, 2.0), 3: (0, 3.0)})
    seeds = 1_000
    drawn = Counter(draw(session, seed=seed, photos=1)[0][0] for seed in range(seeds))
    shares = {row: count / seeds for row, count in drawn.items()}
    assert shares == pytest.approx({1: 1 / 14, 2: 4 / 14, 3: 9 / 14}, abs=0.05)


@pytest.mark.parametrize(
    ("normalize", "embedding"), [(True, [pytest.approx(0.6), pytest.approx(0.8)]), (False, [3, 4])]
)
def test_embeddings_are_made_unit_vectors_under_normalize_only(
    session: Session, normalize: bool, embedding: list[float]
) -> None:
    add_with_ids(session, {1: [3, 4]})
    make_assignments(session, {1: (0, 1.0)})
    assert draw(session, normalize=normalize) == [embedding]


def test_only_usable_photos_are_drawn(session: Session) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (0, 1.0)})
    hide(session, 1)
    assert draw(session) == [[2, 0]]


@pytest.mark.parametrize("anew", ["[1,2,3]", None])
def test_a_photo_that_was_embedded_anew_with_another_length_or_none_is_not_drawn(
    session: Session, anew: str | None
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [2, 0]})
    make_assignments(session, {1: (0, 1.0), 2: (0, 1.0)})
    session.connection.execute("UPDATE photos SET embedding = %s WHERE id = 1", (anew,))
    found = session.fetch_all(
        "kmeans/draw_far_photos", normalize=False, seed=1, photos=5, dimensions=2
    )
    assert [row["embedding"] is not None and row["embedding"].tolist() for row in found] == [[2, 0]]
