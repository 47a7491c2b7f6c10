"""What holds for any library: random small ones, with copies, zero vectors and pinned photos."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fluffy_sql.postgres.session import Session
from fluffy_sql.runs.record import RunResult
from tests import running
from tests.integration.helpers import execute, generate, query, work_tables, wrong_counts

Rows = NDArray[np.float32]

# Sums of float4 are this exact.
RELATIVE, ABSOLUTE = 1e-4, 1e-5

# Each example empties the one database of its test. What fails is not made
# smaller: that takes hundreds of runs, and the libraries are small.
any_library = settings(
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Library:
    """Photos 1, 2, ... with an embedding or none, and how to cluster them.

    Attributes:
        rows: shape (photos, dimensions); a row of NaN stands for no embedding.
        pinned: photos that stay without a cluster.
        order: of the rows on disk.
        settings: of the run.
    """

    rows: Rows
    pinned: frozenset[int]
    order: list[int]
    settings: dict[str, Any]

    def units(self) -> NDArray[np.float64]:
        """Rows as the metric compares them; those without a direction or embedding are NaN."""
        rows = self.rows.astype(np.float64)
        if self.settings["metric"] == "l2":
            return rows
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(norms > 0, norms, np.nan)

    def usable(self) -> NDArray[np.bool_]:
        """Which photos can be clustered."""
        return np.asarray(np.isfinite(self.units()).all(axis=1), dtype=np.bool_)


@st.composite
def libraries(draw: st.DrawFn) -> Library:
    photos = draw(st.integers(1, 40))
    # The last is trained in main directions.
    dimensions = draw(st.sampled_from([1, 2, 3, 8, 140]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = generator.normal(size=(photos, dimensions))
    if draw(st.booleans()):
        rows = np.round(rows)  # ties
    rows = rows[generator.integers(draw(st.integers(1, photos)), size=photos)]  # copies
    rows *= 10.0 ** draw(st.integers(-6, 6))
    rows[generator.random(photos) < draw(st.sampled_from([0, 0.2]))] = 0
    rows[generator.random(photos) < draw(st.sampled_from([0, 0.2]))] = np.nan
    pinned = np.flatnonzero(generator.random(photos) < draw(st.sampled_from([0, 0.2])))
    return Library(
        rows.astype(np.float32),
        frozenset((pinned + 1).tolist()),
        generator.permutation(photos).tolist(),
        {
            "k": draw(st.integers(1, 12)),
            "metric": draw(st.sampled_from(["cosine", "l2"])),
            "seed": draw(st.integers(0, 2**63 - 1)),
            "batch_size": draw(st.sampled_from([1, 8, 8192])),
            "refine": draw(st.booleans()),
        },
    )


def fill(session: Session, library: Library, order: list[int] | range) -> None:
    """Replaces all there is by a library whose rows lie in this order."""
    execute(session, "TRUNCATE photos, clusters, cluster_runs RESTART IDENTITY CASCADE")
    add(session, library, order)


def add(session: Session, library: Library, order: list[int] | range) -> None:
    with session.connection.cursor() as cursor:
        copied = "COPY photos (id, path, embedding, cluster_pinned) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(copied) as copy:
            copy.set_types(["int8", "text", "vector", "bool"])
            for place in order:
                row = library.rows[place]
                embedding = None if np.isnan(row).any() else row
                copy.write_row((place + 1, f"p{place}", embedding, place + 1 in library.pinned))


def placed(session: Session) -> NDArray[np.int64]:
    """The cluster of each photo, 0 for none."""
    rows = query(session, "SELECT coalesce(cluster_id, 0) FROM photos ORDER BY id")
    return np.array([row[0] for row in rows], dtype=np.int64)


def centroids(session: Session) -> dict[int, Rows]:
    return dict(query(session, "SELECT id, centroid FROM clusters ORDER BY id"))


def check_nearest(session: Session, library: Library, labels: NDArray[np.int64]) -> float:
    """Every photo in a cluster is at its nearest centroid; returns the inertia."""
    by_id = centroids(session)
    matrix = np.stack(list(by_id.values())).astype(np.float64)
    assert np.isfinite(matrix).all()
    if library.settings["metric"] == "cosine":
        np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, rtol=1e-5)
    units = library.units()
    inertia = 0.0
    ids = list(by_id)
    for place in np.flatnonzero(labels):
        distances = np.linalg.norm(matrix - units[place], axis=1)
        scale = float(np.linalg.norm(units[place]))
        own = float(distances[ids.index(labels[place])])
        assert own <= distances.min() * (1 + RELATIVE) + ABSOLUTE * scale
        inertia += own**2
    return inertia


def check_steps(session: Session) -> None:
    """On one batch, Lloyd steps never raise the inertia. (Refinement tries worse ways, too.)"""
    steps = query(
        session,
        "SELECT phase, batch_size, inertia FROM cluster_run_steps WHERE phase <> 'refine'"
        " ORDER BY run_id, step",
    )
    for (phase, batch, before), (next_phase, next_batch, after) in pairwise(steps):
        if (phase, batch) == (next_phase, next_batch):
            assert after <= before * (1 + RELATIVE) + 1e-30


@settings(any_library, max_examples=20)
@given(library=libraries())
def test_a_run_on_any_library(session: Session, library: Library) -> None:
    fill(session, library, range(len(library.rows)))
    result = generate(session, **library.settings)
    labels = placed(session)

    usable = library.usable()
    free = np.array([place + 1 not in library.pinned for place in range(len(usable))])
    np.testing.assert_array_equal(labels > 0, usable & free)
    assert result.photos_processed == np.count_nonzero(labels)
    assert result.clusters_created == len(set(labels[labels > 0]))
    assert result.clusters_created == len(centroids(session))
    assert result.clusters_created <= library.settings["k"]
    assert wrong_counts(session) == []
    if result.clusters_created:
        inertia = check_nearest(session, library, labels)
        scale = float(np.nansum(library.units() ** 2))
        if not library.pinned:  # those are in the sum, wherever they would have gone
            assert result.inertia is not None
            assert abs(result.inertia - inertia) <= RELATIVE * inertia + 1e-6 * scale
    check_steps(session)
    check_again_in_another_order(session, library, result)
    assert work_tables(session) == []


def check_again_in_another_order(session: Session, library: Library, first: RunResult) -> None:
    """The order of rows on disk makes no difference, to the last bit."""
    labels, before = placed(session), centroids(session)
    fill(session, library, library.order)
    again = generate(session, **library.settings)
    np.testing.assert_array_equal(placed(session), labels)
    after = centroids(session)
    assert after.keys() == before.keys()
    for cluster_id, centroid in after.items():
        np.testing.assert_array_equal(centroid, before[cluster_id])
    assert (again.inertia, again.quality, again.embeddings_digest, again.iterations) == (
        first.inertia,
        first.quality,
        first.embeddings_digest,
        first.iterations,
    )


@settings(any_library, max_examples=12)
@given(library=libraries(), k=st.integers(1, 12), data=st.data())
def test_a_recluster_of_any_library(
    session: Session, library: Library, k: int, data: st.DataObject
) -> None:
    """Some photos are in clusters, of which some are pinned there; others came since."""
    photos = len(library.rows)
    known = data.draw(st.integers(0, photos), "known")
    fill(session, library, range(known))
    generate(session, **library.settings)
    execute(session, "UPDATE photos SET cluster_pinned = TRUE WHERE id % 5 = 0")
    add(session, library, range(known, photos))
    before = placed(session)
    stay = query(session, "SELECT cluster_pinned FROM photos ORDER BY id")
    pinned = np.array([row[0] for row in stay], dtype=np.bool_)

    again = running.settings(**{**library.settings, "k": k})
    result = running.generate(session, again, recluster=True)
    after = placed(session)
    np.testing.assert_array_equal(after[pinned], before[pinned])
    usable = library.usable()
    np.testing.assert_array_equal(after[~pinned] > 0, usable[~pinned])
    assert result.photos_moved == np.count_nonzero(after != before)
    assert wrong_counts(session) == []
    check_steps(session)
    assert work_tables(session) == []
