"""Seeding: first centroids are distinct rows, far from each other, the same for a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fluffy_sql.kmeans.seeding import draw_centroids, seed_centroids

Rows = NDArray[np.float32]

BLOBS = 12
OFFSETS = [0.0, 10.0, 1e3]


def seeds(rows: Rows, k: int, seed: int = 0) -> Rows:
    return seed_centroids(rows, k, np.random.default_rng(seed))


def as_set(rows: Rows) -> set[tuple[float, ...]]:
    return {tuple(row) for row in rows.tolist()}


def random_rows(seed: int, rows: int = 200, dimensions: int = 8, offset: float = 0.0) -> Rows:
    generator = np.random.default_rng(seed)
    return (generator.normal(size=(rows, dimensions)) + offset).astype(np.float32)


def blobs(seed: int, offset: float) -> tuple[Rows, NDArray[np.float64]]:
    """Rows about 12 corners far apart, some blobs much larger than others; and the corners."""
    generator = np.random.default_rng(seed)
    centers = 2 * np.eye(BLOBS, 16)
    labels = np.repeat(np.arange(BLOBS), [300, 200, 100, 50, 50, 20, 20, 10, 10, 5, 5, 5])
    rows = centers[labels] + 0.01 * generator.normal(size=(len(labels), 16)) + offset
    return rows.astype(np.float32), centers + offset


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("k", [1, 2, 7, 50, 200])
def test_seeds_are_distinct_rows(k: int, offset: float) -> None:
    rows = random_rows(k, offset=offset)
    picked = seeds(rows, k)
    assert picked.shape == (k, 8)
    assert picked.dtype == np.float32
    assert as_set(picked) <= as_set(rows)
    assert len(as_set(picked)) == k


@given(
    distinct=st.integers(1, 12),
    copies=st.integers(1, 5),
    k=st.integers(1, 20),
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([1e-6, 1.0, 1e4]),
)
def test_seeds_are_as_many_as_there_are_distinct_rows(
    distinct: int, copies: int, k: int, seed: int, scale: float
) -> None:
    rows = np.tile(random_rows(seed, distinct, 5) * np.float32(scale), (copies, 1))
    picked = seeds(rows, k, seed)
    assert len(picked) == len(as_set(picked)) == min(k, distinct)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e4])
def test_rows_all_alike_give_one_seed(value: float) -> None:
    rows = np.full((30, 7), value, dtype=np.float32)
    assert seeds(rows, 5).tolist() == rows[:1].tolist()


def test_a_zero_row_among_others_is_a_row_like_them() -> None:
    rows = np.concatenate([np.zeros((3, 4)), np.eye(4)]).astype(np.float32)
    assert as_set(seeds(rows, 10)) == as_set(rows)


def test_seeds_depend_on_the_generator_alone() -> None:
    rows = random_rows(1)
    assert seeds(rows, 20, seed=5).tolist() == seeds(rows, 20, seed=5).tolist()
    assert seeds(rows, 20, seed=5).tolist() != seeds(rows, 20, seed=6).tolist()


@pytest.mark.parametrize("offset", OFFSETS)
def test_every_blob_gets_a_seed(offset: float) -> None:
    for seed in range(50):
        rows, centers = blobs(seed, offset)
        picked = seeds(rows, BLOBS, seed).astype(np.float64)
        distances = np.linalg.norm(picked[:, None] - centers[None], axis=2)
        assert sorted(distances.argmin(axis=1).tolist()) == list(range(BLOBS))


def test_seeds_beat_rows_drawn_at_random() -> None:
    rows = random_rows(3, rows=1000)

    def error(picked: Rows) -> float:
        return float((np.linalg.norm(rows[:, None] - picked[None], axis=2) ** 2).min(axis=1).sum())

    seeded = np.mean([error(seeds(rows, 20, seed)) for seed in range(10)])
    drawn = np.mean(
        [error(np.random.default_rng(seed).permutation(rows)[:20]) for seed in range(10)]
    )
    assert seeded < 0.95 * drawn


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_seeds_are_finite(offset: float, scale: float) -> None:
    picked = seeds(random_rows(4) * np.float32(scale) + np.float32(offset), 20)
    assert len(picked) >= 1
    assert np.isfinite(picked).all()


@pytest.mark.parametrize("k", [5, 200, 300])
def test_any_rows_are_drawn_once_each(k: int) -> None:
    rows = random_rows(3)
    drawn = draw_centroids(rows, k, np.random.default_rng(1))
    assert len(as_set(drawn)) == len(drawn) == min(k, 200)
    assert as_set(drawn) <= as_set(rows)
