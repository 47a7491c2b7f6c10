"""Real embeddings, where they are at hand."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from fluffy_sql.operations.importing import find_file, import_photos
from fluffy_sql.postgres.session import Session
from fluffy_sql.settings import clustering_settings
from tests import running
from tests.conftest import SHARED_DATA
from tests.integration.helpers import clusters_by_photo, execute, generate, query
from tests.reference import inertia_of_partition, unit_rows

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
    import_photos(session, find_file(folder / "embeddings.npy", folder / "photos.csv"))
    return unit_rows(np.load(folder / "embeddings.npy").astype(np.float64))


@needs(CALTECH)
def test_caltech101_is_clustered_by_what_it_shows(session: Session) -> None:
    rows = load(CALTECH, session)
    generate(session, k=100)
    ours = clusters_by_photo(session)
    assert normalized_mutual_info_score(labels_of(CALTECH), ours) >= 0.85
    peer = KMeans(100, n_init=10, random_state=0).fit(rows.astype(np.float32))
    assert inertia_of_partition(rows, ours) <= 1.01 * inertia_of_partition(rows, peer.labels_)


@needs(CALTECH)
def test_caltech101_has_about_as_many_themes_as_classes(session: Session) -> None:
    load(CALTECH, session)
    themes = running.generate(session, clustering_settings(algorithm="leiden"))
    assert 60 <= themes.clusters_created <= 110
    ours = clusters_by_photo(session)
    assert normalized_mutual_info_score(labels_of(CALTECH), ours) >= 0.88
    asked = clustering_settings(algorithm="leiden", leiden={"k": 100})
    hundred = running.generate(session, asked, recluster=True)
    assert 95 <= hundred.clusters_created + hundred.clusters_kept <= 105


def in_clusters(session: Session) -> dict[str, int]:
    """The cluster of each photo that is in one, by path."""
    return dict(query(session, "SELECT path, cluster_id FROM photos WHERE cluster_id > 0"))


@needs(CALTECH)
def test_names_stay_on_their_themes_while_caltech101_grows(session: Session) -> None:
    """80 % clustered and named, the rest added, placed and clustered anew, and taken back."""
    load(CALTECH, session)
    with (CALTECH / "photos.csv").open(encoding="utf-8", newline="") as file:
        label = {row["path"]: row["label"] for row in csv.DictReader(file)}
    execute(
        session,
        "CREATE TABLE later AS SELECT * FROM photos ORDER BY hashint8extended(id, 0) LIMIT 823",
        "DELETE FROM photos WHERE id IN (SELECT id FROM later)",
    )
    generate(session, k=100)
    first = in_clusters(session)
    assert len(first) == 3_291
    themes = {
        cluster_id: Counter(label[path] for path in first if first[path] == cluster_id)
        for cluster_id in set(first.values())
    }
    for cluster_id, theme in themes.items():
        session.connection.execute(
            "UPDATE clusters SET name = %s WHERE id = %s", (theme.most_common(1)[0][0], cluster_id)
        )
    named = query(session, "SELECT id, name FROM clusters ORDER BY id")

    execute(session, "INSERT INTO photos SELECT * FROM later")
    placed = running.assign(session)
    assert (placed.photos_assigned, placed.photos_left) == (823, 0)
    second = in_clusters(session)
    assert {path: second[path] for path in first} == first
    # as good as clustering all at once would be: 0.86 of NMI
    every = [label[path] for path in second]
    assert normalized_mutual_info_score(every, list(second.values())) > 0.84

    result = running.generate(session, running.settings(k=100), recluster=True)
    third = in_clusters(session)
    assert len(third) == 4_114
    assert query(session, "SELECT id, name FROM clusters ORDER BY id") == named
    assert normalized_mutual_info_score(every, [third[path] for path in second]) > 0.85
    same_theme = {
        cluster_id
        for cluster_id, name in named
        if Counter(label[path] for path in third if third[path] == cluster_id).most_common(1)[0][0]
        == name
    }
    assert len(same_theme) >= 95
    stayed = [third[path] == first[path] for path in first if first[path] in same_theme]
    assert np.mean(stayed) >= 0.95

    running.undo(session, result.run_id)
    assert in_clusters(session) == second
    assert query(session, "SELECT id, name FROM clusters ORDER BY id") == named


@needs(DINO)
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_dinov2_embeddings_that_are_not_unit_vectors(metric: str, session: Session) -> None:
    rows = load(DINO, session)
    if metric == "l2":
        rows = np.load(DINO / "embeddings.npy").astype(np.float64)
    generate(session, k=20, metric=metric)
    peer = KMeans(20, n_init=10, random_state=0).fit(rows.astype(np.float32))
    ours = inertia_of_partition(rows, clusters_by_photo(session))
    assert ours <= 1.01 * inertia_of_partition(rows, peer.labels_)
