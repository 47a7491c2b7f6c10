"""All pairs within a distance, found in SQL, against what NumPy finds."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fluffy_sql.algorithms import Algorithm, Fit, Task
from fluffy_sql.errors import LibraryError
from fluffy_sql.graph.leiden import LeidenSettings
from fluffy_sql.graph.pairs import Pairs, components, pairs_within
from fluffy_sql.graph.tuning import Tuning
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import add_photos, made_library
from tests.integration.helpers import execute, query, work_tables

# As if a library of a few hundred photos were a large one.
BY_CELLS = Tuning(few=50, rows_of_pairs=40)
EXACT = Tuning(rows_of_pairs=64)
BOTH = pytest.mark.parametrize("tuning", [EXACT, BY_CELLS], ids=["all", "by cells"])


class OnlyPairs(Algorithm[LeidenSettings]):
    """Finds pairs and makes no cluster."""

    settings = LeidenSettings

    def __init__(self, within: float, tuning: Tuning) -> None:
        self.within = within
        self.tuning = tuning

    def fit(self, task: Task[LeidenSettings]) -> Fit:
        with pairs_within(task, self.within, self.tuning) as self.pairs:
            drawn = query(
                task.session,
                "SELECT drawn.photo_id, assigned.row_version = photos.xmin FROM work_drawn AS drawn"
                " JOIN work_assignments AS assigned USING (photo_id)"
                " JOIN photos ON photos.id = drawn.photo_id ORDER BY position",
            )
            self.photo_ids = np.array([photo_id for photo_id, _ in drawn])
            assert all(current for _, current in drawn)
        return Fit.of_nothing(task.survey.dimensions)


def find(
    session: Session,
    within: float,
    tuning: Tuning = BY_CELLS,
    *,
    metric: str = "cosine",
    connections: int = 2,
) -> tuple[Pairs, NDArray[np.int64]]:
    """Pairs, and the ids of the photos by place."""
    only = OnlyPairs(within, tuning)
    settings = clustering_settings(algorithm="leiden", metric=metric)
    running.generate(session, settings, algorithm=only, connections=connections, dry_run=True)
    assert work_tables(session) == []
    return only.pairs, only.photo_ids


def by_ids(pairs: Pairs, photo_ids: NDArray[np.int64]) -> dict[tuple[int, int], float]:
    assert pairs.photos == len(photo_ids)
    assert (pairs.first < pairs.second).all()
    first, second = photo_ids[pairs.first].tolist(), photo_ids[pairs.second].tolist()
    found = [(min(pair), max(pair)) for pair in zip(first, second, strict=True)]
    return dict(zip(found, pairs.distance.tolist(), strict=True))


def expected_pairs(
    rows: NDArray[Any], ids: list[int], within: float, metric: str = "cosine"
) -> dict[tuple[int, int], float]:
    """By NumPy, in float8."""
    exact = rows.astype(np.float64)
    if metric == "cosine":
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    apart = np.linalg.norm(exact[:, None] - exact[None], axis=2)
    distances = apart**2 / 2 if metric == "cosine" else apart
    places = np.argwhere(np.triu(distances <= within, 1))
    return {(ids[one], ids[other]): float(distances[one, other]) for one, other in places}


@pytest.mark.parametrize(
    ("tuning", "dimensions", "metric", "within"),
    [
        (BY_CELLS, 200, "cosine", 0.003),
        (BY_CELLS, 200, "cosine", 0.1),
        (BY_CELLS, 16, "cosine", 2.5),
        (BY_CELLS, 200, "l2", 300),
        (EXACT, 200, "cosine", 0.1),
        (EXACT, 16, "l2", 0.1),
    ],
)
def test_no_pair_is_missed(
    tuning: Tuning, dimensions: int, metric: str, within: float, session: Session
) -> None:
    rows, _ = made_library(1, photos=160, dimensions=dimensions, spread=0.5 / dimensions**0.5)
    generator = np.random.default_rng(2)
    rows[120:] = rows[:40] + generator.uniform(0, 0.01, (40, 1)) * generator.normal(
        size=(40, dimensions)
    )
    if metric == "l2":  # far from zero, of any length
        rows = (rows + 5) * (within / 0.1)
    ids = add_photos(session, rows)
    found = by_ids(*find(session, within, tuning, metric=metric))
    expected = expected_pairs(rows, ids, within, metric)
    assert found.keys() == expected.keys()
    assert len(expected) > 15
    distances = [found[pair] for pair in expected]
    assert np.allclose(distances, [*expected.values()], rtol=1e-3, atol=1e-6)


def test_photos_that_differ_where_no_main_direction_leads(session: Session) -> None:
    """They are as one along the main directions, and lie in what these span but for rounding."""
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(70, 20)) @ generator.normal(size=(20, 300))
    rows = np.repeat(rows, 2, axis=0)
    rows[1::2] += 1e-3 * generator.normal(size=(70, 300))
    ids = add_photos(session, rows)
    within = 0.0174
    expected = expected_pairs(rows, ids, within, "l2")
    assert 15 < len(expected) < 55
    assert by_ids(*find(session, within, metric="l2")).keys() == expected.keys()


@BOTH
def test_the_first_of_equal_photos_stands_for_them(tuning: Tuning, session: Session) -> None:
    rows = made_library(4, photos=20, dimensions=24)[0]
    equal = np.tile(rows, (4, 1)) * np.repeat([[1], [2], [4], [0.5]], 20, axis=0)
    ids = add_photos(session, equal)
    pairs, photo_ids = find(session, 0.05, tuning)
    found = by_ids(pairs, photo_ids)
    copies = {(ids[one], ids[other]): 0.0 for one in range(20) for other in range(one + 20, 80, 20)}
    assert found.keys() == copies.keys() | expected_pairs(rows, ids[:20], 0.05).keys()
    assert all(found[pair] == 0 for pair in copies)
    assert (photo_ids[pairs.originals] == (photo_ids - 1) % 20 + 1).all()
    assert pairs.compared.all()


@BOTH
def test_scopes_share_no_pair(tuning: Tuning, session: Session) -> None:
    rows, _ = made_library(5, photos=300, themes=3, dimensions=24)
    ids = add_photos(session, rows)
    execute(
        session,
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " CASE WHEN id <= 130 THEN 7 WHEN id <= 160 THEN 8 WHEN id <= 161 THEN 9"
        " WHEN id <= 230 THEN 10 END::bigint AS scope FROM photos",
    )
    expected: set[tuple[int, int]] = set()
    for first, last in [(0, 130), (130, 160), (160, 161), (161, 230), (230, 300)]:
        expected |= expected_pairs(rows[first:last], ids[first:last], 0.1).keys()
    assert by_ids(*find(session, 0.1, tuning)).keys() == expected


@BOTH
def test_what_has_no_direction_is_compared_with_nothing(tuning: Tuning, session: Session) -> None:
    rows = np.concatenate([made_library(6, photos=90)[0], np.zeros((10, 16))])
    ids = add_photos(session, rows)
    pairs, photo_ids = find(session, 2, tuning)
    assert len(pairs.first) == 90 * 89 / 2
    assert {*photo_ids[~pairs.compared].tolist()} == {*ids[90:]}


@pytest.mark.parametrize("photos", [0, 1])
def test_one_photo_and_none(photos: int, session: Session) -> None:
    add_photos(session, [None, *made_library(7, photos=1)[0][:photos]])
    if photos:
        pairs, _ = find(session, 2)
        assert (pairs.photos, len(pairs.first)) == (1, 0)


def test_the_same_whatever_the_connections(session: Session) -> None:
    add_photos(session, made_library(8, photos=200, dimensions=24)[0])
    one, ids = find(session, 0.05, connections=1)
    for connections in (2, 4):
        other, other_ids = find(session, 0.05, connections=connections)
        assert np.array_equal(ids, other_ids)
        assert all(np.array_equal(*both) for both in zip(*map(vars_of, (one, other)), strict=True))


def vars_of(pairs: Pairs) -> list[NDArray[Any]]:
    return [*vars(pairs).values()]


def test_too_many_pairs_are_refused(session: Session) -> None:
    add_photos(session, made_library(9, photos=60)[0])
    told = "more than 1,000 pairs of photos are within a distance of 2, too many to hold"
    with pytest.raises(LibraryError, match=told):
        find(session, 2, Tuning(most_pairs=1_000))


def test_components_of_pairs() -> None:
    first = np.array([0, 2, 5, 6, 3], dtype=np.int32)
    second = np.array([4, 5, 6, 7, 6], dtype=np.int32)
    assert components(first, second, 9).tolist() == [0, 1, 2, 2, 0, 2, 2, 2, 8]
    chain = np.random.default_rng(9).permutation(1_000).astype(np.int32)
    assert not components(chain[:-1], chain[1:], 1_000).any()
