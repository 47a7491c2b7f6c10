"""fluffy-sql check: what it finds, what --repair does, and that other sessions can go on."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.errors import DatabaseError
from fluffy_sql.operations import check as checking
from fluffy_sql.operations.check import CHECKS, Check, CheckResult, Finding
from fluffy_sql.postgres.counter_cache import put_into_effect
from fluffy_sql.postgres.session import Session
from tests.conftest import Run, add_photos, made_library
from tests.integration.helpers import execute, generate, new_role, query, wait_for, work_tables
from tests.integration.test_counts import BEGIN, COUNTING, COUNTS, SOMEBODY_WAITS, triggers
from tests.integration.test_generate import AtPhase
from tests.running import check
from tests.sql.helpers import wait_until_blocked

NAMES = (
    *("schema", "nearest_centroid", "count_triggers", "guard_triggers", "stray_triggers"),
    *("photos_count", "usable_photos", "scopes", "lost_photos"),
    *("dimensions", "replica_identity", "idle_locks", "blocked", "runs", "work_tables"),
)
WELL = f"All is well: {', '.join(NAMES)}; 1,000 photos compared with all centroids.\n"
NOT_COMPARED = (
    f"Nothing wrong was found: {', '.join((NAMES[0], *NAMES[2:]))}. Whether photos are at their"
    " nearest centroid is not known: no photo is as a run of its cluster's centroid moved it.\n"
)
WRONG_COUNT = "photos_count of cluster 1 is 1,234, but the photos in it are 4"
SPOIL = "UPDATE clusters SET photos_count = 1234 WHERE id = 1"
RIGHT = [(1, 4), (2, 3), (3, 2), (4, 0)]


@pytest.fixture
def library(session: Session) -> Session:
    """A session on four clusters with 4, 3, 2 and no photos."""
    execute(session, *BEGIN)
    return session


@pytest.fixture
def run_check(on_database: Run) -> Run:
    return partial(on_database, "check")


def found(result: CheckResult) -> list[tuple[str, str, bool]]:
    return [(finding.check, finding.found, finding.repaired) for finding in result.findings]


# The command


def test_all_is_well(run_check: Run, session: Session) -> None:
    add_photos(session, made_library(2)[0])
    generate(session, k=5)
    for arguments in ((), ("--repair",)):
        finished = run_check(*arguments)
        assert (finished.code, finished.err) == (0, "")
        assert re.sub(r"\d+ photos", "1,000 photos", finished.out) == WELL
    well = json.loads(run_check("--json").out)
    # as many are drawn, and some of them twice
    assert 300 < well.pop("photos_compared") <= 600
    assert well == {"ok": True, "checks": list(NAMES), "findings": [], "notes": []}


def test_a_check_that_compared_no_photo_does_not_say_well(library: Session, run_check: Run) -> None:
    finished = run_check()
    assert (finished.code, finished.out, finished.err) == (0, NOT_COMPARED, "")
    assert json.loads(run_check("--json").out)["photos_compared"] == 0


def test_a_wrong_count_is_found_then_repaired(library: Session, run_check: Run) -> None:
    execute(library, SPOIL)
    finished = run_check()
    assert (finished.code, finished.err) == (1, "")
    assert finished.out == (
        f"photos_count: {WRONG_COUNT} (with --repair: counted again)\n"
        "1 thing wrong; to repair: fluffy-sql check --repair\n"
    )
    assert query(library, COUNTS)[0] == (1, 1234)
    repaired = run_check("--repair")
    assert (repaired.code, repaired.err) == (0, "")
    assert repaired.out == f"photos_count: {WRONG_COUNT}: counted again\n1 thing repaired.\n"
    assert query(library, COUNTS) == RIGHT
    assert run_check().out == NOT_COMPARED


def test_json_says_the_same(library: Session, run_check: Run) -> None:
    execute(library, SPOIL)
    finding = {"check": "photos_count", "found": WRONG_COUNT, "remedy": "counted again"}
    for arguments, code, repaired in [((), 1, False), (("--repair",), 0, True)]:
        finished = run_check("--json", *arguments)
        assert finished.code == code
        assert json.loads(finished.out) == {
            "ok": repaired,
            "checks": list(NAMES),
            "findings": [finding | {"repaired": repaired}],
            "photos_compared": 0,
            "notes": [],
        }
    assert query(library, COUNTS) == RIGHT


# Counts


@pytest.mark.parametrize("kept_by", ["triggers", "service"])
def test_counts_are_checked_whoever_keeps_them(kept_by: str, library: Session) -> None:
    put_into_effect(library, kept_by)
    execute(library, "UPDATE clusters SET photos_count = id")
    numbers = [text.rpartition("are ")[2] for _, text, _ in found(check(library))]
    assert numbers == ["4", "3", "2", "0"]
    assert check(library, repair=True).ok
    assert query(library, COUNTS) == RIGHT


def test_a_right_count_is_not_written(library: Session) -> None:
    execute(library, SPOIL)
    versions = "SELECT id, xmin::text FROM clusters WHERE id > 1 ORDER BY id"
    before = query(library, versions)
    check(library, repair=True)
    assert query(library, versions) == before


@pytest.mark.parametrize("ending", ["commits", "rolls back"])
def test_a_repair_waits_for_nobody_who_moves_photos_of_the_same_cluster(
    ending: str, library: Session, database_url: str
) -> None:
    execute(library, SPOIL)
    with ThreadPoolExecutor(1) as pool, library.transaction(force_rollback=ending == "rolls back"):
        execute(library, "UPDATE photos SET cluster_id = 4 WHERE id IN (1, 2)")
        assert pool.submit(check, database_url, repair=True).result(timeout=20).ok
    moved = [(1, 2), (2, 3), (3, 2), (4, 2)]
    assert query(library, COUNTS) == (moved if ending == "commits" else RIGHT)


def test_a_repair_waits_for_who_writes_the_same_cluster(
    library: Session, database_url: str
) -> None:
    execute(library, SPOIL)
    with ThreadPoolExecutor(1) as pool:
        with library.transaction():
            execute(library, "UPDATE clusters SET name = 'theirs' WHERE id = 1")
            repairing = pool.submit(check, database_url, repair=True)
            with library.reconnected() as other:
                wait_for(other, SOMEBODY_WAITS)
        assert repairing.result().ok
    assert query(library, COUNTS) == RIGHT


def test_looking_waits_for_nobody_and_sees_nothing_half_done(library: Session) -> None:
    with library.transaction():
        execute(library, "UPDATE photos SET cluster_id = 4 WHERE id IN (1, 2)")
        assert check(library).ok
        assert check(library, repair=True).ok


def test_photos_that_a_role_may_not_see_are_not_counted_out(
    library: Session, database_url: str
) -> None:
    with new_role(library) as role:
        execute(
            library,
            f"GRANT ALL ON ALL TABLES IN SCHEMA public, fluffy_sql TO {role}",
            f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA fluffy_sql TO {role}",
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {role}",
            "ALTER TABLE photos ENABLE ROW LEVEL SECURITY",
        )
        with pytest.raises(DatabaseError, match="row-level security"):
            check(make_conninfo(database_url, options=f"-c role={role}"), repair=True)
        assert query(library, COUNTS) == RIGHT


# Triggers


def test_a_disabled_trigger_and_what_it_missed_are_repaired(library: Session) -> None:
    execute(
        library,
        "ALTER TABLE photos DISABLE TRIGGER fluffy_sql_count_inserted",
        "DROP TRIGGER fluffy_sql_count_cluster ON clusters",
        "INSERT INTO photos (path, cluster_id) VALUES ('new', 1)",
    )
    expected = [
        ("count_triggers", "the trigger fluffy_sql_count_cluster of clusters is missing"),
        ("count_triggers", "the trigger fluffy_sql_count_inserted of photos is missing"),
        ("photos_count", "photos_count of cluster 1 is 4, but"),
    ]
    for repair in (False, True):
        result = check(library, repair=repair)
        assert result.ok is repair
        for finding, (name, beginning) in zip(result.findings, expected, strict=True):
            assert (finding.check, finding.repaired) == (name, repair)
            assert finding.found.startswith(beginning)
    assert check(library).ok
    assert triggers(library) == COUNTING


def test_no_triggers_at_all_is_what_the_setting_may_want(library: Session) -> None:
    put_into_effect(library, "service")
    assert check(library, repair=True).ok
    assert triggers(library) == []


# Work tables


LEFT = (
    "INSERT INTO work_assignments VALUES (1, 1, 0, '0')",
    "INSERT INTO work_aside TABLE work_assignments",
    "INSERT INTO work_drawn VALUES (1, 1)",
    "INSERT INTO work_sample VALUES (1, 1, '[1]')",
    "INSERT INTO work_measured (photo_id, label, distance, embedding) VALUES (1, 1, 0, '[1]')",
    "INSERT INTO work_measured_clusters (label, photos, mean, spread, scatter, photos_measured)"
    " VALUES (1, 1, '[1]', 0, 0, 1)",
    "INSERT INTO work_candidates VALUES (1, 1)",
    "INSERT INTO work_duplicates VALUES (1, 2)",
    "INSERT INTO work_neighbours VALUES (1, 1, ARRAY[2], ARRAY[0.5])",
)


def test_work_tables_of_a_killed_run_are_emptied(session: Session) -> None:
    execute(session, *LEFT)
    left = check(session)
    assert not left.ok
    assert found(left)[0] == (
        "work_tables",
        "the work table work_aside holds rows that a killed run left",
        False,
    )
    every = query(session, "SELECT list_work_tables()")
    assert len(left.findings) == len(work_tables(session)) == len(every) == len(LEFT)
    assert check(session, repair=True).ok
    assert work_tables(session) == []
    assert check(session).findings == ()


def test_work_tables_of_a_run_at_work_are_its_own(session: Session) -> None:
    add_photos(session, made_library(2)[0])
    seen: list[CheckResult] = []
    at_work = AtPhase("measure", lambda: seen.append(check(session, repair=True)))
    assert generate(session, k=5, progress=at_work).clusters_created == 5
    assert seen == [CheckResult(ok=True, checks=NAMES, findings=(), photos_compared=0)]


def test_a_check_keeps_no_run_waiting_afterwards(session: Session) -> None:
    check(session, repair=True)
    assert session.fetch_value("runs/try_lock") is True


# What runs left, and who is in the way


def only_finding(result: CheckResult) -> Finding:
    [finding] = result.findings
    return finding


def test_a_database_of_another_schema_is_a_finding(
    bare_database_url: str, session: Session
) -> None:
    result = check(bare_database_url)
    assert (result.ok, result.checks) == (False, ("schema",))
    assert found(result) == [
        ("schema", "this database has not been migrated yet; run: fluffy-sql migrate", False)
    ]
    execute(session, "DELETE FROM migrations WHERE migration_id = '0003_counts'")
    assert only_finding(check(session)).found.startswith("this database lacks 0003_counts")
    execute(
        session,
        "INSERT INTO migrations (migration_hash, migration_id)"
        " VALUES ('x', '0003_counts'), ('y', '9999_later')",
    )
    assert "by a newer fluffy_sql (9999_later)" in only_finding(check(session)).found


def test_photos_whose_cluster_is_gone_are_taken_out_of_it(library: Session) -> None:
    execute(library, "ALTER TABLE photos DROP CONSTRAINT photos_cluster_id_fkey")
    execute(library, "DELETE FROM clusters WHERE id = 2")
    assert found(check(library)) == [
        ("lost_photos", "3 photos in cluster 2, which is not there", False)
    ]
    assert check(library, repair=True).ok
    assert query(library, "SELECT count(*) FROM photos WHERE cluster_id IS NULL") == [(6,)]
    assert check(library).findings == ()


def test_photos_of_another_length_than_their_cluster_are_found(session: Session) -> None:
    add_photos(session, made_library(2)[0])
    generate(session, k=5)
    assert check(session).findings == ()
    execute(session, "UPDATE photos SET embedding = '[1,2,3]' WHERE cluster_id = 2 AND id < 50")
    [(photos,)] = query(session, "SELECT count(*) FROM photos WHERE cluster_id = 2 AND id < 50")
    assert found(check(session)) == [
        (
            "dimensions",
            f"the embeddings are of several dimensions: 16 ({600 - photos} photos), 3 ({photos}"
            " photos); embed all photos with one model, or leave some out in the view"
            " usable_photos",
            False,
        ),
        (
            "dimensions",
            f"cluster 2 holds {photos} photos of 3 dimensions, but its centroid has 16",
            False,
        ),
    ]


def test_photos_of_several_lengths_are_found_before_they_are_clustered(session: Session) -> None:
    add_photos(session, [[1, 0]] * 3 + [None])
    assert check(session).findings == ()
    add_photos(session, [[1, 0, 0]], ["new"])
    [finding] = check(session).findings
    assert finding.check == "dimensions"
    assert finding.found.startswith(
        "the embeddings are of several dimensions: 2 (3 photos), 3 (1 photo);"
    )


def test_photos_that_can_not_be_compared_are_counted_everywhere(
    session: Session, database_url: str, run_cli: Run, tmp_path: Path
) -> None:
    add_photos(session, made_library(2)[0])
    generate(session, k=5)
    execute(session, "UPDATE photos SET embedding = '[1,2,3]'")
    url = ("--database-url", database_url)
    assert "600 photos without a distance to the centroid" in run_cli("clusters", *url).out
    assert run_cli("report", *url, "--out", str(tmp_path / "page")).code == 0
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "600 photos without a distance to the centroid" in page
    assert run_cli("check", *url).out.count("of 3 dimensions, but its centroid has 16") == 5


def test_photos_that_are_not_at_their_nearest_centroid_are_found_and_what_people_did_is_not(
    session: Session,
) -> None:
    add_photos(session, made_library(2)[0])
    generate(session, k=5)
    execute(session, "UPDATE photos SET cluster_id = 1, updated_at = now() WHERE id < 100")
    execute(session, "UPDATE photos SET cluster_id = 2 WHERE id BETWEEN 100 AND 200")
    assert check(session).findings == ()
    execute(
        session,
        "UPDATE clusters SET centroid = (SELECT embedding FROM photos WHERE cluster_id = 3 LIMIT 1)"
        " WHERE id = 4",
    )
    finding = only_finding(check(session))
    assert (finding.check, finding.remedy) == ("nearest_centroid", None)
    assert "which run 1 moved and nobody changed since, are not at their nearest" in finding.found


def test_a_record_that_says_running_while_nobody_runs_is_closed(session: Session) -> None:
    add_photos(session, made_library(2)[0])
    generate(session, k=5)
    execute(session, "UPDATE cluster_runs SET status = 'running', finished_at = NULL")
    finding = only_finding(check(session))
    assert finding.check == "runs"
    assert finding.found.startswith("run 1 is recorded as running (phase commit, since ")
    assert check(session, repair=True).ok
    assert query(session, "SELECT status FROM cluster_runs") == [("interrupted",)]


def test_a_session_that_holds_a_lock_of_ours_and_does_nothing_is_found(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.fetch_value("runs/try_lock") is True
    assert check(session).findings == ()
    monkeypatch.setattr(checking, "_IDLE_SECONDS", 0)
    finding = only_finding(check(session))
    pid = session.connection.info.backend_pid
    assert (finding.check, finding.remedy) == ("idle_locks", None)
    assert finding.found.startswith(f"server process {pid} (")
    assert "keeps other runs out and has done nothing for" in finding.found
    session.execute("runs/unlock")
    assert check(session).findings == ()


def test_a_session_of_ours_that_waits_for_somebody_is_found(
    session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_BLOCKED_SECONDS", 0)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE photos IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(session.fetch_all, "survey/count_photos")
        with session.reconnected() as third:
            wait_until_blocked(third, session.connection.info.backend_pid)
            blocked = checking._blocked_sessions(third)
        blocker = other.info.backend_pid
        other.rollback()
        waiting.result()
    assert blocked[0].startswith(
        f"server process {session.connection.info.backend_pid} of fluffy-sql has waited"
    )
    assert blocked[0].endswith(f"locked by server process {blocker}")


# All of it


def test_a_repair_that_fails_repairs_nothing(library: Session) -> None:
    execute(
        library,
        SPOIL,
        *LEFT,
        "CREATE UNLOGGED TABLE needs_it (label integer REFERENCES work_measured_clusters)",
    )
    with pytest.raises(DatabaseError, match="cannot truncate a table referenced"):
        check(library, repair=True)
    assert query(library, COUNTS)[0] == (1, 1234)


def test_what_only_a_person_can_repair_stays_wrong(
    library: Session, run_check: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    further = Check("weather", lambda session: ["it rains"])
    monkeypatch.setattr(checking, "CHECKS", (*CHECKS, further))
    execute(library, SPOIL)
    result = check(library, repair=True)
    assert not result.ok
    assert result.checks == (*NAMES, "weather")
    assert result.findings[-1] == Finding("weather", "it rains", None)
    assert result.findings[0].repaired
    finished = run_check("--repair")
    assert (finished.code, finished.out) == (1, "weather: it rains\n1 thing wrong.\n")
