"""What is made of the labels that an algorithm wrote, and of nothing else."""

import numpy as np
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from tests.sql.helpers import add_with_ids, query

PHOTOS: dict[int, list[float]] = {1: [3, 0], 2: [1, 0], 3: [0, 2], 4: [0, 1], 5: [1, 1]}


@pytest.fixture
def labelled(session: Session) -> None:
    """Photos 1 to 3 in two clusters, one that was left out and one without a label."""
    add_with_ids(session, PHOTOS)
    session.connection.execute(
        "INSERT INTO work_assignments (photo_id, label, row_version)"
        " SELECT id, CASE WHEN id < 3 THEN 7 WHEN id < 4 THEN 9 ELSE -1 END, xmin"
        " FROM photos WHERE id < 5"
    )


@pytest.mark.usefixtures("labelled")
@pytest.mark.parametrize(("normalize", "mean"), [(True, [1, 0]), (False, [2, 0])])
def test_labels_are_summed_up(session: Session, mean: list[float], *, normalize: bool) -> None:
    rows = session.fetch_all("runs/summarize_labels", labels=[7, 9], normalize=normalize)
    found = {row["label"]: row for row in rows}
    assert {label: (row["scope"], row["photos"]) for label, row in found.items()} == {
        7: (None, 2),
        9: (None, 1),
    }
    assert np.array_equal(found[7]["mean"], mean)


@pytest.mark.usefixtures("labelled")
def test_a_label_of_two_scopes_has_a_row_for_each(session: Session) -> None:
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS"
        " SELECT id, path, embedding, cluster_id, id AS scope FROM photos"
    )
    rows = session.fetch_all("runs/summarize_labels", labels=[7, 9], normalize=False)
    assert {(row["label"], row["scope"], row["photos"]) for row in rows} == {
        (7, 1, 1),
        (7, 2, 1),
        (9, 3, 1),
    }


@pytest.mark.usefixtures("labelled")
@pytest.mark.parametrize("normalize", [True, False])
def test_photos_are_measured_by_the_centroid_of_their_label(
    session: Session, *, normalize: bool
) -> None:
    centroids = np.array([[0, 1], [2, 0]], dtype=np.float32)
    measured = session.execute(
        "runs/measure_labels",
        labels=[9, 7, -1],
        centroids=session.vector_array(centroids),
        fingerprint_vector=fingerprint_vector(2),
        normalize=normalize,
    )
    assert measured == 4
    rows = np.array([PHOTOS[photo] for photo in (1, 2, 3, 4)], dtype=np.float64)
    if normalize:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = np.linalg.norm(rows[:3] - centroids[[1, 1, 0]], axis=1)
    written = query(session, "SELECT distance, fingerprint FROM work_assignments ORDER BY photo_id")
    assert np.allclose([row[0] for row in written[:3]], expected)
    assert written[3][0] is None
    assert np.allclose([row[1] for row in written], -rows @ fingerprint_vector(2), rtol=1e-5)
