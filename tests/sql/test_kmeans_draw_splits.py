"""Rows of the sample drawn as new centroids."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from fluffy_sql.kmeans.nearest.cells import nearest
from fluffy_sql.postgres.centroids import candidate_params
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray
from tests.sql.helpers import make_sample, vectors


def draw(
    session: Session,
    centroids: Sequence[Sequence[float]],
    labels: list[int],
    *,
    seed: int = 1,
    rows: int = 1_000,
) -> dict[int, list[float]]:
    """Label to the row that was drawn."""
    found = session.fetch_all(
        "kmeans/draw_splits",
        centroids=vectors(session, centroids),
        labels=labels,
        seed=seed,
        rows=rows,
    )
    assert len(found) == len({row["label"] for row in found})
    return {row["label"]: row["embedding"].tolist() for row in found}


def test_one_row_of_each_given_cluster_is_drawn(session: Session) -> None:
    make_sample(session, [[1, 0], [11, 0], [21, 0]])
    assert draw(session, [[0, 0], [10, 0], [20, 0]], [0, 2]) == {0: [1, 0], 2: [21, 0]}


def test_a_row_on_its_centroid_is_never_drawn(session: Session) -> None:
    make_sample(session, [[0, 0], [0, 0], [1, 0], [0, 0]])
    assert all(draw(session, [[0, 0]], [0], seed=seed) == {0: [1, 0]} for seed in range(50))


def test_a_cluster_whose_rows_all_lie_on_the_centroid_has_no_row(session: Session) -> None:
    make_sample(session, [[0, 0], [0, 0], [11, 0]])
    assert draw(session, [[0, 0], [10, 0]], [0, 1]) == {1: [11, 0]}


def test_a_row_belongs_to_the_lowest_label_of_a_tie(session: Session) -> None:
    make_sample(session, [[5, 0]])
    centroids = [[0, 0], [10, 0]]
    assert draw(session, centroids, [1]) == {}
    assert draw(session, centroids, [0]) == {0: [5, 0]}


def test_only_the_first_rows_are_looked_at(session: Session) -> None:
    make_sample(session, [[1, 0], [2, 0], [300, 0]])
    found = [draw(session, [[0, 0]], [0], seed=seed, rows=2)[0] for seed in range(50)]
    assert {tuple(row) for row in found} == {(1, 0), (2, 0)}


def test_the_chance_grows_with_the_squared_distance(session: Session) -> None:
    make_sample(session, [[1, 0], [0, 2], [3, 0]])
    seeds = 1_000
    drawn = Counter(tuple(draw(session, [[0, 0]], [0], seed=seed)[0]) for seed in range(seeds))
    shares = {row: count / seeds for row, count in drawn.items()}
    expected = {(1, 0): 1 / 14, (0, 2): 4 / 14, (3, 0): 9 / 14}
    assert shares == pytest.approx(expected, abs=0.05)


def test_a_seed_draws_the_same_rows_again(session: Session) -> None:
    make_sample(session, [[i, i * i] for i in range(1, 30)])
    centroids = [[0, 0], [20, 400]]
    assert draw(session, centroids, [0, 1]) == draw(session, centroids, [0, 1])


@pytest.mark.parametrize("seed", range(5))
def test_where_labels_are_known_the_same_rows_are_drawn(session: Session, seed: int) -> None:
    generator = np.random.default_rng(seed)
    centroids = generator.normal(size=(6, 3)).astype(np.float32)
    rows = np.concatenate([generator.normal(size=(80, 3)), centroids[:2]]).astype(np.float32)
    make_sample(session, rows.tolist())
    session.connection.execute("DELETE FROM work_sample WHERE position % 7 = 0")
    labels = nearest(rows, centroids).astype(np.int32)
    chosen = [0, 2, 3, 5]
    only = np.arange(6, dtype=np.int32)[:, None]
    for first in (40, 82):
        found = session.fetch_all(
            "kmeans/draw_splits_by_cell",
            **candidate_params(session, centroids, only),
            cells=IntegerArray.of(labels[:first]),
            chosen=chosen,
            seed=seed,
        )
        drawn = {row["label"]: row["embedding"].tolist() for row in found}
        assert drawn == draw(session, centroids.tolist(), chosen, seed=seed, rows=first)
        assert drawn
