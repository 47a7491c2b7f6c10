"""The whole path of the command line on Citus, a coordinator and its workers."""

import json
import shlex
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sklearn.metrics import adjusted_rand_score

from fluffy_sql.errors import DatabaseError, PostconditionError, SchemaError
from fluffy_sql.kmeans.tuning import Tuning
from fluffy_sql.operations.distribute import distribute
from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.work_tables import empty
from fluffy_sql.runs.commit import FinalTransaction
from tests import colours, running
from tests.citus.local_server import LocalServer
from tests.conftest import Finished, made_library
from tests.docs.examples import examples_of, same
from tests.docs.pages import DOCS, blocks_of
from tests.integration.helpers import (
    clusters_by_photo,
    generate,
    query,
    snapshot,
    work_tables,
)
from tests.integration.test_embed import save
from tests.security.helpers import PASSWORD, apply_grants

PHOTOS, THEMES = 1_500, 8
# What a step, and the final pass, may not do: carry rows to the coordinator to work on them there.
CARRIED = ("Distributed Subplan", "pull to coordinator")
PUSHED_DOWN = {
    "kmeans/lloyd_step",
    "kmeans/project_sample",
    "kmeans/full_dimension_means",
    "kmeans/assign_photos",
    "runs/summarize_assignments",
    "runs/digest_assignments",
    "quality/draw_assigned",
    "citus/commit/note_moves",
    "citus/commit/apply_moves",
    "citus/commit/forget_unmoved",
}
# A single shard is planned otherwise than several: whole statements are sent to it.
SHARDS = pytest.mark.parametrize("shards", [None, 1])
THREE_SCOPES = """
    CREATE OR REPLACE VIEW usable_photos AS
    SELECT id, path, embedding, cluster_id, nullif(mod(id, 3), 0) AS scope FROM photos
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A library to import: an .npy and its paths."""
    rows, _ = made_library(3, photos=PHOTOS, themes=THEMES)
    np.save(tmp_path / "photos.npy", rows)
    (tmp_path / "photos.csv").write_text("path\n" + "".join(f"p{i}\n" for i in range(PHOTOS)))
    return str(tmp_path / "photos.npy"), str(tmp_path / "photos.csv")


@pytest.fixture
def shards() -> int | None:
    """Into how many shards photos are cut; None: citus.shard_count."""
    return None


@pytest.fixture
def distributed_url(
    citus_url: str,
    shards: int | None,
    files: tuple[str, str],
    run_cli: Callable[..., Finished],
    monkeypatch: Any,
) -> str:
    """A library that is distributed, without clusters."""
    monkeypatch.setenv("DATABASE_URL", citus_url)
    with Session.open(citus_url) as session:
        distribute(session, shards=shards)
    assert run_cli("import", files[0], "--paths", files[1]).code == 0
    return citus_url


@contextmanager
def a_role_that_may_run(url: str) -> Iterator[str]:
    """The address for a role that owns nothing."""
    role = f"fluffy_test_{uuid.uuid4().hex}"
    name = sql.Identifier(role)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, PASSWORD))
        try:
            apply_grants(url, "run_on_citus", role)
            yield make_conninfo(url, user=role, password=PASSWORD)
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


def labels_by_path(session: Session) -> NDArray[np.int64]:
    rows = query(session, "SELECT cluster_id FROM photos ORDER BY path")
    return np.array([row[0] for row in rows], dtype=np.int64)


def moves(session: Session) -> list[tuple[Any, ...]]:
    return sorted(query(session, "SELECT run_id, photo_id, to_cluster_id FROM cluster_moves"))


def keys(session: Session) -> list[tuple[Any, ...]]:
    return query(
        session,
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE contype IN ('f', 'p')"
        " AND conrelid IN ('photos'::regclass, 'clusters'::regclass, 'cluster_runs'::regclass)"
        " ORDER BY 1, 2",
    )


