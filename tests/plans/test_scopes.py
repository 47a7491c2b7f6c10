"""Many scopes at once: their rows are looked up by position, and embeddings fetched once."""

from typing import Any

import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import fingerprint_vector
from fluffy_sql.postgres.work_tables import analyze
from tests.plans.helpers import (
    DIMENSIONS,
    Explained,
    explain,
    fetches_so_far,
    fill,
    index_of,
    projection,
    random_centroids,
    toast_bytes,
)

SCOPES = 60
PHOTOS_EACH = 20
K = 3


@pytest.fixture
def scopes(session: Session) -> Session:
    """Photos of sixty scopes, drawn and written into the sample."""
    fill(session, SCOPES * PHOTOS_EACH)
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS"
        " SELECT id, path, embedding, cluster_id, mod(id, 60) AS scope FROM photos"
    )
    session.fetch_all(
        "kmeans/draw_scopes", seed=1, scopes=list(range(SCOPES)), unscoped=False, clustered=False
    )
    analyze(session, "work_drawn", "position")
    session.execute("kmeans/project_sample", **projection(session, normalize=True))
    analyze(session, "work_sample", "position")
    return session


def of_two_scopes(session: Session, name: str, **parameters: Any) -> Explained:
    return explain(
        session,
        name,
        watched="work_sample",
        after_rows=[0, PHOTOS_EACH],
        last_rows=[PHOTOS_EACH, 2 * PHOTOS_EACH],
        firsts=[1, K + 1],
        lasts=[K, 2 * K],
        centroids=random_centroids(session, 2 * K),
        **parameters,
    )


def test_a_step_reads_the_rows_of_its_scopes_and_fetches_none(scopes: Session) -> None:
    explained = of_two_scopes(scopes, "kmeans/lloyd_step_by_scope")
    assert index_of(explained, "work_sample") == "work_sample_pkey"
    assert explained.fetches == 0
    assert toast_bytes(scopes, "work_sample") == 0


def test_the_final_pass_fetches_the_embeddings_of_its_scopes_once(scopes: Session) -> None:
    before = fetches_so_far(scopes, "photos")
    of_two_scopes(
        scopes,
        "kmeans/assign_photos_by_scope",
        scopes=[0, 1],
        first_label=0,
        fingerprint_vector=fingerprint_vector(DIMENSIONS),
        normalize=True,
        dimensions=DIMENSIONS,
        clustered=False,
    )
    assert fetches_so_far(scopes, "photos") - before == 2 * PHOTOS_EACH
