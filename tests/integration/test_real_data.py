"""Real embeddings, where they are at hand."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from fluffy_sql.importing import import_photos
from tests.conftest import SHARED_DATA
from tests.integration.helpers import clusters_by_photo, generate
from tests.reference import inertia_of_partition, unit_rows

if TYPE_CHECKING:
    from pathlib import Path

    from fluffy_sql.database.session import Session

CALTECH = SHARED_DATA / "caltech101"
DINO = SHARED_DATA / "dinov2-esthetics"


def needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not folder.is_dir(), reason=f"the data set {folder.name} is not beside the checkout"
    )


def labels_of(folder: Path) -> list[str]:
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def load(folder: Path, session: Session) -> Any:
    import_photos(session, folder / "embeddings.npy", folder / "photos.csv")
    return unit_rows(np.load(folder / "embeddings.npy").astype(np.float64))


@needs(CALTECH)
def test_caltech101_is_clustered_by_what_it_shows(session: Session, database_url: str) -> None:
    rows = load(CALTECH, session)
    generate(database_url, k=100)
    ours = clusters_by_photo(session)
    assert normalized_mutual_info_score(labels_of(CALTECH), ours) >= 0.85
    peer = KMeans(100, n_init=10, random_state=0).fit(rows.astype(np.float32))
    assert inertia_of_partition(rows, ours) <= 1.01 * inertia_of_partition(rows, peer.labels_)


@needs(DINO)
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_dinov2_embeddings_that_are_not_unit_vectors(
    metric: str, session: Session, database_url: str
) -> None:
    rows = load(DINO, session)
    if metric == "l2":
        rows = np.load(DINO / "embeddings.npy").astype(np.float64)
    generate(database_url, k=20, metric=metric)
    peer = KMeans(20, n_init=10, random_state=0).fit(rows.astype(np.float32))
    ours = inertia_of_partition(rows, clusters_by_photo(session))
    assert ours <= 1.01 * inertia_of_partition(rows, peer.labels_)
