"""What a user can get wrong outside of settings and files: one line, and nothing written.

Settings are in tests/unit/test_settings.py, files in tests/unit/test_readers.py, numbers in
test_extreme_numbers.py, wrong usage in test_cli.py.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fluffy_sql.errors import SchemaError
from fluffy_sql.postgres import session as session_module
from fluffy_sql.postgres.schema import require_supported_server
from fluffy_sql.postgres.session import Session
from tests.conftest import Finished, Run, add_photos
from tests.integration.helpers import everything, execute, generate, new_role, query, work_tables
from tests.unit.test_report_pictures import png_that_claims

# Commands that write to the database, and those that look at tables of ours.
IMPORT = ("import", "v.csv")
GENERATE = ("generate",)
EXPLAIN = ("generate", "--explain")
RECLUSTER = ("generate", "--recluster")
ASSIGN = ("assign",)
SWEEP = ("sweep", "--k", "2,3")
CHECK = ("check",)
MIGRATE = ("migrate",)
ROLLBACK = ("migrate", "--rollback", "--yes")
DETACH = ("detach",)
CLUSTERS = ("clusters",)
UNDO = ("runs", "undo", "1")
REPORT = ("report", "--out", "report")
WRITING = (IMPORT, GENERATE, EXPLAIN, RECLUSTER, ASSIGN, SWEEP, UNDO)
BUT_CHECK = (*WRITING, CLUSTERS, REPORT)


@pytest.fixture
def library(session: Session, tmp_path: Path) -> Session:
    """Photos in three clusters, one without, and a file to import."""
    add_photos(session, np.eye(3, dtype=np.float32).repeat(4, axis=0))
    generate(session, k=3)
    add_photos(session, [[1, 2, 3]], ["new"])
    (tmp_path / "v.csv").write_text('path,embedding\np0,"[3,2,1]"\nnewer,"[1,1,2]"\n')
    return session


def refusal(finished: Finished, code: int = 1) -> str:
    """The line a command ended with, having printed nothing else but the phases it came to."""
    assert finished.code == code, finished
    assert finished.out == ""
    *phases, line = finished.err.splitlines()
    assert set(phases) <= {"survey"}, finished.err
    assert line.startswith("fluffy-sql: ")
    return line.removeprefix("fluffy-sql: ")


# Databases

LOST = (
    "this database was migrated, but has lost clusters.centroid, photos.embedding since:"
    " somebody dropped it; restore it from a backup"
)
NEWER = "this database was migrated by a newer fluffy_sql (9999_future); upgrade fluffy_sql"
READ_ONLY = (
    " in a read-only transaction; default_transaction_read_only is on for this database:"
    " ALTER DATABASE ... RESET default_transaction_read_only"
)
DENIED = "; grant the role what docs/grants has for it, or use another role"

# what is done to the database, which commands are refused then, and how the line begins and ends
WRONG_DATABASES: dict[str, tuple[str, dict[tuple[tuple[str, ...], ...], tuple[str, str]]]] = {
    "pgvector was dropped": ("DROP EXTENSION vector CASCADE", {(*BUT_CHECK, MIGRATE): (LOST, "")}),
    "a table was dropped": (
        "DROP TABLE cluster_run_steps",
        {(*BUT_CHECK, MIGRATE): ("this database was migrated, but has lost cluster_run_steps", "")},
    ),
    "pgvector is old": (
        "UPDATE pg_extension SET extversion = '0.6.2' WHERE extname = 'vector'",
        {(MIGRATE,): ("pgvector is 0.6.2 here; fluffy_sql needs 0.7 or later: ", " UPDATE")},
    ),
    "the schema is newer": (
        "INSERT INTO migrations (migration_hash, migration_id) VALUES ('x', '9999_future')",
        {(*BUT_CHECK, MIGRATE, ROLLBACK): (NEWER, "")},
    ),
    "the schema is half applied": (
        "DELETE FROM migrations WHERE migration_id >= '0003'",
        {BUT_CHECK: ("this database lacks 0003_counts; run: fluffy-sql migrate", "")},
    ),
    "it may only be read": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$",
        {
            (IMPORT,): ("Postgres: cannot execute CREATE TABLE", READ_ONLY),
            (GENERATE, EXPLAIN, RECLUSTER, ASSIGN, SWEEP): (
                "Postgres: cannot execute UPDATE",
                READ_ONLY,
            ),
            (UNDO, ROLLBACK): ("Postgres: cannot execute ", READ_ONLY),
        },
    ),
}


@pytest.mark.parametrize("case", WRONG_DATABASES)
def test_a_database_that_is_not_as_it_should_be(
    case: str, library: Session, on_database: Run
) -> None:
    statement, refused = WRONG_DATABASES[case]
    execute(library, statement)
    before = everything(library)
    for commands, (start, end) in refused.items():
        for command in commands:
            line = refusal(on_database(*command))
            assert line.startswith(start)
            assert line.endswith(end)
            assert everything(library) == before
    assert work_tables(library) == []


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ("pgvector was dropped", LOST),
        ("the schema is newer", NEWER),
        ("the schema is half applied", "this database lacks 0003_counts; run: fluffy-sql migrate"),
    ],
)
def test_check_finds_what_is_wrong_with_the_schema(
    case: str, found: str, library: Session, on_database: Run
) -> None:
    execute(library, WRONG_DATABASES[case][0])
    finished = on_database(*CHECK)
    assert finished.code == 1
    assert finished.out.startswith(f"schema: {found}")


def test_a_database_that_may_only_be_read_can_be_looked_at(
    library: Session, on_database: Run
) -> None:
    execute(library, WRONG_DATABASES["it may only be read"][0])
    for command in (CHECK, CLUSTERS, ("runs",), ("runs", "show", "1"), REPORT):
        assert on_database(*command).code == 0


class Server:
    """What a server says it is."""

    def __init__(self, postgres: int, pgvector: str | None, available: str | None) -> None:
        self._row = {
            "server_version_num": postgres * 10_000,
            "postgres_version": f"{postgres}.3",
            "pgvector_version": pgvector,
            "pgvector_available": available,
        }

    def fetch_all(self, name: str) -> list[dict[str, Any]]:
        assert name == "schema/describe_server"
        return [self._row]


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (Server(13, None, "0.8.0"), "this is PostgreSQL 13.3; fluffy_sql needs 14 or later"),
        (Server(14, None, None), "this server does not have the extension pgvector; install it"),
        (Server(14, None, "0.6.9"), "pgvector is 0.6.9 here; fluffy_sql needs 0.7 or later: "),
        (Server(14, "0.6.2", "0.8.0"), "pgvector is 0.6.2 here; fluffy_sql needs 0.7 or later: "),
        (Server(14, "unknown", None), "pgvector is unknown here; fluffy_sql needs 0.7 or later: "),
    ],
)
def test_a_server_that_will_not_do(server: Server, message: str) -> None:
    with pytest.raises(SchemaError) as refused:
        require_supported_server(cast("Session", server))
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("pgvector", ["0.7", "0.7.0", "0.10.0-dev", "1.0"])
def test_a_server_that_will(pgvector: str) -> None:
    require_supported_server(cast("Session", Server(14, pgvector, None)))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding(
    encoding: str, server_url: str, run_cli: Run, tmp_path: Path
) -> None:
    """It takes the letters it has, and says so of others."""
    name = f"fluffy_test_{encoding.lower()}_{os.getpid()}"
    create = (
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'"
        " LOCALE_PROVIDER libc"
    )
    (tmp_path / "e.csv").write_text('path,embedding\ncafé.jpg,"[1,2]"\n', encoding="utf-8")
    (tmp_path / "cat.csv").write_text('path,embedding\n🐈.jpg,"[1,2]"\n', encoding="utf-8")
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            on = ("--database-url", make_conninfo(server_url, dbname=name))
            assert run_cli("migrate", *on).code == 0
            assert run_cli("import", "e.csv", *on).code == 0
            assert run_cli("generate", *on).code == 0
            assert "café.jpg" in run_cli("clusters", *on).out
            cat = run_cli("import", "cat.csv", *on)
            if encoding == "LATIN1":
                line = refusal(cat)
                assert line.startswith("Postgres: character with byte sequence 0xf0 0x9f 0x90 0x88")
                assert line.endswith("; use a database whose encoding is UTF8")
            else:
                assert cat.code == 0
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# Roles


@pytest.fixture
def nobody(library: Session) -> Iterator[str]:
    """A role that owns nothing and was granted nothing."""
    with new_role(library, "LOGIN") as name:
        yield name


UNREACHED = (
    "this database was migrated into the schema fluffy_sql, which this role does not reach;"
    " grant it what docs/explanation/security.md says"
)
NO_OWNER = "this role may not make anything in the schema fluffy_sql: let its owner migrate"
DENIED_PHOTOS = f"Postgres: permission denied for table photos{DENIED}"
OWNED = (
    "the schema fluffy_sql belongs to the role {}, and only its owner may take away what is in it"
)
TO_READ = (
    "GRANT USAGE ON SCHEMA fluffy_sql TO {}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public, fluffy_sql TO {}",
)
# what the role is granted, which commands are refused then, and what for
WRONG_ROLES: dict[str, tuple[tuple[str, ...], dict[tuple[tuple[str, ...], ...], str]]] = {
    "nothing": (
        (),
        {(*BUT_CHECK, ROLLBACK, DETACH): UNREACHED, (MIGRATE,): f"{NO_OWNER} (and 2 more)"},
    ),
    "no schema": (
        ("REVOKE USAGE ON SCHEMA public FROM PUBLIC",),
        {(*BUT_CHECK, ROLLBACK, DETACH): UNREACHED, (MIGRATE,): f"{NO_OWNER} (and 2 more)"},
    ),
    "to read": (
        TO_READ,
        {
            (IMPORT,): f"Postgres: permission denied for table photo_files{DENIED}",
            (GENERATE, EXPLAIN, RECLUSTER, ASSIGN, SWEEP, UNDO): (
                "Postgres: permission denied for function empty_work_tables; grant the role EXECUTE"
                " on it, or use another role"
            ),
            (CHECK,): "Postgres: permission denied for function comparable_embedding; grant the"
            " role EXECUTE on it, or use another role",
            (MIGRATE,): f"{NO_OWNER} (and 2 more)",
            (DETACH, ROLLBACK): OWNED,
        },
    ),
    "all but photos": (
        (
            *TO_READ,
            "GRANT ALL ON ALL TABLES IN SCHEMA public, fluffy_sql TO {}",
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA public, fluffy_sql TO {}",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA fluffy_sql TO {}",
            "REVOKE INSERT, UPDATE ON photos FROM {}",
        ),
        {
            (IMPORT, UNDO): DENIED_PHOTOS,
            (MIGRATE,): f"{NO_OWNER} (and 2 more)",
            (DETACH, ROLLBACK): OWNED,
        },
    ),
}


@pytest.mark.parametrize("granted", WRONG_ROLES)
def test_a_role_that_may_not(
    granted: str, library: Session, nobody: str, database_url: str, run_cli: Run
) -> None:
    grants, refused = WRONG_ROLES[granted]
    execute(library, *(grant.format(nobody) for grant in grants))
    before = everything(library)
    url = make_conninfo(database_url, user=nobody)
    [(owner,)] = query(library, "SELECT current_user::text")
    for commands, message in refused.items():
        for command in commands:
            assert refusal(run_cli(*command, "--database-url", url)) == message.format(owner)
            assert everything(library) == before
    assert work_tables(library) == []


def test_a_run_that_may_not_move_photos_leaves_its_reason(
    library: Session, nobody: str, database_url: str, run_cli: Run
) -> None:
    """It is told at the end, when photos are written, and nothing but the record is."""
    execute(library, *(grant.format(nobody) for grant in WRONG_ROLES["all but photos"][0]))
    before = everything(library)
    finished = run_cli("generate", "--database-url", make_conninfo(database_url, user=nobody))
    reason = DENIED_PHOTOS
    assert finished.err.splitlines()[-1] == f"fluffy-sql: {reason}"
    after = everything(library)
    assert {name for name in after if after[name] != before[name]} <= {
        "cluster_runs",
        "cluster_run_steps",
        "cluster_run_checkpoints",
    }
    assert query(library, "SELECT status, error FROM cluster_runs WHERE id = 2") == [
        ("failed", reason)
    ]
    assert work_tables(library) == []


# Servers


@contextmanager
def server_that_says(answer: bytes) -> Iterator[str]:
    """An address where every connection gets this answer and is closed; an empty one never is."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while answer:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1_000)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield f"postgresql://me:secret@127.0.0.1:{port}/db?sslmode=disable&gssencmode=disable"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


