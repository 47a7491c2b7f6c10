"""Imports into a database: what is added, updated, left alone and refused."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any, BinaryIO

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from psycopg.conninfo import make_conninfo

from fluffy_sql.errors import DatabaseError, ImportFileError, LibraryError
from fluffy_sql.operations import importing
from fluffy_sql.operations.importing import ImportResult, find_file
from fluffy_sql.operations.importing.batches import ROWS_PER_BATCH
from fluffy_sql.postgres.session import Session
from fluffy_sql.words import count
from tests.conftest import SHARED_DATA, Run, add_photos
from tests.faults.proxy import Proxy
from tests.integration.helpers import wait_for

# As Rails makes it: times without default, and nothing that keeps a path from standing twice.
RAILS_TABLE = """
    DROP TABLE photos CASCADE;
    CREATE TABLE photos (
        id bigserial PRIMARY KEY,
        path varchar NOT NULL,
        created_at timestamp(6) NOT NULL,
        updated_at timestamp(6) NOT NULL,
        embedding vector(3)
    );
    CREATE VIEW usable_photos AS SELECT id, embedding FROM photos;
"""


def write(
    folder: Path, vectors: Sequence[Sequence[float]] | NDArray[Any], names: Sequence[str]
) -> tuple[Path, Path]:
    """An .npy file and its CSV of paths."""
    np.save(folder / "v.npy", np.asarray(vectors, np.float32))
    (folder / "p.csv").write_text("path\n" + "".join(f"{name}\n" for name in names))
    return folder / "v.npy", folder / "p.csv"


def import_photos(
    session: Session, file: Path, paths: Path | None = None, **options: Any
) -> ImportResult:
    return importing.import_photos(session, find_file(file, paths), **options)


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return (result.rows_read, result.photos_added, result.photos_updated, result.photos_unchanged)


def stored(session: Session) -> dict[str, list[float]]:
    """Path to embedding, in the order of ids."""
    rows = session.connection.execute(
        "SELECT path, embedding FROM photos ORDER BY id", binary=True
    ).fetchall()
    return {path: embedding.tolist() for path, embedding in rows}


def refusal(session: Session, files: tuple[Path, Path | None]) -> str:
    with pytest.raises(ImportFileError) as refused:
        import_photos(session, *files)
    return str(refused.value).replace(f"{files[0].parent}/", "")


def test_new_photos_are_added_in_the_order_of_the_file(session: Session, tmp_path: Path) -> None:
    files = write(tmp_path, [[1, 2], [3, 4], [5, 6]], ["c", "a", "b"])
    result = import_photos(session, *files)
    assert counts(result) == (3, 3, 0, 0)
    assert (result.file, result.dimensions) == (files[0], 2)
    assert result.seconds > 0
    assert list(stored(session).items()) == [("c", [1, 2]), ("a", [3, 4]), ("b", [5, 6])]


def test_every_kind_of_file_loads_the_same(session: Session, tmp_path: Path) -> None:
    rows = ROWS_PER_BATCH + 7
    vectors = np.random.default_rng(0).normal(size=(rows, 5)).astype(np.float32)
    names = [f"folder/{i}.jpg" for i in range(rows)]
    wanted = dict(zip(names, vectors.tolist(), strict=True))
    table = tmp_path / "v.csv"
    table.write_text(
        "path,embedding\n" + "".join(f'{name},"{numbers}"\n' for name, numbers in wanted.items())
    )
    pq.write_table(pa.table({"path": names, "embedding": list(vectors)}), tmp_path / "v.parquet")

    assert counts(import_photos(session, *write(tmp_path, vectors, names))) == (rows, rows, 0, 0)
    assert stored(session) == wanted
    for file in (table, tmp_path / "v.parquet"):
        assert counts(import_photos(session, file, None)) == (rows, 0, 0, rows)


def test_known_photos_are_updated_and_equal_ones_not_rewritten(
    session: Session, tmp_path: Path
) -> None:
    session.connection.execute("INSERT INTO photos (path) VALUES ('bare')")
    import_photos(session, *write(tmp_path, [[1, 2], [3, 4]], ["same", "other"]))
    where = "SELECT path, (ctid::text, created_at, updated_at) FROM photos"
    before = dict(session.connection.execute(where).fetchall())

    files = write(tmp_path, [[5, 6], [9, 9], [1, 2], [7, 8]], ["bare", "other", "same", "new"])
    assert counts(import_photos(session, *files)) == (4, 1, 2, 1)

    assert stored(session) == {"bare": [5, 6], "same": [1, 2], "other": [9, 9], "new": [7, 8]}
    after = dict(session.connection.execute(where).fetchall())
    assert after["same"] == before["same"]
    for path in ("bare", "other"):
        assert after[path][1] == before[path][1]
        assert after[path][2] > before[path][2]


def test_photos_that_the_file_does_not_name_stay(session: Session, tmp_path: Path) -> None:
    import_photos(session, *write(tmp_path, [[1, 2], [3, 4]], ["a", "b"]))
    import_photos(session, *write(tmp_path, [[5, 6]], ["b"]))
    assert stored(session) == {"a": [1, 2], "b": [5, 6]}


def test_a_file_without_rows_changes_nothing(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text("path,embedding\n")
    result = import_photos(session, file, None)
    assert counts(result) == (0, 0, 0, 0)
    assert result.dimensions is None
    assert stored(session) == {}


def test_progress_counts_rows_up_to_the_last(session: Session, tmp_path: Path) -> None:
    rows = 2 * ROWS_PER_BATCH + 1
    files = write(tmp_path, np.ones((rows, 2)), [f"{i}" for i in range(rows)])
    seen: list[int] = []
    import_photos(session, *files, progress=seen.append)
    assert seen == [ROWS_PER_BATCH, 2 * ROWS_PER_BATCH, rows]


def test_nothing_is_loaded_where_the_last_row_is_bad(session: Session, tmp_path: Path) -> None:
    rows = 2 * ROWS_PER_BATCH
    names = [f"{i}" for i in range(rows)]
    good = np.ones((rows, 2))
    bad = good.copy()
    bad[-1, 0] = np.nan
    refusals = {
        f"v.npy, row {rows} ('{rows - 1}'): the embedding holds NaN, null or infinity": (
            bad,
            names,
        ),
        f"p.csv, row {rows} (line {rows + 1}): the path is empty": (good, [*names[:-1], " "]),
        f"p.csv: has {rows + 1} rows but v.npy has {rows} vectors; row i of one must be row i of"
        " the other": (good, [*names, "more"]),
        f"p.csv, row {rows} (line {rows + 1}): the path '7' is in row 8 already; keep one of"
        " them": (good, [*names[:-1], "7"]),
    }
    for message, (vectors, paths) in refusals.items():
        assert refusal(session, write(tmp_path, vectors, paths)) == message
        assert stored(session) == {}
    assert counts(import_photos(session, *write(tmp_path, good, names))) == (rows, rows, 0, 0)


def test_the_first_of_several_repetitions_is_named(session: Session, tmp_path: Path) -> None:
    files = write(tmp_path, np.ones((5, 2)), ["a", "b", "", "b", "a", "a"])
    message = "p.csv, row 3 (line 5): the path 'b' is in row 2 already; keep one of them"
    assert refusal(session, files) == message


def test_a_repeated_path_of_a_file_without_lines(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "v.parquet"
    pq.write_table(pa.table({"path": ["a", "a"], "embedding": [[1.0], [1.0]]}), file)
    message = "v.parquet, row 2: the path 'a' is in row 1 already; keep one of them"
    assert refusal(session, (file, None)) == message


def test_paths_that_differ_in_case_or_form_are_different(session: Session, tmp_path: Path) -> None:
    names = ["é.jpg", "e\u0301.jpg", "É.jpg", "x", "x "]
    assert counts(import_photos(session, *write(tmp_path, np.ones((5, 2)), names))) == (5, 5, 0, 0)
    assert list(stored(session)) == names


def test_the_stage_is_gone_afterwards(session: Session, tmp_path: Path) -> None:
    import_photos(session, *write(tmp_path, [[1, 2]], ["a"]))
    left = session.connection.execute("SELECT to_regclass('pg_temp.photo_import')").fetchone()
    assert left == (None,)


@pytest.mark.parametrize("dimensions", [1, 2_000, 16_000])
def test_vectors_of_every_length(session: Session, tmp_path: Path, dimensions: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, dimensions)).astype(np.float32)
    import_photos(session, *write(tmp_path, vectors, ["a", "b", "c"]))
    np.testing.assert_array_equal(list(stored(session).values()), vectors)


# --- a table that Rails made ---


def test_a_rails_table_is_filled_and_updated(session: Session, tmp_path: Path) -> None:
    session.connection.execute(RAILS_TABLE)
    import_photos(session, *write(tmp_path, [[1, 2, 3], [4, 5, 6]], ["a", "b"]))
    result = import_photos(session, *write(tmp_path, [[1, 2, 3], [7, 8, 9]], ["a", "b"]))
    assert counts(result) == (2, 0, 1, 1)
    assert stored(session) == {"a": [1, 2, 3], "b": [7, 8, 9]}
    # Rails reads "timestamp" as UTC.
    age = session.connection.execute(
        "SELECT max(abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - created_at))) FROM photos"
    ).fetchone()
    assert age is not None
    assert age[0] < 60


def test_a_path_of_several_photos_is_refused(session: Session, tmp_path: Path) -> None:
    session.connection.execute(RAILS_TABLE)
    session.connection.execute(
        "INSERT INTO photos (path, created_at, updated_at)"
        " SELECT path, now(), now() FROM unnest(ARRAY['a','b','b','c','c','c','d','d']) AS path"
    )
    files = write(tmp_path, np.ones((5, 3)), ["new", "a", "c", "b", "d"])
    assert refusal(session, files) == (
        "p.csv, row 3 (line 4): 3 photos in the database have the path 'c'; give each its own path"
    )
    kept = session.connection.execute("SELECT count(*), count(embedding) FROM photos").fetchone()
    assert kept == (8, 0)


def test_embeddings_of_a_length_the_column_refuses(session: Session, tmp_path: Path) -> None:
    session.connection.execute(RAILS_TABLE)
    with pytest.raises(DatabaseError, match=r"^Postgres: expected 3 dimensions, not 2$"):
        import_photos(session, *write(tmp_path, [[1, 2]], ["a"]))


def test_columns_we_know_nothing_of_are_for_their_application_to_fill(
    session: Session, tmp_path: Path
) -> None:
    session.connection.execute(RAILS_TABLE)
    session.connection.execute("ALTER TABLE photos ADD COLUMN persona_id bigint NOT NULL")
    session.connection.execute(
        "INSERT INTO photos (path, persona_id, created_at, updated_at)"
        " VALUES ('a', 1, now(), now())"
    )
    with pytest.raises(DatabaseError) as refused:
        import_photos(session, *write(tmp_path, np.ones((2, 3)), ["a", "b"]))
    message = str(refused.value)
    assert message.startswith('Postgres: null value in column "persona_id" of relation "photos"')
    assert message.endswith(
        "; insert such photos with the application that owns the table, then import"
    )
    assert "\n" not in message
    assert counts(import_photos(session, *write(tmp_path, [[1, 2, 3]], ["a"]))) == (1, 0, 1, 0)


# --- others at work ---


# some session waits for a lock of a kind
WAITING = "SELECT FROM pg_locks WHERE locktype = %s AND NOT granted"


def test_an_import_waits_for_another(session: Session, tmp_path: Path) -> None:
    """On a table that would let both insert the same path."""
    session.connection.execute(RAILS_TABLE)
    files = write(tmp_path, np.ones((3, 3)), ["a", "b", "c"])
    with session.reconnected() as other, ThreadPoolExecutor(1) as pool:
        with session.transaction():
            first = import_photos(session, *files)
            second = pool.submit(import_photos, other, *files)
            wait_for(session, WAITING, "advisory")
        assert counts(first) == (3, 3, 0, 0)
        assert counts(second.result(timeout=10)) == (3, 0, 0, 3)


def test_a_photo_that_another_program_adds_meanwhile(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    files = write(tmp_path, np.ones((2, 3)), ["a", "b"])
    with psycopg.connect(database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("INSERT INTO photos (path) VALUES ('b')")
        result = pool.submit(import_photos, session, *files)
        with session.reconnected() as watching:
            wait_for(watching, WAITING, "transactionid")
        other.commit()
        with pytest.raises(
            DatabaseError, match=r"another program added the photo meanwhile, run again$"
        ):
            result.result(timeout=10)
    assert counts(import_photos(session, *files)) == (2, 1, 1, 0)


@pytest.mark.parametrize("folder", ["caltech101", "dinov2-esthetics"])
def test_real_embeddings_arrive_bit_for_bit(session: Session, folder: str) -> None:
    data = SHARED_DATA / folder
    if not data.is_dir():
        pytest.skip(f"the sample data {folder} is not beside this checkout")
    import_photos(session, data / "embeddings.npy", data / "photos.csv")
    wanted = np.load(data / "embeddings.npy").astype(np.float32)
    np.testing.assert_array_equal(list(stored(session).values()), wanted)


# --- embeddings of another length ---

OTHER_LENGTH = (
    "v.npy: the embeddings have 2 numbers, those of 60 other photos 8;"
    " embed all photos with one model, or add --force"
)


@pytest.fixture
def eights(session: Session) -> Session:
    """A library of 60 photos of 8 numbers."""
    add_photos(session, np.random.default_rng(0).normal(size=(60, 8)))
    return session


def test_embeddings_of_another_length_are_refused_unless_forced(
    eights: Session, on_database: Run, tmp_path: Path
) -> None:
    write(tmp_path, [[1, 2]], ["new"])
    importing_ = ("import", "v.npy", "--paths", "p.csv")
    assert on_database(*importing_).refusal() == OTHER_LENGTH
    assert len(stored(eights)) == 60
    forced = on_database(*importing_, "--force")
    assert (forced.code, forced.err) == (0, "")
    assert forced.out == "v.npy: 1 row read; 1 photo added, 0 updated, 0 unchanged\n"
    found = on_database("check")
    assert found.code == 1
    assert (
        "dimensions: the embeddings are of several dimensions: 8 (60 photos), 2 (1 photo);"
        " embed all photos with one model, or leave some out in the view usable_photos\n"
    ) in found.out


@pytest.mark.parametrize("named", [1, 59])
def test_a_library_that_would_be_of_two_lengths_is_refused(
    named: int, eights: Session, tmp_path: Path
) -> None:
    files = write(tmp_path, np.ones((named, 2)), [f"p{i}" for i in range(named)])
    with pytest.raises(LibraryError, match=f"those of {count(60 - named, 'other photo')} 8;"):
        import_photos(eights, *files)
    assert {len(embedding) for embedding in stored(eights).values()} == {8}


def test_all_photos_may_be_embedded_anew(eights: Session, tmp_path: Path) -> None:
    files = write(tmp_path, np.ones((60, 2)), [f"p{i}" for i in range(60)])
    assert counts(import_photos(eights, *files)) == (60, 0, 60, 0)


def test_photos_that_are_not_usable_may_have_another_length(
    eights: Session, tmp_path: Path
) -> None:
    eights.connection.execute(
        "CREATE OR REPLACE VIEW usable_photos AS SELECT * FROM"
        " (SELECT id, path, embedding, cluster_id, NULL::bigint AS scope FROM photos"
        " WHERE path LIKE 'new%') AS photo"
    )
    assert counts(import_photos(eights, *write(tmp_path, [[1, 2]], ["new"]))) == (1, 1, 0, 0)


def test_an_array_of_another_length(eights: Session) -> None:
    one = (["new"], np.ones((1, 2)))
    with pytest.raises(LibraryError, match=r"^embeddings: the embeddings have 2 numbers"):
        importing.import_array(eights, *one)
    assert importing.import_array(eights, *one, force=True).photos_added == 1


# --- stdin ---


@pytest.fixture
def pipe(capfd: object) -> Iterator[Callable[[], BinaryIO]]:
    """Makes stdin a pipe, and gives what is to be written to."""
    before = os.dup(0)

    def begin() -> BinaryIO:
        reads, writes = os.pipe()
        os.dup2(reads, 0)
        os.close(reads)
        return os.fdopen(writes, "wb")

    yield begin
    os.dup2(before, 0)
    os.close(before)


def written(kind: str, vectors: NDArray[Any], names: Sequence[str]) -> bytes:
    stream = io.BytesIO()
    if kind == "csv":
        rows = zip(names, vectors.tolist(), strict=True)
        return "".join(["path,embedding\n", *(f'{n},"{v}"\n' for n, v in rows)]).encode()
    if kind == "parquet":
        pq.write_table(pa.table({"path": names, "embedding": list(vectors)}), stream)
    else:
        np.save(stream, np.asfortranarray(vectors) if kind == "npy by columns" else vectors)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["npy", "npy by columns", "csv", "parquet"])
def test_stdin_is_read(
    kind: str, session: Session, on_database: Run, pipe: Callable[[], BinaryIO], tmp_path: Path
) -> None:
    rows = 2 * ROWS_PER_BATCH + 7
    vectors = np.random.default_rng(0).normal(size=(rows, 5)).astype(np.float32)
    names = [f"{i}.jpg" for i in range(rows)]
    write(tmp_path, vectors, names)
    paths = ("--paths", "p.csv") if kind.startswith("npy") else ()
    with ThreadPoolExecutor(1) as pool, pipe() as stream:

        def fill() -> None:
            stream.write(written(kind, vectors, names))
            stream.close()

        filling = pool.submit(fill)
        finished = on_database("import", "-", "--format", kind.partition(" ")[0], *paths, "--json")
        filling.result()
    assert (finished.code, finished.err) == (0, "")
    result = json.loads(finished.out)
    assert (result["file"], result["photos_added"], result["dimensions"]) == ("-", rows, 5)
    assert stored(session) == dict(zip(names, vectors.tolist(), strict=True))


def test_paths_are_read_from_stdin(
    session: Session, on_database: Run, pipe: Callable[[], BinaryIO], tmp_path: Path
) -> None:
    write(tmp_path, [[1, 2]], ["a"])
    with pipe() as stream:
        stream.write(b"path\nb\n")
    finished = on_database("import", "v.npy", "--paths", "-")
    assert finished.out == "v.npy: 1 row read; 1 photo added, 0 updated, 0 unchanged\n"
    assert stored(session) == {"b": [1, 2]}


NPY = ("--format", "npy", "--paths", "p.csv")
ROWS_OF_FOUR = written("npy", np.ones((4, 2), np.float32), [])


@pytest.mark.parametrize(
    "case",
    [
        (b"", (), 2, "stdin: what it holds is not known; add --format npy, csv or parquet"),
        (b"", ("--format", "npy"), 2, "stdin holds no paths; add --paths with a CSV that has the"),
        (b"", ("--format", "csv", "--paths", "-"), 2, "embeddings and paths can't both come from"),
        (b"", ("--format", "csv"), 1, "stdin: is empty"),
        (b"", ("--format", "parquet"), 1, "stdin: is empty"),
        (b"path,embedding\na,[x]\n", ("--format", "csv"), 1, "stdin, row 1 (line 2, 'a'): the emb"),
        (b"path,embedding\n", ("--format", "parquet"), 1, "stdin: is text, not parquet; write it"),
        (b"PAR1", ("--format", "csv"), 1, "stdin: is parquet, not CSV; add --format parquet"),
        (ROWS_OF_FOUR[:-1], NPY, 1, "stdin: ends before the last row that its header promises;"),
        (ROWS_OF_FOUR[:9], NPY, 1, "stdin: is not a complete .npy array of numbers: "),
        (ROWS_OF_FOUR[:40], NPY, 1, "stdin: is not a complete .npy array of numbers: "),
        (ROWS_OF_FOUR + b"x", NPY, 1, "stdin: goes on after its last row; write a single array"),
        (written("npy", np.ones((3, 2)), []), NPY, 1, "p.csv: has 4 rows but stdin has 3 vectors;"),
        (written("npy", np.ones((4, 0)), []), NPY, 1, "stdin: has 0 dimensions; allowed: 1 to"),
    ],
)
def test_bad_stdin(
    case: tuple[bytes, tuple[str, ...], int, str],
    on_database: Run,
    pipe: Callable[[], BinaryIO],
    tmp_path: Path,
) -> None:
    content, arguments, code, message = case
    write(tmp_path, np.ones((4, 2)), list("abcd"))
    with pipe() as stream:
        stream.write(content)
    assert on_database("import", "-", *arguments).refusal(code).startswith(message)


def test_a_named_pipe_is_read(session: Session, on_database: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with ThreadPoolExecutor(1) as pool:
        content = written("npy", np.ones((4, 2)), [])
        pool.submit((tmp_path / "fifo").write_bytes, content)
        write(tmp_path, np.ones((4, 2)), list("abcd"))
        finished = on_database("import", "fifo", "--format", "npy", "--paths", "p.csv")
    assert (finished.code, finished.err) == (0, "")
    assert len(stored(session)) == 4


def test_a_file_that_is_not_there_is_missed_before_the_database(run_cli: Run) -> None:
    nowhere = ("--database-url", "postgresql://127.0.0.1:1/x")
    assert run_cli("import", "gone.npy", *nowhere).refusal() == "gone.npy: there is no such file"


# --- a connection that ends ---

END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY pg_t%'"


def test_a_connection_that_the_server_ends_imports_nothing(
    session: Session, database_url: str
) -> None:
    """One line, with the server's reason, though libpq only sees that it can't send."""
    command = [sys.executable, "-m", "fluffy_sql", "import", "-", "--format", "csv"]
    with subprocess.Popen(
        [*command, "--database-url", database_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdin is not None
        assert program.stderr is not None
        with suppress(BrokenPipeError):
            program.stdin.write(b"path,embedding\n")
            for row in range(10**6):
                program.stdin.write(b'%d.jpg,"[%s1]"\n' % (row, b"0.25," * 4000))
                if row == ROWS_PER_BATCH + 10:
                    session.connection.execute(END_OTHERS)
        assert program.stderr.read().decode() == (
            "fluffy-sql: nothing was imported: Postgres: terminating connection due to"
            " administrator command; somebody ended the connection, or the server stops:"
            " import again when it is there\n"
        )
    assert program.returncode == 1
    assert stored(session) == {}


def test_a_transaction_timeout_in_an_import(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    if session.connection.info.server_version < 170000:
        pytest.skip("this server has no transaction_timeout")
    rows = 2_000
    files = write(tmp_path, np.ones((rows, 1000)), [f"{i}" for i in range(rows)])
    url = make_conninfo(database_url, options="-c transaction_timeout=300ms")
    with Session.open(url) as limited, pytest.raises(DatabaseError) as ended:
        import_photos(limited, *files, progress=lambda _: sleep(0.4))
    assert str(ended.value) == (
        "nothing was imported: Postgres: terminating connection due to transaction timeout;"
        " import again, with a longer transaction_timeout for this role"
    )
    assert stored(session) == {}


def test_a_connection_lost_with_the_answer_to_a_commit(
    session: Session, database_url: str, tmp_path: Path
) -> None:
    files = write(tmp_path, [[1, 2]], ["a"])
    with Proxy.before(database_url) as proxy, Session.open(proxy.url) as far:
        proxy.cuts_at_commit = True
        with pytest.raises(DatabaseError) as ended:
            import_photos(far, *files)
    message = str(ended.value)
    assert message.startswith("whether anything was imported is not known, and importing twice")
    assert message.endswith("; import again")
    assert "fluffy-sql runs" not in message
    assert stored(session) == {"a": [1, 2]}