def comments(session: Session) -> list[tuple[Any, ...]]:
    """All that say what an object is, and whether migrate made it; but those of shards."""
    return query(
        session,
        "SELECT object.type, object.identity, said.description FROM pg_description AS said"
        " CROSS JOIN LATERAL"
        " pg_identify_object(said.classoid, said.objoid, said.objsubid) AS object"
        " WHERE object.identity ~ '(^| on )(public|fluffy_sql)[.]'"
        " AND object.identity !~ '_[0-9]{6}'"
        " ORDER BY 1, 2",
    )


def unpinned(session: Session) -> list[tuple[Any, ...]]:
    """Functions that are bound to tables, or whose names depend on who calls them."""
    return query(
        session,
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'fluffy_sql'::regnamespace"
        " AND coalesce(array_to_string(proconfig, ' '), '') !~ 'search_path=.*pg_temp'"
        " AND proname NOT IN ('centroid_distance', 'comparable_embedding')",
    )


def looked_at(session: Session) -> list[Any]:
    """What the functions that look closer at clusters say."""
    return [
        query(session, f"SELECT * FROM {function}")
        for function in (
            "cluster_central_photos(1, n => 3)",
            "cluster_outermost_photos(1, n => 3)",
            "cluster_neighbors(1)",
            "vector_nearest_clusters((SELECT embedding FROM photos WHERE id = 7), n => 2)",
            "nearest_active_cluster((SELECT embedding FROM photos WHERE id = 7))",
        )
    ]


def befall_before_commit(
    url: str, monkeypatch: pytest.MonkeyPatch, befall: Callable[[], None]
) -> None:
    """A run that fails because of something that happens after its last statement."""
    close = FinalTransaction.close

    def close_and_befall(transaction: FinalTransaction, result: Any) -> None:
        close(transaction, result)
        befall()

    with monkeypatch.context() as patched:
        patched.setattr(FinalTransaction, "close", close_and_befall)
        with pytest.raises(DatabaseError) as failed:
            generate(url, k=THEMES)
    assert str(failed.value).isprintable()
    assert "a server of Citus does not answer, and nothing was written" in str(failed.value)


def assert_nothing_is_left(
    url: str, nodes: list[str], before: dict[str, list[tuple[Any, ...]]]
) -> None:
    with Session.open(url) as session:
        assert snapshot(session) == before
        assert moves(session) == []
    database = conninfo_to_dict(url)["dbname"]
    for node in nodes:
        with psycopg.connect(node) as server:
            prepared = server.execute(
                "SELECT gid FROM pg_prepared_xacts WHERE database = %s", (database,)
            ).fetchall()
        assert prepared == [], node


def assert_next_run_does_all(url: str) -> None:
    generate(url, k=THEMES)
    with Session.open(url) as session:
        assert clusters_by_photo(session).min() > 0
        assert len(moves(session)) == PHOTOS