def fatal(sqlstate: str, message: str) -> bytes:
    """An error as a server sends it."""
    fields = b"".join(
        kind + text.encode() + b"\0"
        for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", sqlstate), (b"M", message))
    )
    return b"E" + (len(fields) + 5).to_bytes(4, "big") + fields + b"\0"


ANSWERS = {
    "wrong password": (
        fatal("28P01", 'password authentication failed for user "me"'),
        'password authentication failed for user "me"; check the user and the password',
    ),
    "no room": (
        fatal("53300", "sorry, too many clients already"),
        "sorry, too many clients already; run again when others have left, or raise the limit",
    ),
    "starting": (
        fatal("57P03", "the database system is starting up"),
        "is starting up; run again when it is up",
    ),
    "not Postgres": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "expected authentication request"),
    "no answer": (b"", "expired; no server answers there: check host, port and firewalls"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_server_that_does_not_let_us_in(
    case: str, run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "CONNECT_TIMEOUT_SECONDS", 2)
    answer, said = ANSWERS[case]
    with server_that_says(answer) as url:
        line = refusal(run_cli("clusters", "--database-url", url))
    assert line.startswith("can't connect to me@127.0.0.1:")
    assert said in line
    assert line.endswith("; the address is from --database-url")
    assert "secret" not in line


# Arguments

NO_NUMBER = 2**63
STRAY = "\udcff"  # how Python keeps a byte that is not UTF-8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "show", str(NO_NUMBER)], f"'RUN_ID': {NO_NUMBER} is not in the range"),
        (["runs", "undo", str(NO_NUMBER)], f"'RUN_ID': {NO_NUMBER} is not in the range"),
        (["runs", "diff", "1", str(NO_NUMBER)], f"'SECOND': {NO_NUMBER} is not in the range"),
        (["runs", "--limit", str(NO_NUMBER)], f"'--limit': {NO_NUMBER} is not in the range"),
        (["clusters", "--run", str(NO_NUMBER)], f"'--run': {NO_NUMBER} is not in the range"),
        (["clusters", "--limit", "-1"], "'--limit': -1 is not in the range"),
        (["report", "--out", "r", "--cluster", str(NO_NUMBER)], f"'--cluster': {NO_NUMBER} is not"),
        (["report", "--out", "r", "--run", str(NO_NUMBER)], f"'--run': {NO_NUMBER} is not"),
        (["sweep", "--steps", "1001"], "'--steps': 1001 is not in the range 2<=x<=1000"),
        (["sweep", "--steps", "9" * 30], "is not in the range 2<=x<=1000"),
        (["generate", "--k", "1" * 5_000], "is not a valid integer"),
        (["generate", "--k", "1000001"], "clustering.kmeans.k is 1000001; allowed: a whole number"),
        (["generate", "--seed", "1e3"], "'1e3' is not a valid integer"),
        (["generate", "--metric", f"{STRAY}\n\x1b[31m"], r"metric is '\udcff\n\x1b[31m'; allowed"),
        (["clusters", "--config", STRAY], ": there is no such settings file; check its path"),
        (["clusters", "--config", "a\nb\x1b[31m"], r"a\nb\x1b[31m: there is no such settings file"),
        (
            ["clusters", "--database-url", STRAY],
            "--database-url: this is not an address that Postgres",
        ),
        (["clusters", "--database-url", f"postgresql://{STRAY}/x"], "this is not an address"),
        (["assign", "--max-distance", "1e400"], "max_distance is inf; allowed: a number from 0"),
    ],
)
def test_arguments_that_mean_nothing(run_cli: Run, arguments: list[str], message: str) -> None:
    line = refusal(run_cli(*arguments), code=2)
    assert message in line
    assert line.isprintable()


