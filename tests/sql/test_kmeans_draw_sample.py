"""The sample: which photos are drawn, in which order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.sql.helpers import add_with_ids, hide, make_clusters, place, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluffy_sql.database.session import Session


@pytest.fixture(autouse=True)
def _work_table(session: Session) -> None:
    session.execute("work_tables/create_sample")


def draw(
    session: Session,
    *,
    seed: int = 1,
    sample_size: int = 1_000,
    normalize: bool = False,
    dimensions: int = 2,
) -> list[int]:
    """Draws a new sample; returns photo ids in order of position."""
    session.connection.execute("DELETE FROM fluffy_sql_sample")
    drawn = session.execute(
        "kmeans/draw_sample",
        seed=seed,
        normalize=normalize,
        sample_size=sample_size,
        dimensions=dimensions,
    )
    found = query(session, "SELECT position, photo_id FROM fluffy_sql_sample ORDER BY position")
    assert [position for position, _ in found] == list(range(1, drawn + 1))
    return [photo_id for _, photo_id in found]


LIBRARY = {i: [float(i), 1.0] for i in range(1, 21)}


def test_the_order_does_not_depend_on_the_order_on_disk(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    first = draw(session)
    session.connection.execute("TRUNCATE photos")
    add_with_ids(session, dict(reversed(LIBRARY.items())))
    assert draw(session) == first
    assert sorted(first) == list(LIBRARY)


def test_another_seed_draws_in_another_order(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    orders = {tuple(draw(session, seed=seed)) for seed in range(20)}
    assert len(orders) == 20
    assert tuple(LIBRARY) not in orders


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    assert draw(session, sample_size=7) == draw(session)[:7]


def test_every_photo_is_as_likely_as_any_other(session: Session) -> None:
    add_with_ids(session, {i: [1.0, 1.0] for i in (3, 50, 51, 7_000)})
    drawn = Counter(draw(session, seed=seed, sample_size=1)[0] for seed in range(400))
    assert all(abs(drawn[i] - 100) < 30 for i in (3, 50, 51, 7_000)), drawn


@pytest.mark.parametrize(
    ("normalize", "embedding"), [(True, [pytest.approx(0.6), pytest.approx(0.8)]), (False, [3, 4])]
)
def test_embeddings_are_made_unit_vectors_under_normalize_only(
    session: Session, normalize: bool, embedding: list[float]
) -> None:
    add_with_ids(session, {1: [3, 4]})
    draw(session, normalize=normalize)
    [[stored]] = query(session, "SELECT embedding FROM fluffy_sql_sample")
    assert stored.tolist() == embedding


def test_each_row_holds_the_embedding_of_its_photo(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    draw(session)
    found = query(session, "SELECT photo_id, embedding FROM fluffy_sql_sample")
    assert {photo_id: embedding.tolist() for photo_id, embedding in found} == LIBRARY


def test_zero_vectors_are_left_out_under_normalize(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [1, 0], 3: [0, 0], 4: [0, 0], 5: [0, 1], 6: [1, 1]})
    for seed in range(10):
        everything = draw(session, seed=seed, normalize=False)
        assert draw(session, seed=seed, normalize=True) == [i for i in everything if i in (2, 5, 6)]


def test_zero_vectors_make_a_sample_smaller_under_normalize(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [1, 0], 3: [0, 0], 4: [0, 0], 5: [0, 1], 6: [1, 1]})
    for seed in range(10):
        drawn = draw(session, seed=seed, normalize=False, sample_size=3)
        kept = [i for i in drawn if i in (2, 5, 6)]
        assert draw(session, seed=seed, normalize=True, sample_size=3) == kept


def test_zero_vectors_are_drawn_without_normalize(session: Session) -> None:
    add_with_ids(session, {1: [0, 0], 2: [1, 0]})
    assert set(draw(session)) == {1, 2}


@pytest.mark.parametrize("normalize", [True, False])
def test_photos_of_other_dimensions_are_left_out(session: Session, normalize: bool) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0, 0], 3: [1], 4: [0, 1]})
    assert sorted(draw(session, normalize=normalize)) == [1, 4]
    assert draw(session, normalize=normalize, dimensions=3) == [2]


def test_photos_without_embedding_or_with_a_cluster_are_left_out(
    session: Session, add_photos: Callable[..., list[int]]
) -> None:
    _, clustered, free = add_photos([None, [1, 0], [2, 0]])
    place(session, make_clusters(session, [[1, 0]])[0], clustered)
    assert draw(session) == [free]
    assert draw(session, sample_size=1) == [free]


def test_only_usable_photos_are_drawn(session: Session) -> None:
    add_with_ids(session, LIBRARY)
    hide(session, 4, 5)
    usable = [i for i in LIBRARY if i not in (4, 5)]
    assert sorted(draw(session)) == usable
    assert sorted(draw(session, sample_size=18)) == usable  # the others take no place


def test_an_empty_library_gives_an_empty_sample(session: Session) -> None:
    assert draw(session) == []