def test_distributing_keeps_rows_keys_and_functions_and_can_be_done_twice(
    citus_url: str,
    files: tuple[str, str],
    run_cli: Callable[..., Finished],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", citus_url)
    assert run_cli("import", files[0], "--paths", files[1]).code == 0
    assert run_cli("generate", "--k", "8").code == 0
    with Session.open(citus_url) as session:
        before = snapshot(session), moves(session), keys(session), looked_at(session)
        said = comments(session)
    finished = run_cli("distribute", "--shards", "6")
    assert finished.code == 0, finished.err
    assert "photos: 6 shards, by id" in finished.out
    with Session.open(citus_url) as session:
        after = snapshot(session), moves(session), keys(session), looked_at(session)
        assert after == before
        assert comments(session) == said
        assert query(session, "SELECT count(*) FROM ONLY photos") == [(PHOTOS,)]
    again = run_cli("distribute", "--json")
    assert json.loads(again.out)["changed"] == []
    assert len(json.loads(again.out)["tables"]) == 14
    # what a later migration does
    with Session.open(citus_url) as session:
        session.connection.execute("ALTER TABLE clusters ADD COLUMN note text")
        session.connection.execute("ALTER TABLE photos ADD COLUMN note text")
    migrated = run_cli("migrate")
    assert "Citus runs no triggers" in migrated.out
    # what came before can be taken back, and ids go on where they were
    assert run_cli("runs", "undo", "1").code == 0
    assert run_cli("generate", "--k", "8").code == 0
    with Session.open(citus_url) as session:
        assert query(session, "SELECT min(id) FROM clusters") == [(9,)]


def test_distribute_prints_what_the_page_shows(
    citus_url: str, run_cli: Callable[..., Finished], monkeypatch: Any
) -> None:
    monkeypatch.setenv("DATABASE_URL", citus_url)
    blocks = blocks_of(DOCS / "explanation" / "scaling.md")
    [[example]] = [examples_of(block) for block in blocks if block.language == "console"]
    assert same(example.printed, run_cli(*shlex.split(example.command)[1:]).out)


def test_work_tables_lie_where_their_photos_lie(citus_url: str) -> None:
    with Session.open(citus_url) as session:
        distribute(session, shards=4)
        assert query(
            session,
            "SELECT count(*), count(DISTINCT colocationid) FROM pg_dist_partition"
            " WHERE logicalrelid = 'photos'::regclass OR logicalrelid IN ("
            " SELECT attrelid FROM pg_attribute INNER JOIN list_work_tables() AS work_table (name)"
            " ON attrelid = work_table.name::regclass WHERE attname = 'photo_id')",
        ) == [(9, 1)]
        query(
            session,
            "INSERT INTO work_drawn SELECT n, n FROM generate_series(1, 99) AS n RETURNING 1",
        )
        assert work_tables(session) == ["work_drawn"]
        # in one transaction, as in check --repair, and alone
        with session.transaction():
            empty(session)
            assert work_tables(session) == []
        assert query(session, "SELECT count(*) FROM work_drawn") == [(0,)]


def test_definitions_are_made_anew_as_citus_takes_them(
    distributed_url: str, nodes: list[str], run_cli: Callable[..., Finished]
) -> None:
    generate(distributed_url, k=8)
    with Session.open(distributed_url) as session:
        before = snapshot(session), moves(session), keys(session), looked_at(session)
        said = comments(session)
        for others in ((), ("detach",), ("DROP VIEW usable_photos CASCADE",)):
            for command in others:
                if command == "detach":
                    assert run_cli(command).code == 0
                else:
                    session.connection.execute(command.encode())
            migrated = run_cli("migrate")
            assert migrated.code == 0, migrated.err
            after = snapshot(session), moves(session), keys(session), looked_at(session)
            assert after == before, others
            assert comments(session) == said, others
            assert unpinned(session) == [], others
            assert run_cli("check").code == 0
            # which Citus refuses where a function is bound to the table
            for table in ("photos", "clusters", "cluster_runs"):
                session.connection.execute(f"ALTER TABLE {table} ADD COLUMN note text".encode())
                session.connection.execute(f"ALTER TABLE {table} DROP COLUMN note".encode())
    database = conninfo_to_dict(distributed_url)["dbname"]
    urls = [make_conninfo(node, dbname=database) for node in nodes]
    for url in urls:
        with psycopg.connect(url) as server:
            open_to_all = server.execute(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'fluffy_sql'::regnamespace"
                " AND has_function_privilege('public', oid, 'EXECUTE')"
            ).fetchall()
            assert open_to_all == [], url
    assert run_cli("migrate", "--rollback", "--yes").code == 0
    for url in urls:
        with psycopg.connect(url) as server:
            left = server.execute(
                "SELECT relname FROM pg_class INNER JOIN pg_namespace ON pg_namespace.oid ="
                " relnamespace WHERE nspname = 'fluffy_sql' OR relname ~ '^(photos|clusters)'"
            ).fetchall()
            assert left == [], url


@SHARDS
def test_every_command_works_as_before(
    distributed_url: str, files: tuple[str, str], run_cli: Callable[..., Finished]
) -> None:
    again = run_cli("import", files[0], "--paths", files[1], "--json")
    assert json.loads(again.out)["photos_unchanged"] == PHOTOS
    made = run_cli("generate", "--k", str(THEMES), "--json")
    assert json.loads(made.out)["photos_processed"] == PHOTOS
    with Session.open(distributed_url) as session:
        session.connection.execute("UPDATE photos SET cluster_id = NULL WHERE id <= 100")
        placed = run_cli("check", "--repair"), run_cli("assign", "--json")
        assert json.loads(placed[1].out)["photos_assigned"] == 100
        session.connection.execute(
            "UPDATE photos SET embedding = %s, updated_at = now()"
            " WHERE cluster_id <> 1 AND id <= 200",
            (query(session, "SELECT centroid FROM clusters WHERE id = 1")[0][0],),
        )
        moved = run_cli("assign", "--moved", "--json")
        assert json.loads(moved.out)["photos_assigned"] > 100
        for command in (
            ("generate", "--recluster", "--dry-run", "--k", "9"),
            ("generate", "--recluster", "--k", "9"),
            ("generate", "--explain", "--k", "9"),
            ("clusters",),
            ("clusters", "--suggest-names"),
            ("clusters", "export", "--format", "csv"),
            ("runs",),
            ("runs", "show", "1"),
            ("runs", "diff", "1", "2"),
            ("sweep", "--k", "4,8"),
            ("report", "--out", "report", "--clusters", "2", "--photos", "2", "--compare", "1"),
        ):
            finished = run_cli(*command)
            assert finished.code == 0, (command, finished.err, finished.out)
        assert "distributed over several servers" in run_cli("duplicates").err
        newest = query(session, "SELECT max(id) FROM cluster_runs")[0][0]
        undone = run_cli("runs", "undo", str(newest), "--json")
        assert json.loads(undone.out)["photos_moved"] > 0
        assert run_cli("check").code == 0


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_clusters_are_those_of_one_server(
    distributed_url: str,
    database_url: str,
    files: tuple[str, str],
    run_cli: Callable[..., Finished],
    metric: str,
) -> None:
    run_cli("import", files[0], "--paths", files[1], "--database-url", database_url)
    for url in (distributed_url, database_url):
        generate(url, k=12, metric=metric, seed=5)
    with Session.open(distributed_url) as many, Session.open(database_url) as one:
        alike = adjusted_rand_score(labels_by_path(many), labels_by_path(one))
        assert alike >= 0.999
        found = query(many, "SELECT photos_count FROM clusters ORDER BY id")
        assert found == query(one, "SELECT photos_count FROM clusters ORDER BY id")
        assert query(many, "SELECT count(*) FROM cluster_run_photo_moves") == [(PHOTOS,)]


def test_each_scope_is_clustered_by_itself(
    distributed_url: str,
    database_url: str,
    files: tuple[str, str],
    run_cli: Callable[..., Finished],
) -> None:
    alone = Tuning(small_scope=0)  # on one server, too, each alone
    run_cli("import", files[0], "--paths", files[1], "--database-url", database_url)
    with Session.open(distributed_url) as many, Session.open(database_url) as one:
        for session, url in ((many, distributed_url), (one, database_url)):
            session.connection.execute(THREE_SCOPES)
            assert generate(url, k=5, tuning=alone).scopes == 3
        assert adjusted_rand_score(labels_by_path(many), labels_by_path(one)) >= 0.999
        assert query(many, "SELECT count(*) FROM clusters") == [(15,)]
        many.connection.execute("UPDATE photos SET cluster_id = NULL WHERE id <= 99")
        assert run_cli("check", "--repair").code == 0
        assert json.loads(run_cli("assign", "--json").out)["photos_assigned"] == 99
        again = run_cli("generate", "--recluster", "--k", "6")
        assert again.code == 0, again.err
        assert run_cli("report", "--out", "report", "--scope", "1").code == 0
        assert run_cli("sweep", "--k", "2,3", "--scope", "2").code == 0
        assert run_cli("check").code == 0
        strangers = (
            "SELECT count(*) FROM usable_photos AS usable"
            " INNER JOIN scoped_clusters AS cluster ON usable.cluster_id = cluster.id"
            " WHERE usable.scope IS DISTINCT FROM cluster.scope"
        )
        assert query(many, strangers) == [(0,)]
        assert query(many, "SELECT count(cluster_id) FROM photos") == [(PHOTOS,)]
        # no trigger of ours is there to refuse it: check tells
        many.connection.execute(
            "UPDATE photos SET cluster_id = (SELECT min(id) FROM scoped_clusters WHERE scope = 1)"
            " WHERE id = 2"
        )
        told = run_cli("check")
        assert told.code == 1
        assert "of scope 1 holds 1 photo of another, such as photo 2 of scope 2" in told.out


def test_photos_that_change_meanwhile_are_left_alone(
    distributed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = FinalTransaction.place

    def change_some(transaction: FinalTransaction) -> Any:
        with Session.open(distributed_url) as other:
            other.connection.execute("UPDATE photos SET updated_at = now() WHERE id <= 20")
            other.connection.execute("UPDATE photos SET cluster_pinned = TRUE WHERE id = 21")
        return place(transaction)

    monkeypatch.setattr(FinalTransaction, "place", change_some)
    generate(distributed_url, k=THEMES)
    with Session.open(distributed_url) as session:
        left = query(session, "SELECT id FROM photos WHERE cluster_id IS NULL ORDER BY id")
        assert left == [(id_,) for id_ in range(1, 22)]
        assert len(moves(session)) == PHOTOS - 21


def test_photos_that_somebody_is_changing_are_waited_for_no_longer_than_was_said(
    distributed_url: str,
) -> None:
    settings = running.settings(k=THEMES, lock_wait=1)
    with Session.open(distributed_url) as session:
        before = snapshot(session)
        with psycopg.connect(distributed_url) as somebody:
            somebody.execute("UPDATE photos SET updated_at = updated_at WHERE id = 1")
            with pytest.raises(DatabaseError, match="1 s for photos that somebody is changing"):
                running.generate(distributed_url, settings)
            somebody.rollback()
        assert snapshot(session) == before
    assert running.generate(distributed_url, settings).photos_processed == PHOTOS


def test_a_role_that_owns_nothing_can_work(
    distributed_url: str, files: tuple[str, str], run_cli: Callable[..., Finished]
) -> None:
    with a_role_that_may_run(distributed_url) as url:
        for command in (
            ("import", files[0], "--paths", files[1]),
            ("generate", "--k", "5"),
            ("generate", "--recluster", "--k", "4"),
            ("assign", "--moved"),
            ("check", "--repair"),
            ("sweep", "--k", "3,4"),
            ("report", "--out", "report"),
            ("runs", "show", "2"),
            ("runs", "undo", "2"),
        ):
            finished = run_cli(*command, "--database-url", url)
            assert finished.code == 0, (command, finished.err)


@SHARDS
def test_photos_are_worked_on_where_they_lie(distributed_url: str) -> None:
    settings = running.settings(k=THEMES, sample_per_cluster=16)
    plans = {found.name: found.plan for found in running.explain(distributed_url, settings)}
    assert PUSHED_DOWN - plans.keys() == set()
    for name in PUSHED_DOWN:
        plan = "\n".join(plans[name] or ())
        assert "Citus Adaptive" in plan, name
        assert not [what for what in CARRIED if what in plan], name


def test_a_rollback_undoes_every_shard(
    distributed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(transaction: FinalTransaction, result: object) -> None:
        raise PostconditionError("refused")

    with Session.open(distributed_url) as session:
        before = snapshot(session)
        monkeypatch.setattr(FinalTransaction, "close", refuse)
        with pytest.raises(PostconditionError):
            generate(distributed_url, k=THEMES)
        assert snapshot(session) == before
        assert moves(session) == []


def test_a_worker_whose_connections_end_before_the_commit_leaves_nothing_behind(
    distributed_url: str, nodes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_connections() -> None:
        with psycopg.connect(nodes[-1], autocommit=True) as worker:
            ended = worker.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name LIKE 'citus_internal%%' AND datname = %s",
                (conninfo_to_dict(distributed_url)["dbname"],),
            ).fetchall()
        assert ended > [(0,)]

    with Session.open(distributed_url) as session:
        before = snapshot(session)
    befall_before_commit(distributed_url, monkeypatch, end_connections)
    assert_nothing_is_left(distributed_url, nodes, before)
    assert_next_run_does_all(distributed_url)


def test_a_worker_killed_before_the_commit_leaves_nothing_behind(
    distributed_url: str,
    nodes: list[str],
    mortal_worker: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Session.open(distributed_url) as session:
        before = snapshot(session)
    befall_before_commit(distributed_url, monkeypatch, mortal_worker.kill)
    mortal_worker.start(tmp_path / "worker.log")
    assert_nothing_is_left(distributed_url, nodes, before)
    assert_next_run_does_all(distributed_url)
    with Session.open(distributed_url) as session:
        statuses = query(session, "SELECT status FROM cluster_runs ORDER BY id")
        assert statuses == [("interrupted",), ("succeeded",)]


def test_a_stopped_worker_is_told_in_one_line_with_what_to_do(
    distributed_url: str,
    files: tuple[str, str],
    mortal_worker: LocalServer,
    tmp_path: Path,
    run_cli: Callable[..., Finished],
) -> None:
    generate(distributed_url, k=THEMES)
    with Session.open(distributed_url) as session:
        session.connection.execute("UPDATE photos SET cluster_id = NULL WHERE id <= 100")
        before = snapshot(session)
    mortal_worker.kill()
    for command in (
        ("assign",),
        ("assign", "--moved"),
        ("generate", "--k", "5"),
        ("generate", "--recluster", "--k", "5"),
        ("import", files[0], "--paths", files[1]),
        ("sweep", "--k", "2,3"),
        ("clusters",),
        ("check", "--repair"),
        ("runs", "undo", "1"),
    ):
        finished = run_cli(*command)
        assert finished.code == 1, command
        assert finished.out == ""
        [line] = [line for line in finished.err.splitlines() if line.startswith("fluffy-sql: ")]
        assert "a server of Citus does not answer, and nothing was written: start it" in line
    mortal_worker.start(tmp_path / "worker.log")
    with Session.open(distributed_url) as session:
        assert snapshot(session) == before
    assert run_cli("assign").code == 0


def test_what_citus_would_refuse_is_told_before(citus_session: Session, citus_url: str) -> None:
    run = citus_session.connection.execute
    run("CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    run("CREATE TRIGGER mine BEFORE INSERT ON photos FOR EACH ROW EXECUTE FUNCTION public.f()")
    run("CREATE TRIGGER place AFTER INSERT ON photos EXECUTE FUNCTION place_new_photo()")
    run("ALTER TABLE photos ADD COLUMN digest text UNIQUE")
    with pytest.raises(SchemaError) as refused:
        distribute(citus_session)
    assert "photos_digest_key is unique" in str(refused.value)
    assert "photos has mine" in str(refused.value)
    assert "photos has place" in str(refused.value)
    with Session.open(citus_url) as session:
        assert not session.distributed


def test_photos_are_embedded(
    distributed_url: str,
    run_cli: Callable[..., Finished],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is imported is replaced; then a photo changes, and one is gone."""
    for number in range(3):
        save(tmp_path / "pictures" / f"{number}.png", (10 * number, 0, 0))
    for _ in colours.use(monkeypatch):
        result = json.loads(run_cli("embed", "pictures", "--replace", "--json").out)
        assert (result["photos_added"], result["embeddings_lost"]) == (3, PHOTOS)
        save(tmp_path / "pictures" / "0.png", (0, 0, 99))
        (tmp_path / "pictures" / "2.png").touch()
        (tmp_path / "pictures" / "1.png").unlink()
        save(tmp_path / "pictures" / "3.png", (0, 0, 0))
        result = json.loads(run_cli("embed", "pictures", "--forget-missing", "--json").out)
    counts = {"changed": 1, "added": 1, "unchanged": 1, "forgotten": 1}
    assert {name: result[f"photos_{name}"] for name in counts} == counts
    with Session.open(distributed_url) as session:
        assert query(
            session,
            "SELECT path, round(embedding <-> '[1,1,1]')::integer FROM photos"
            " INNER JOIN photo_files ON id = photo_id ORDER BY path",
        ) == [("0.png", 99), ("2.png", 20), ("3.png", 0)]