# Names

NAMES = [
    'it\'s "quoted".jpg',
    "two\nlines.jpg",
    "100%.jpg",
    "%(k)s {0} %s.jpg",
    "🐈🏽‍♀️.jpg",
    "../../etc/passwd",
    "back\\slash.jpg",
    "\x1b[31mred\x07.jpg",
    "--help",
    "'; DROP TABLE photos; --",
    "\u202egpj.live",
    "tab\there.jpg",
    "  spaces  .jpg",
    "<script>alert(1)</script>.jpg",
    "[red]x[/red]",
    "x" * 5_000,
]


def test_paths_may_hold_anything_from_import_to_report(
    session: Session, on_database: Run, tmp_path: Path
) -> None:
    vectors = np.eye(len(NAMES), dtype=np.float32)
    odd = tmp_path / 'a\'b "c" 100% 🐈'
    odd.mkdir()
    np.save(odd / "v.npy", vectors)
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    (odd / "p.csv").write_text("path\n" + "\n".join(quoted), encoding="utf-8", newline="")
    imported = on_database("import", str(odd / "v.npy"), "--paths", str(odd / "p.csv"), "--json")
    assert json.loads(imported.out)["file"] == str(odd / "v.npy")
    assert query(session, "SELECT path FROM photos ORDER BY id") == [(name,) for name in NAMES]

    made = on_database("generate", "--k", str(len(NAMES)))
    listed = on_database("clusters")
    rows = json.loads(on_database("clusters", "--json").out)["clusters"]
    assert sorted(row["central_photo"] for row in rows) == sorted(NAMES)
    (tmp_path / "100%.jpg").write_bytes(png_that_claims(50_000, 50_000))
    report = json.loads(on_database("report", "--out", str(odd / "report"), "--json").out)
    assert report["unreadable"]["too_large"] == 1
    assert report["unreadable"]["outside_root"] == 1
    assert "<script>alert" not in (odd / "report" / "index.html").read_text(encoding="utf-8")
    chart = on_database("sweep", "--k", "2,3", "--out", str(odd / "chart.html"))
    for finished in (made, listed, chart):
        assert finished.code == 0
        assert all(line.isprintable() for line in finished.out.splitlines())


def test_what_stdout_can_not_write_is_escaped(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    add_photos(session, [[1, 2]], ["🐈.jpg"])
    generate(session, k=1)
    stray = tmp_path / os.fsdecode(b"caf\xe9.csv")
    stray.write_text('path,embedding\n🐈.jpg,"[1,3]"\n', encoding="utf-8")

    def run(encoding: str, *arguments: str) -> str:
        finished = subprocess.run(
            [sys.executable, "-m", "fluffy_sql", *arguments, "--database-url", database_url],
            env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"},
            capture_output=True,
            check=True,
        )
        return finished.stdout.decode(encoding)

    assert r"\U0001f408.jpg" in run("ascii", "clusters")
    [cluster] = json.loads(run("ascii", "clusters", "--json"))["clusters"]
    assert cluster["central_photo"] == "🐈.jpg"
    assert json.loads(run("utf-8", "import", str(stray), "--json"))["file"] == str(stray)
    assert r"caf\udce9.csv: 1 row read" in run("utf-8", "import", str(stray))
