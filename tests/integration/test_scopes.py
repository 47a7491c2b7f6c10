"""Owners: each scope is clustered by itself, and no cluster holds photos of another."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.errors import DatabaseError, LibraryError, SchemaError
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.postgres import schema
from fluffy_sql.postgres.session import Session
from tests import running
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import execute, generate, nothing_changes, query, show, work_tables
from tests.integration.test_generate import AtPhase

# What `rails generate model` makes of photos and clusters that belong to a persona.
RAILS = """
    CREATE TABLE personas (id bigserial PRIMARY KEY, name varchar);
    CREATE TABLE clusters (
        id bigserial PRIMARY KEY,
        name varchar,
        status integer DEFAULT 0 NOT NULL,
        photos_count integer DEFAULT 0 NOT NULL,
        persona_id bigint NOT NULL CONSTRAINT fk_rails_1 REFERENCES personas (id),
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL
    );
    CREATE TABLE photos (
        id bigserial PRIMARY KEY,
        path varchar NOT NULL,
        embedding vector(16),
        persona_id bigint NOT NULL CONSTRAINT fk_rails_2 REFERENCES personas (id),
        cluster_id bigint CONSTRAINT fk_rails_3 REFERENCES clusters (id),
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL
    );
    CREATE INDEX index_photos_on_persona_id ON photos (persona_id);
    CREATE INDEX index_clusters_on_persona_id ON clusters (persona_id);
    INSERT INTO personas (name) SELECT 'persona ' || i FROM generate_series(1, 4) AS i;
"""
OWNERS = """
    CREATE OR REPLACE VIEW usable_photos AS
    SELECT id, path, embedding, cluster_id, persona_id AS scope FROM photos
