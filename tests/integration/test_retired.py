"""Clusters that a recluster left without photos: they take none, come back, and are pruned."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from fluffy_sql.operations.history import undo_run
from fluffy_sql.operations.prune import PruneResult, prune_clusters
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.transaction import LockLimits
from tests import running
from tests.conftest import Finished, add_photos, made_library
from tests.integration.helpers import generate, query, wrong_counts

recluster = partial(generate, recluster=True)


def fill(session: Session) -> None:
    add_photos(session, made_library(5)[0])


def fill_and_merge(session: Session) -> None:
    """Photos in many clusters, and then in few."""
    fill(session)
    generate(session, k=12)
    recluster(session, k=4)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, empty_database: Callable[..., Any], filled: Callable[..., str]
) -> Iterator[str]:
    merged = "gone" in request.fixturenames
    with empty_database(filled(fill_and_merge if merged else fill)) as url:
        yield url


@pytest.fixture
def gone(session: Session) -> list[int]:
    """The retired clusters of a library whose photos were in many and are in few."""
    found = retired(session)
    assert len(found) == 8
    return found


def retired(session: Session) -> list[int]:
    return [
        row[0]
        for row in query(session, "SELECT id FROM cluster_overview WHERE retired_by > 0 ORDER BY 1")
    ]


def prune(url: str, *, dry_run: bool = False) -> PruneResult:
    with Session.open(url) as session:
        return prune_clusters(session, LockLimits(), dry_run=dry_run)


def test_new_photos_come_into_clusters_that_are_in_use(
    gone: list[int], session: Session, database_url: str
) -> None:
    new = made_library(5, photos=900)[0][600:]
    add_photos(session, new, [f"new{i}" for i in range(300)])
    assert running.assign(database_url).photos_assigned == 300
    assert query(session, "SELECT count(*) FROM photos WHERE cluster_id = ANY(%s)", gone) == [(0,)]


@pytest.mark.parametrize(
    "nearest",
    [
        "SELECT cluster_id FROM vector_nearest_clusters(%s, NULL)",
        "SELECT nearest_active_cluster(%s)",
    ],
)
def test_functions_look_at_clusters_in_use_alone(
    gone: list[int], nearest: str, session: Session, database_url: str
) -> None:
    for cluster_id in gone:
        [(centroid,)] = query(session, "SELECT centroid FROM clusters WHERE id = %s", cluster_id)
        assert {row[0] for row in query(session, nearest, centroid)}.isdisjoint(gone)


def test_photos_that_changed_are_not_placed_in_a_retired_cluster(
    gone: list[int], session: Session, database_url: str
) -> None:
    query(
        session,
        "UPDATE photos SET embedding = (SELECT centroid FROM clusters WHERE id = %s) WHERE id < 9"
        " RETURNING id",
        gone[0],
    )
    running.assign(database_url, moved=True)
    assert query(session, "SELECT count(*) FROM photos WHERE cluster_id = ANY(%s)", gone) == [(0,)]


def test_a_theme_that_is_split_off_again_comes_back_with_its_name(
    gone: list[int], session: Session, database_url: str
) -> None:
    query(session, "UPDATE clusters SET name = 'theme ' || id RETURNING id")
    result = recluster(database_url, k=12, cold=True)
    assert result.clusters_created == 0
    assert retired(session) == []
    assert query(session, "SELECT count(*) FROM photos WHERE cluster_id = ANY(%s)", gone) != [(0,)]


def test_undo_takes_back_what_was_retired_and_what_came_back(
    gone: list[int], session: Session, database_url: str
) -> None:
    back = recluster(database_url, k=12, cold=True).run_id
    assert back is not None
    assert retired(session) == []
    undo_run(session, back, LockLimits())
    assert retired(session) == gone
    undo_run(session, 2, LockLimits())
    assert retired(session) == []
    assert wrong_counts(session) == []


def test_a_cluster_that_a_person_made_and_left_empty_stays(
    session: Session, database_url: str
) -> None:
    query(session, "INSERT INTO clusters (name) VALUES ('later') RETURNING id")
    generate(database_url, k=12)
    recluster(database_url, k=4)
    assert query(session, "SELECT retired_by FROM cluster_overview WHERE name = 'later'") == [
        (None,)
    ]


def test_a_cluster_that_ran_dry_before_is_retired_too(session: Session, database_url: str) -> None:
    generate(database_url, k=12)
    query(session, "DELETE FROM photos WHERE cluster_id = 5 RETURNING id")
    recluster(database_url, k=4)
    assert 5 in retired(session)


# clusters prune


def test_what_nobody_needs_is_pruned_and_the_rest_is_kept_with_its_reason(
    gone: list[int], session: Session, database_url: str
) -> None:
    named, aside, filled, cited, *others = gone
    session.connection.execute(
        "CREATE TABLE albums (cover bigint REFERENCES clusters ON DELETE CASCADE)"
    )
    query(session, "UPDATE clusters SET name = 'Oma' WHERE id = %s RETURNING id", named)
    query(session, "UPDATE clusters SET status = 1 WHERE id = %s RETURNING id", aside)
    query(session, "UPDATE photos SET cluster_id = %s WHERE id = 1 RETURNING id", filled)
    query(session, "INSERT INTO albums VALUES (%s) RETURNING cover", cited)
    tried = prune(database_url, dry_run=True)
    assert tried.pruned == tuple(others)
    assert len(retired(session)) == 8
    result = prune(database_url)
    assert (result.pruned, result.kept) == (tried.pruned, tried.kept)
    assert retired(session) == [named, aside, filled, cited]
    reasons = [(c.name, c.set_aside, c.has_photos, c.referenced_by) for c in result.kept]
    assert reasons == [
        ("Oma", False, False, None),
        (None, True, False, None),
        (None, False, True, None),
        (None, False, False, ["albums"]),
    ]
    assert query(session, "SELECT cover FROM albums") == [(cited,)]
    assert prune(database_url).pruned == ()


def test_a_key_of_two_columns_counts(gone: list[int], session: Session, database_url: str) -> None:
    first, *others = gone
    session.connection.execute("ALTER TABLE clusters ADD UNIQUE (id, status)")
    session.connection.execute(
        "CREATE TABLE posts (state integer, theme bigint,"
        " FOREIGN KEY (theme, state) REFERENCES clusters (id, status) ON DELETE CASCADE)"
    )
    query(session, "INSERT INTO posts VALUES (0, %s) RETURNING theme", first)
    assert prune(database_url).pruned == tuple(others)


def test_undo_past_a_prune_says_what_it_can_not_do(
    gone: list[int], session: Session, database_url: str, run_cli: Callable[..., Finished]
) -> None:
    [(lost,)] = query(
        session,
        "SELECT sum(photos_before) FROM cluster_run_clusters WHERE run_id = 2"
        " AND cluster_id = ANY(%s)",
        gone,
    )
    prune(database_url)
    undone = run_cli("runs", "undo", "2", "--database-url", database_url)
    assert undone.code == 0
    assert f"{lost} photos in no cluster now, for theirs is deleted" in undone.out
    assert query(session, "SELECT count(*) FROM photos WHERE cluster_id IS NULL") == [(lost,)]
    assert wrong_counts(session) == []


def test_the_command_for_people_and_with_json(
    session: Session, database_url: str, run_cli: Callable[..., Finished]
) -> None:
    prune_command = ("clusters", "prune", "--database-url", database_url)
    assert run_cli(*prune_command).out == "No cluster is retired: there is nothing to prune.\n"
    generate(database_url, k=12)
    recluster(database_url, k=4)
    named, *others = retired(session)
    query(session, "UPDATE clusters SET name = 'Oma' WHERE id = %s RETURNING id", named)
    told = run_cli(*prune_command, "--dry-run").out.splitlines()
    assert told[:2] == ["7 retired clusters would be deleted.", "1 retired cluster kept:"]
    assert told[3].split() == [str(named), "Oma", "it", "has", "a", "name"]
    found = json.loads(run_cli(*prune_command, "--json").out)
    assert (found["dry_run"], found["pruned"]) == (False, others)
    assert list(found["kept"][0]) == [
        *("cluster_id", "retired_by", "name", "set_aside", "has_photos", "referenced_by"),
    ]
    listed = run_cli("clusters", "--database-url", database_url).out
    assert listed.count("retired") == 1


@pytest.mark.usefixtures("gone")
def test_a_retired_cluster_shows_no_measures_of_an_older_run(
    session: Session, database_url: str, run_cli: Callable[..., Finished]
) -> None:
    found = json.loads(run_cli("clusters", "--json", "--database-url", database_url).out)
    for cluster in found["clusters"]:
        measures = [cluster[name] for name in ("silhouette", "davies_bouldin", "mean_distance")]
        assert (measures == [None] * 3) == (cluster["retired_by"] is not None)


@pytest.mark.usefixtures("gone")
def test_no_clusters_of_a_scope_is_said_of_the_scope(
    session: Session, database_url: str, run_cli: Callable[..., Finished]
) -> None:
    told = run_cli("clusters", "--scope", "99", "--database-url", database_url).out
    assert told == "There are no clusters of scope 99.\n"


@pytest.mark.usefixtures("gone")
def test_nan_is_no_limit_that_lets_all_in(session: Session, database_url: str) -> None:
    query(session, "UPDATE photos SET cluster_id = NULL WHERE id = 1 RETURNING id")
    assert query(session, "SELECT assign_photo(1, 'NaN')") == [(None,)]
