"""What the tests of single statements share."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
import pytest

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.statements import statement
from fluffy_sql.postgres.vectors import LONGEST_VECTOR, VectorArray, fingerprint_vector

_PARAMETER = re.compile(r"%\((\w+)\)[sb]")
LARGEST_ID = 2**63 - 1
# What embeddings of any length are multiplied by, to tell them apart.
PROBE = fingerprint_vector(LONGEST_VECTOR)
# Too long to share a row of 2 KB with 480 dimensions, and not to be compressed.
LONG_PATH = np.random.default_rng(0).bytes(150).hex()


def vectors(session: Session, rows: Sequence[Sequence[float]]) -> VectorArray:
    """Rows as a `vector[]` parameter."""
    return session.vector_array(np.asarray(rows, dtype=np.float32))


def query(session: Session, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    return session.connection.execute(text, parameters or None, binary=True).fetchall()


def to_be_prepared(name: str) -> tuple[str, list[str]]:
    """The text of a statement with $1, $2, ..., and the names of these parameters."""
    text = statement(name).text
    names = list(dict.fromkeys(_PARAMETER.findall(text)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text), names


def value(session: Session, text: str, *parameters: object) -> Any:
    """The first column of the only row."""
    [row] = query(session, text, *parameters)
    return row[0]


def add_with_ids(session: Session, embeddings: Mapping[int, Sequence[float] | None]) -> None:
    """Adds photos p1, p2, ... with these ids, in this order on disk."""
    for photo_id, embedding in embeddings.items():
        session.connection.execute(
            "INSERT INTO photos (id, path, embedding) VALUES (%s, %s, %s)",
            (photo_id, f"p{photo_id}", None if embedding is None else str(embedding)),
        )


def clusters_with_ids(
    session: Session, centroids: Mapping[int, Sequence[float] | None], run_id: int | None = None
) -> None:
    """Adds clusters c1, c2, ... with these ids, in this order on disk."""
    for cluster_id, centroid in centroids.items():
        session.connection.execute(
            "INSERT INTO clusters (id, name, centroid, run_id) VALUES (%s, %s, %s, %s)",
            (cluster_id, f"c{cluster_id}", None if centroid is None else str(centroid), run_id),
        )


def make_clusters(
    session: Session, centroids: Sequence[Sequence[float]], run_id: int | None = None
) -> list[int]:
    """Clusters with these centroids; returns their ids in the same order."""
    made = session.fetch_all(
        "commit/insert_clusters",
        run_id=run_id,
        centroids=vectors(session, centroids),
        scopes=[None] * len(centroids),
    )
    return sorted(row["id"] for row in made)


def place(session: Session, cluster_id: int, *photo_ids: int) -> None:
    """Puts photos into a cluster, as a person does."""
    session.connection.execute(
        "UPDATE photos SET cluster_id = %s WHERE id = ANY(%s)", (cluster_id, list(photo_ids))
    )


def pin(session: Session, *photo_ids: int) -> None:
    """Pins photos where they are, as a person does."""
    session.connection.execute(
        "UPDATE photos SET cluster_pinned = TRUE WHERE id = ANY(%s)", (list(photo_ids),)
    )


def placed(session: Session) -> dict[int, int | None]:
    """Photo to cluster."""
    return dict(query(session, "SELECT id, cluster_id FROM photos"))


def counts(session: Session) -> dict[int, int | None]:
    """Cluster to photos_count."""
    return dict(query(session, "SELECT id, photos_count FROM clusters"))


def make_sample(
    session: Session, embeddings: Sequence[Sequence[float]], photo_ids: Iterable[int] | None = None
) -> None:
    """A sample with these rows at positions 1, 2, ..."""
    ids = photo_ids or range(1, len(embeddings) + 1)
    for position, (photo_id, row) in enumerate(zip(ids, embeddings, strict=True), start=1):
        session.connection.execute(
            "INSERT INTO work_sample VALUES (%s, %s, %s)", (position, photo_id, str(list(row)))
        )


def make_assignments(session: Session, rows: dict[int, tuple[int, float]]) -> None:
    """What an algorithm assigned: the (label, distance) of each photo."""
    for photo_id, (label, distance) in rows.items():
        session.connection.execute(
            "INSERT INTO work_assignments (photo_id, label, distance, row_version)"
            " VALUES (%s, %s, %s, coalesce((SELECT xmin FROM photos WHERE id = %s), '0'))",
            (photo_id, label, distance, photo_id),
        )


def assignments(session: Session) -> dict[int, tuple[int, float]]:
    """Photo to (label, distance)."""
    found = query(session, "SELECT photo_id, label, distance FROM work_assignments")
    assert len(found) == len({photo_id for photo_id, _, _ in found})
    return {photo_id: (label, distance) for photo_id, label, distance in found}


def labels(session: Session) -> dict[int, int]:
    """Photo to label."""
    return {photo_id: label for photo_id, (label, _) in assignments(session).items()}


def hide(session: Session, *photo_ids: int) -> None:
    """Replaces usable_photos, as a user does: these photos are not to be clustered."""
    session.connection.execute("CREATE TABLE hidden (id bigint)")
    session.connection.execute("INSERT INTO hidden SELECT unnest(%s::bigint[])", (list(photo_ids),))
    session.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS SELECT id, path, embedding, cluster_id,"
        " NULL::bigint AS scope FROM photos WHERE id NOT IN (SELECT id FROM hidden)"
    )


def open_run(session: Session, **changes: object) -> int:
    """Opens the record of a run; returns its id."""
    parameters: dict[str, object] = {
        "kind": "generate",
        "algorithm": "kmeans",
        "metric": "cosine",
        "seed": 42,
        "k_requested": 3,
        "settings": '{"k": 3}',
        "tool_version": "0.1",
        "postgres_version": "17.0",
        "pgvector_version": "0.8",
        "photos_eligible": 10,
        "dimensions": 2,
    }
    run_id: int = session.fetch_value("runs/choose_number")
    session.execute("runs/open", run_id=run_id, **(parameters | changes))
    return run_id


def close_run(session: Session, run_id: int, **changes: object) -> None:
    """Closes the record of a run that succeeded."""
    parameters: dict[str, object] = {
        "photos_processed": 10,
        "photos_moved": 10,
        "skipped": '{"zero_vector": 1}',
        "clusters_created": 3,
        "clusters_kept": 1,
        "inertia": 5.0,
        "iterations": 7,
        "converged": True,
        "recall": 0.995,
        "silhouette": 0.25,
        "davies_bouldin": 2.5,
        "calinski_harabasz": 40.0,
        "smallest_cluster": 2,
        "largest_cluster": 5,
        "photos_measured": 10,
        "embeddings_digest": "abc",
        "scopes": 1,
        "seconds": '{"total": 1.5}',
    }
    session.execute("commit/close_run", run_id=run_id, **(parameters | changes))


def record_step(session: Session, run_id: int, step: int, **changes: object) -> None:
    """Records a step of a run."""
    parameters: dict[str, object] = {
        "phase": "train",
        "batch_size": 10,
        "inertia": 1.5,
        "centroid_movement": 0.5,
        "seconds": 0.25,
    }
    session.execute("runs/record_step", run_id=run_id, step=step, **(parameters | changes))


def record_quality(session: Session, run_id: int, cluster_id: int, silhouette: float) -> None:
    """Writes down what a run measured of a cluster."""
    session.connection.execute(
        "INSERT INTO cluster_quality (run_id, cluster_id, photos, mean_distance, max_distance,"
        " silhouette, davies_bouldin, photos_measured) VALUES (%s, %s, 3, 1, 2, %s, 1.5, 3)",
        (run_id, cluster_id, silhouette),
    )


def run_record(session: Session, run_id: int) -> dict[str, Any]:
    """A row of cluster_runs."""
    record = value(session, "SELECT to_jsonb(run) FROM cluster_runs AS run WHERE id = %s", run_id)
    assert isinstance(record, dict)
    return record


def record_move(
    session: Session, run_id: int, photo_ids: Sequence[int], old: int | None, new: int | None
) -> None:
    """Writes down that a run moved photos, embedded as they are now; moves none."""
    session.connection.execute(
        "INSERT INTO cluster_run_moves"
        " (run_id, from_cluster_id, to_cluster_id, photos, photo_ids, fingerprints)"
        " SELECT run.id, %(old)s, %(new)s, cardinality(%(ids)s::bigint[]), %(ids)s, ARRAY("
        " SELECT CASE WHEN run.metric = 'cosine' AND vector_norm(photo.embedding) > 0"
        " THEN l2_normalize(photo.embedding) ELSE photo.embedding END"
        " <#> subvector(%(fingerprint_vector)b::vector, 1, vector_dims(photo.embedding))"
        " FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS moved (id, place)"
        " LEFT JOIN usable_photos AS photo ON moved.id = photo.id ORDER BY moved.place)"
        " FROM cluster_runs AS run WHERE run.id = %(run_id)s",
        {
            "run_id": run_id,
            "old": old,
            "new": new,
            "ids": list(photo_ids),
            "fingerprint_vector": PROBE,
        },
    )


def make_hostile(session: Session) -> None:
    """Makes objects with the names of ours that fail or are empty, and has them found first."""
    session.connection.execute(
        b"""
        CREATE SCHEMA hostile;
        CREATE TABLE hostile.photos AS SELECT * FROM photos LIMIT 0;
        CREATE TABLE hostile.usable_photos AS SELECT * FROM photos LIMIT 0;
        CREATE TABLE hostile.clusters AS SELECT * FROM clusters LIMIT 0;
        CREATE TABLE hostile.cluster_runs AS SELECT * FROM cluster_runs LIMIT 0;
        CREATE TABLE hostile.cluster_members AS SELECT * FROM cluster_members LIMIT 0;
        CREATE FUNCTION hostile.vector_dims(vector) RETURNS integer LANGUAGE sql RETURN 1 / 0;
        CREATE FUNCTION hostile.nearest_active_cluster(vector, float8) RETURNS bigint
        LANGUAGE sql RETURN 1 / 0;
        CREATE FUNCTION hostile.equal(bigint, bigint) RETURNS boolean LANGUAGE sql RETURN 1 / 0 = 0;
        CREATE OPERATOR hostile.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.equal);
        CREATE TEMPORARY TABLE photos AS SELECT * FROM public.photos LIMIT 0;
        CREATE FUNCTION pg_temp.nearest_active_cluster(vector, float8) RETURNS bigint
        LANGUAGE sql RETURN 1 / 0;
        """
    )
    session.connection.execute("SET LOCAL search_path = hostile, pg_catalog")


@contextmanager
def as_role(session: Session, *rights: str) -> Iterator[None]:
    """Is a new role with these rights and no others; what was done meanwhile is taken back."""
    with session.connection.transaction(force_rollback=True):
        try:
            session.connection.execute("CREATE ROLE somebody")
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("the role of the tests may not make others")
        for right in rights:
            session.connection.execute(f"GRANT {right} TO somebody".encode())
        session.connection.execute("SET LOCAL ROLE somebody")
        yield


def wait_until_blocked(session: Session, pid: int) -> None:
    """Waits until another server process waits for a lock."""
    deadline = time.monotonic() + 20
    while not value(session, "SELECT cardinality(pg_blocking_pids(%s))", pid):
        if time.monotonic() > deadline:
            pytest.fail("the other session never waited")
        time.sleep(0.01)