"""
# As many photos as each persona has, and their themes.
PHOTOS = {1: 200, 2: 120, 3: 40}
THEMES = 4


def persona_library(persona: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return made_library(persona, photos=PHOTOS[persona], themes=THEMES, spread=0.05)


def add_persona_photos(session: Session, persona: int, rows: NDArray[np.float32]) -> list[int]:
    with session.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO photos (path, embedding, persona_id, created_at, updated_at)"
            " VALUES (%s, %s, %s, '2020-01-01', '2020-01-01') RETURNING id",
            [(f"{persona}/{n}.jpg", str(row.tolist()), persona) for n, row in enumerate(rows)],
            returning=True,
        )
        ids = []
        while True:
            ids += [row[0] for row in cursor.fetchall()]
            if not cursor.nextset():
                return ids


@pytest.fixture(scope="module")
def rails_template(empty_database: Callable[..., Any]) -> Iterator[str]:
    """Photos and clusters that a Rails application made, migrated; the name of the database."""
    with empty_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute(RAILS)
        schema.migrate(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def rails_url(empty_database: Callable[..., Any], rails_template: str) -> Iterator[str]:
    """A migrated Rails library without photos; whose they are is not said yet."""
    with empty_database(rails_template) as url:
        yield url


@pytest.fixture
def rails(rails_url: str) -> Iterator[Session]:
    """The same with photos of three personas, and a view that says whose they are."""
    with Session.open(rails_url) as session:
        execute(session, OWNERS)
        for persona in PHOTOS:
            add_persona_photos(session, persona, persona_library(persona)[0])
        yield session


def scopes_are_apart(session: Session) -> bool:
    mixed = query(
        session,
        "SELECT count(*) FROM photos JOIN clusters ON photos.cluster_id = clusters.id"
        " WHERE photos.persona_id <> clusters.persona_id",
    )
    return mixed == [(0,)]


def clusters_by_persona(session: Session) -> dict[int, int]:
    return dict(query(session, "SELECT persona_id, count(*) FROM clusters GROUP BY 1 ORDER BY 1"))


def labels_of(session: Session, persona: int) -> list[int]:
    rows = query(
        session, "SELECT cluster_id FROM photos WHERE persona_id = %s ORDER BY id", persona
    )
    return [row[0] for row in rows]


def same_partition(first: Any, second: Any) -> bool:
    pairs = set(zip(first, second, strict=True))
    return len(pairs) == len(set(first)) == len(set(second))


def test_each_persona_of_a_rails_library_gets_clusters_of_its_own(rails: Session) -> None:
    result = generate(rails, k=THEMES)
    assert (result.scopes, result.clusters_created, result.photos_processed) == (3, 12, 360)
    assert clusters_by_persona(rails) == {1: 4, 2: 4, 3: 4}
    assert scopes_are_apart(rails)
    for persona in PHOTOS:
        assert same_partition(labels_of(rails, persona), persona_library(persona)[1])
    assert work_tables(rails) == []
    [(stored,)] = query(rails, "SELECT scopes FROM cluster_runs")
    assert stored == 3


def test_k_can_be_said_for_a_scope(rails: Session) -> None:
    generate(rails, k=2, k_of_scope={2: 6, 99: 7})
    assert clusters_by_persona(rails) == {1: 2, 2: 6, 3: 2}


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_photos_are_at_the_nearest_centroid_of_their_scope(metric: str, rails: Session) -> None:
    generate(rails, k=3, metric=metric)
    for persona in PHOTOS:
        rows, _ = persona_library(persona)
        clusters = query(rails, "SELECT id, centroid FROM clusters WHERE persona_id = %s", persona)
        centroids = np.stack([centroid for _, centroid in clusters])
        distances = np.linalg.norm(rows[:, None] - centroids[None], axis=2)
        nearest = [clusters[place][0] for place in distances.argmin(axis=1)]
        assert labels_of(rails, persona) == nearest


def test_a_scope_too_large_for_the_rest_is_clustered_alone(rails: Session) -> None:
    result = generate(rails, k=THEMES, tuning=Tuning(small_scope=100))
    assert (result.scopes, result.clusters_created, result.recall) == (3, 12, 1.0)
    assert scopes_are_apart(rails)
    for persona in PHOTOS:
        assert same_partition(labels_of(rails, persona), persona_library(persona)[1])
    steps = [row[0] for row in query(rails, "SELECT step FROM cluster_run_steps ORDER BY step")]
    assert steps == list(range(1, len(steps) + 1))
    assert work_tables(rails) == []


def test_small_scopes_are_taken_in_batches_that_fit_the_memory_set_aside(rails: Session) -> None:
    generate(rails, k=THEMES, tuning=Tuning(centroid_bytes=4 * 16 * 5))
    assert clusters_by_persona(rails) == {1: 4, 2: 4, 3: 4}
    for persona in PHOTOS:
        assert same_partition(labels_of(rails, persona), persona_library(persona)[1])


def test_a_seed_gives_one_result_whatever_the_connections(rails: Session) -> None:
    results = []
    for connections in (1, 3):
        generate(rails, recluster=True, connections=connections, k=5, seed=3)
        results.append(query(rails, "SELECT centroid::text FROM clusters ORDER BY id"))
        execute(rails, "UPDATE photos SET cluster_id = NULL")
        execute(rails, "DELETE FROM clusters")
    assert results[0] == results[1]


def test_few_and_equal_photos_make_few_clusters(rails_url: str) -> None:
    with Session.open(rails_url) as session:
        execute(session, OWNERS)
        alike = np.tile(np.eye(16, dtype=np.float32)[0], (5, 1))
        add_persona_photos(session, 1, alike)
        add_persona_photos(session, 2, np.eye(16, dtype=np.float32)[:3])
        add_persona_photos(session, 3, np.zeros((4, 16), dtype=np.float32))
        result = generate(rails_url, k=4)
        assert clusters_by_persona(session) == {1: 1, 2: 3}
        assert result.skipped["zero_vector"] == 4
        assert set(labels_of(session, 3)) == {None}


def test_a_scope_with_a_cluster_short_is_done_again_alone(
    rails: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_short(self: Any, centroids: Any) -> Any:
        """Two centroids of the last persona coincide, so one of them gets no photo."""
        trained = dict(centroids)
        trained[2] = np.concatenate([trained[2][:-1], trained[2][:1]])
        return original(self, trained)

    from fluffy_sql.kmeans.scopes import batched as small_scopes

    original = small_scopes._SmallScopes.assign
    monkeypatch.setattr(small_scopes._SmallScopes, "assign", one_short)
    generate(rails, k=THEMES)
    assert clusters_by_persona(rails) == {1: 4, 2: 4, 3: 4}
    assert same_partition(labels_of(rails, 3), persona_library(3)[1])


def test_without_owners_the_rails_library_says_what_is_missing(
    rails_url: str, run_cli: Run
) -> None:
    with Session.open(rails_url) as session:
        add_persona_photos(session, 1, persona_library(1)[0])
        with nothing_changes(session):
            finished = run_cli("generate", "--k", "4", "--database-url", rails_url)
            assert finished.code == 1
            assert "clusters.persona_id must not be null" in finished.err
            assert "usable_photos" in finished.err


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE photos SET cluster_id = {theirs} WHERE id = {photo}",
        "UPDATE photos SET persona_id = 2 WHERE id = {photo}",
        "UPDATE clusters SET persona_id = 2 WHERE id = {ours}",
        "INSERT INTO photos (path, embedding, persona_id, cluster_id, created_at, updated_at)"
        " SELECT 'new', embedding, 1, {theirs}, now(), now() FROM photos WHERE id = {photo}",
    ],
)
def test_the_database_refuses_a_photo_in_a_cluster_of_another_scope(
    statement: str, rails: Session
) -> None:
    generate(rails, k=2)
    [(photo, ours)] = query(rails, "SELECT id, cluster_id FROM photos WHERE persona_id = 1 LIMIT 1")
    [(theirs,)] = query(rails, "SELECT id FROM clusters WHERE persona_id = 2 LIMIT 1")
    with nothing_changes(rails), pytest.raises(psycopg.errors.CheckViolation, match="scope 2"):
        execute(rails, statement.format(photo=photo, ours=ours, theirs=theirs))


def test_a_cluster_and_its_photos_can_go_to_another_owner_together(rails: Session) -> None:
    generate(rails, k=2)
    [(cluster,)] = query(rails, "SELECT min(id) FROM clusters WHERE persona_id = 1")
    rails.connection.execute(
        "WITH given AS (UPDATE clusters SET persona_id = 4 WHERE id = %(cluster)s)"
        " UPDATE photos SET persona_id = 4 WHERE cluster_id = %(cluster)s",
        {"cluster": cluster},
    )
    assert scopes_are_apart(rails)


def test_a_cluster_that_is_just_getting_a_photo_can_not_change_hands(
    rails: Session, rails_url: str
) -> None:
    generate(rails, k=2)
    [(cluster,)] = query(rails, "SELECT min(id) FROM clusters WHERE persona_id = 1")
    rails.connection.execute(
        "UPDATE photos SET cluster_id = NULL WHERE cluster_id = %s", (cluster,)
    )
    with psycopg.connect(rails_url) as other, rails.transaction():
        rails.connection.execute(
            "UPDATE photos SET cluster_id = %s WHERE id ="
            " (SELECT min(id) FROM photos WHERE persona_id = 1)",
            (cluster,),
        )
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("UPDATE clusters SET persona_id = 2 WHERE id = %s", (cluster,))
    with psycopg.connect(rails_url) as other, pytest.raises(psycopg.errors.CheckViolation):
        other.execute("UPDATE clusters SET persona_id = 2 WHERE id = %s", (cluster,))


def test_new_photos_go_to_clusters_of_their_owner(rails: Session) -> None:
    generate(rails, k=THEMES)
    # The photos of persona 1 once more, but as those of 2 and of 4, who has no cluster.
    rows, _ = persona_library(1)
    add_persona_photos(rails, 2, rows[:50])
    add_persona_photos(rails, 4, rows[:30])
    result = running.assign(rails)
    assert (result.photos_assigned, result.photos_left) == (50, 30)
    assert result.left["no_cluster"] == 30
    assert scopes_are_apart(rails)
    clusters = query(rails, "SELECT id, centroid FROM clusters WHERE persona_id = 2")
    centroids = np.stack([centroid for _, centroid in clusters])
    distances = np.linalg.norm(rows[:50, None] - centroids[None], axis=2)
    expected = [clusters[place][0] for place in distances.argmin(axis=1)]
    assert labels_of(rails, 2)[-50:] == expected


def test_one_photo_goes_to_a_cluster_of_its_owner(rails: Session) -> None:
    generate(rails, k=THEMES)
    rows, _ = persona_library(1)
    [photo] = add_persona_photos(rails, 2, rows[:1])
    [(cluster,)] = query(rails, "SELECT assign_photo(%s)", photo)
    assert query(rails, "SELECT persona_id FROM clusters WHERE id = %s", cluster) == [(2,)]
    execute(
        rails,
        "CREATE TRIGGER place AFTER INSERT ON photos"
        " FOR EACH ROW EXECUTE FUNCTION place_new_photo()",
    )
    add_persona_photos(rails, 3, rows[1:2])
    assert query(
        rails,
        "SELECT c.persona_id FROM photos AS p JOIN clusters AS c ON p.cluster_id = c.id"
        " ORDER BY p.id DESC LIMIT 1",
    ) == [(3,)]


@pytest.mark.parametrize("cold", [False, True])
def test_clusters_go_on_within_their_scope(cold: bool, rails: Session) -> None:
    generate(rails, k=THEMES)
    execute(rails, "UPDATE clusters SET name = persona_id || '/' || id")
    names = query(rails, "SELECT id, name, persona_id FROM clusters ORDER BY id")
    # Persona 2 now has the very photos of persona 1: by photos or centroids alone, theirs fit best.
    rows, _ = persona_library(1)
    add_persona_photos(rails, 2, rows[:100])
    result = generate(rails, recluster=True, cold=cold, k=THEMES, k_of_scope={2: 7})
    assert scopes_are_apart(rails)
    assert clusters_by_persona(rails)[2] >= 7
    kept = query(rails, "SELECT id, name, persona_id FROM clusters WHERE name > '' ORDER BY id")
    assert kept == names
    assert result.clusters_kept >= 8
    for persona in (1, 3):
        assert same_partition(labels_of(rails, persona), persona_library(persona)[1])


def test_undo_gives_back_what_was_there_before(rails: Session) -> None:
    generate(rails, k=THEMES)
    columns = (
        "SELECT id, cluster_id FROM photos ORDER BY id",
        "SELECT id, persona_id, centroid::text, run_id, photos_count FROM clusters ORDER BY id",
    )
    before = [query(rails, statement) for statement in columns]
    result = generate(rails, recluster=True, k=3, seed=5)
    assert result.photos_moved
    running.undo(rails, result.run_id)
    assert [query(rails, statement) for statement in columns] == before


def test_a_dry_run_says_what_would_change_and_changes_nothing(rails: Session) -> None:
    with nothing_changes(rails):
        result = generate(rails, dry_run=True, k=THEMES)
        assert (result.run_id, result.scopes, result.clusters_created) == (None, 3, 12)


def test_a_photo_that_got_another_owner_meanwhile_is_left_for_the_next_run(
    rails: Session, rails_url: str
) -> None:
    [(photo,)] = query(rails, "SELECT min(id) FROM photos WHERE persona_id = 1")

    def give_away() -> None:
        with psycopg.connect(rails_url, autocommit=True) as other:
            other.execute("UPDATE photos SET persona_id = 4 WHERE id = %s", (photo,))

    result = generate(rails, progress=AtPhase("measure", give_away), k=THEMES)
    assert result.photos_processed == 359
    assert query(rails, "SELECT cluster_id FROM photos WHERE id = %s", photo) == [(None,)]
    assert scopes_are_apart(rails)


def test_measures_compare_clusters_of_one_scope_alone(rails: Session) -> None:
    # Of persona 4, every photo of persona 1: without regard to scopes silhouettes would be 0.
    add_persona_photos(rails, 4, persona_library(1)[0])
    result = generate(rails, k=THEMES)
    assert result.quality is not None
    assert result.quality.silhouette is not None
    assert result.quality.silhouette > 0.7
    assert result.quality.davies_bouldin is not None
    assert result.quality.davies_bouldin < 0.6
    assert result.quality.calinski_harabasz is None


def test_sweep_and_report_are_of_one_scope(rails: Session, rails_url: str, run_cli: Run) -> None:
    generate(rails, k=THEMES)
    database = ("--database-url", rails_url)
    refused = run_cli("sweep", "--k", "2,4", *database)
    assert refused.code == 1
    assert "the photos are of 3 scopes (1, 2, 3)" in refused.err
    swept = run_cli("sweep", "--k", "2,3,4,5,6", "--scope", "2", "--json", *database)
    assert json.loads(swept.out)["photos"] == 120
    assert run_cli("sweep", "--k", "2,4", "--scope", "9", *database).code == 1
    assert run_cli("sweep", "--k", "2,4", "--scope", "x", *database).code == 2
    listed = run_cli("clusters", "--scope", "2", "--json", *database)
    assert {row["scope"] for row in json.loads(listed.out)["clusters"]} == {2}
    assert "scope" in run_cli("clusters", *database).out
    refused = run_cli("report", "--out", "report", *database)
    assert "the clusters are of 3 scopes" in refused.err
    written = run_cli("report", "--out", "report", "--scope", "3", "--json", *database)
    assert json.loads(written.out)["clusters"] == 4


def test_check_finds_photos_in_a_cluster_of_another_scope(
    session: Session, on_database: Run
) -> None:
    rows, _ = made_library(1, photos=60, themes=3)
    add_photos(session, rows)
    generate(session, k=3)
    assert on_database("check").code == 0
    # Whose photos they are comes up only now.
    show(session, scope="id % 2")
    finished = on_database("check")
    assert finished.code == 1
    assert "of no scope holds" in finished.out
    generate(session, recluster=True, k=3)
    assert on_database("check").code == 0
    scopes = query(
        session, "SELECT scope, count(*) FROM clusters WHERE photos_count > 0 GROUP BY 1"
    )
    assert sorted(scopes) == [(0, 3), (1, 3)]


def test_a_view_that_somebody_wrote_keeps_its_meaning(bare_database_url: str) -> None:
    with psycopg.connect(bare_database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute(
            "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL,"
            " embedding vector, cluster_id bigint)"
        )
        schema.migrate(bare_database_url)
        connection.execute(
            "CREATE OR REPLACE VIEW fluffy_sql.usable_photos WITH (security_barrier) AS"
            " SELECT id, path, embedding, cluster_id, NULL::bigint AS scope,"
            " length(path) AS letters FROM photos WHERE path LIKE 'a%'"
        )
        schema.migrate(bare_database_url)
        connection.execute("INSERT INTO photos (path) VALUES ('ab'), ('b')")
        assert connection.execute(
            "SELECT path, letters, scope FROM fluffy_sql.usable_photos"
        ).fetchall() == [("ab", 2, None)]
        [(options,)] = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'usable_photos'"
        ).fetchall()
        assert "security_barrier=true" in options


def test_a_library_of_scopes_is_not_resumed(rails: Session) -> None:
    generate(rails, k=2)
    assert query(rails, "SELECT count(*) FROM cluster_run_checkpoints") == [(0,)]


def test_photos_without_a_scope_are_a_scope_of_their_own(session: Session) -> None:
    rows, _ = made_library(2, photos=90, themes=3)
    add_photos(session, rows)
    show(session, scope="nullif(id % 3, 0)")
    result = generate(session, k=3)
    assert result.scopes == 3
    assert query(session, "SELECT scope, count(*) FROM clusters GROUP BY 1 ORDER BY 1") == [
        (1, 3),
        (2, 3),
        (None, 3),
    ]


def test_a_column_without_a_value_is_told_before_anything_is_done(session: Session) -> None:
    add_photos(session, made_library(2, photos=30)[0])
    execute(session, "ALTER TABLE clusters ADD COLUMN album_id bigint NOT NULL")
    with pytest.raises(LibraryError, match=r"clusters\.album_id must not be null"):
        generate(session, k=3)
    execute(session, "ALTER TABLE clusters ALTER COLUMN album_id SET DEFAULT 0")
    assert generate(session, k=3).clusters_created == 3


@pytest.mark.parametrize("detached", [True, False])
def test_the_column_of_the_owner_may_be_called_otherwise(
    detached: bool, rails: Session, rails_url: str
) -> None:
    generate(rails, k=THEMES)
    before = query(rails, "SELECT id, scope FROM scoped_clusters ORDER BY id")
    if detached:
        schema.detach(rails_url)
    for table in ("photos", "clusters"):
        rename = f"ALTER TABLE {table} RENAME COLUMN persona_id TO owner_id"
        execute(rails, rename)
    if detached:
        with pytest.raises(DatabaseError, match=r"as somebody wrote it: column .*persona_id"):
            schema.migrate(rails_url)
        execute(rails, OWNERS.replace("persona_id", "owner_id"))
    else:
        with pytest.raises(
            SchemaError, match=r"^clusters\.persona_id was renamed to owner_id since"
        ):
            generate(rails, k=THEMES)
    schema.migrate(rails_url)
    assert query(rails, "SELECT id, scope FROM scoped_clusters ORDER BY id") == before
    generate(rails, recluster=True, cold=True, k=THEMES, seed=3)
    assert running.check(rails).findings == ()
