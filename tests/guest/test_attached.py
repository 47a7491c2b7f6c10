"""Libraries whose embeddings stay in the table of an application, which is only read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fluffy_sql.runs.progress import Progress
from tests.guest.applications import APPLICATIONS, DJANGO, IMMICH, THEMES, Application
from tests.guest.catalog import catalog
from tests.guest.helpers import Run, ask, execute, is_refused, succeeds
from tests.guest.programs import dump, load
from tests.integration.helpers import new_role
from tests.running import generate, settings

KEYS = "SELECT key FROM fluffy_sql.photo_clusters WHERE cluster_id IS NOT NULL ORDER BY key::text"


def rows_of(url: str) -> list[object]:
    """Every row of the application, with its version and place."""
    tables = ask(
        url,
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('public', 'extensions') ORDER BY 1",
    )
    return [ask(url, f"SELECT t.*::text, xmin, ctid FROM {name} AS t") for (name,) in tables]


def make(url: str, application: Application) -> None:
    if application is APPLICATIONS["supabase"]:
        execute(url, "CREATE SCHEMA extensions", "CREATE EXTENSION vector WITH SCHEMA extensions")
    else:
        execute(url, "CREATE EXTENSION vector")
    execute(url, *application.made_by)


@pytest.fixture
def immich(bare_database_url: str) -> str:
    make(bare_database_url, IMMICH)
    return bare_database_url


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_is_clustered_in_place_and_left_without_a_trace(
    run_cli: Run, bare_database_url: str, name: str
) -> None:
    application, url = APPLICATIONS[name], bare_database_url
    make(url, application)
    before, rows = catalog(url), rows_of(url)
    is_refused(run_cli, url, "migrate")

    succeeds(run_cli, url, "attach", *application.attach)
    succeeds(run_cli, url, "generate", "--k", str(THEMES))

    wanted = ask(url, f"SELECT key FROM ({application.keys}) AS wanted (key) ORDER BY key::text")
    assert ask(url, KEYS) == wanted
    made = json.loads(succeeds(run_cli, url, "clusters", "--json"))["clusters"]
    assert len(made) == THEMES * application.scopes
    succeeds(run_cli, url, "check")
    assert rows_of(url) == rows
    execute(url, f"BEGIN; {'; '.join(application.changes)}; ROLLBACK")

    succeeds(run_cli, url, "detach", "--source")
    assert (catalog(url), rows_of(url)) == (before, rows)


def test_everything_else_works_as_on_an_adopted_table(
    run_cli: Run, immich: str, tmp_path: Path
) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    succeeds(run_cli, immich, "generate", "--recluster", "--k", "3")
    succeeds(run_cli, immich, "runs", "undo", "2")
    succeeds(run_cli, immich, "migrate")
    succeeds(run_cli, immich, "duplicates")
    succeeds(run_cli, immich, "generate", "--algorithm", "leiden", "--recluster")
    succeeds(run_cli, immich, "detach")
    succeeds(run_cli, immich, "migrate")
    [(owner,)] = ask(immich, "SELECT md5('user1')::uuid::text")
    succeeds(run_cli, immich, "report", "--out", str(tmp_path / "themes"), "--scope", owner)
    named = succeeds(run_cli, immich, "clusters", "--suggest-names", "--scope", owner, "--json")
    assert {row["scope"] for row in json.loads(named)["suggestions"]} == {owner}
    photos = succeeds(run_cli, immich, "clusters", "export", "--format", "json", "--scope", owner)
    assert {row["scope"] for row in json.loads(photos)} == {owner}
    theirs = f"SELECT id::text FROM asset WHERE \"ownerId\" = '{owner}'"
    assert {(row["key"],) for row in json.loads(photos)} == set(ask(immich, theirs))
    [(key,)] = ask(immich, "SELECT md5('9')::uuid::text")
    photo = f"fluffy_sql.photo_of('{key}')"
    nearest = f"SELECT is_member FROM fluffy_sql.photo_nearest_clusters({photo}, n => 2)"
    assert (True,) in ask(immich, nearest)
    alike = (
        f"SELECT key FROM fluffy_sql.photo_neighbours({photo}, n => 3)"
        " JOIN fluffy_sql.photo_clusters ON photo_id = neighbour_id"
    )
    assert len(ask(immich, alike)) == 3
    writable = "SELECT pg_relation_is_updatable('fluffy_sql.photo_clusters'::regclass, TRUE)"
    assert ask(immich, writable) == [(0,)]


def test_a_photo_that_moves_writes_no_key(run_cli: Run, immich: str) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    indexed = (
        "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_index JOIN pg_attribute"
        " ON attrelid = indrelid AND attnum = ANY (indkey)"
        " WHERE indrelid = 'fluffy_sql.photos'::regclass"
    )
    assert ask(immich, indexed) == [("cluster_id id",)]
    key = "md5('9')::uuid"
    execute(immich, f"DELETE FROM fluffy_sql.photos WHERE id = fluffy_sql.photo_of({key})")
    assert ask(immich, f"SELECT fluffy_sql.photo_of({key})") == [(None,)]
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    assert ask(
        immich, f"SELECT cluster_id IS NULL FROM fluffy_sql.photo_clusters WHERE key = {key}"
    ) == [(False,)]


def test_a_library_that_was_attached_before_has_its_keys_moved(run_cli: Run, immich: str) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    before = ask(immich, "SELECT * FROM fluffy_sql.photo_clusters ORDER BY key")
    succeeds(run_cli, immich, "detach")
    execute(
        immich,
        "DROP TABLE fluffy_sql.source_keys",
        "CREATE UNIQUE INDEX photos_key_idx ON fluffy_sql.photos (key)",
        "DELETE FROM fluffy_sql.migrations WHERE migration_id = '0015_source_keys'",
    )
    assert succeeds(run_cli, immich, "migrate").startswith("Applied 0015_source_keys\nTriggers")
    assert ask(immich, "SELECT * FROM fluffy_sql.photo_clusters ORDER BY key") == before
    assert ask(immich, "SELECT to_regclass('fluffy_sql.photos_key_idx')") == [(None,)]


def test_a_run_takes_in_what_is_new_gone_and_changed(run_cli: Run, immich: str) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    execute(
        immich,
        # one appears, two go, one is embedded again, one gets another owner
        "UPDATE asset SET visibility = 'timeline' WHERE id = md5('1')::uuid",
        "DELETE FROM asset WHERE id = md5('10')::uuid",
        "UPDATE asset SET visibility = 'locked' WHERE id = md5('11')::uuid",
        "UPDATE smart_search SET embedding = '[0,0,0,1,0,0,0,1]' WHERE"
        " \"assetId\" = md5('12')::uuid",
        "UPDATE asset SET \"ownerId\" = md5('user1')::uuid WHERE id = md5('13')::uuid",
    )
    dry = run_cli("assign", "--dry-run", "--database-url", immich)
    assert "preset immich: 1 photo new, 2 gone, 2 changed; the next run" in dry.err
    assert "1 photo new, 2 gone, 2 changed" in succeeds(run_cli, immich, "check")

    done = run_cli("assign", "--moved", "--database-url", immich)

    assert "preset immich: 1 photo new, 2 gone, 2 changed\n" in done.err
    assert "placed 3 photos" in done.out
    assert ask(immich, "SELECT count(*), count(cluster_id) FROM fluffy_sql.photos") == [(55, 55)]
    assert ask(
        immich,
        "SELECT count(*) FROM fluffy_sql.clusters AS c WHERE photos_count <> (SELECT count(*)"
        " FROM fluffy_sql.photos AS p WHERE p.cluster_id = c.id)",
    ) == [(0,)]
    assert "Note" not in succeeds(run_cli, immich, "check")


class Meanwhile(Progress):
    """Changes the source as soon as photos are labelled."""

    def __init__(self, url: str) -> None:
        self._url = url

    def phase(self, name: str) -> None:
        if name == "measure":
            execute(
                self._url,
                "UPDATE smart_search SET embedding = '[0,0,0,1,0,0,0,1]' WHERE"
                " \"assetId\" = md5('12')::uuid",
                "UPDATE asset SET visibility = 'locked' WHERE id = md5('13')::uuid",
            )


def test_what_changes_in_the_source_during_a_run_is_left_to_the_next(
    run_cli: Run, immich: str
) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    made = generate(immich, settings(k=THEMES), progress=Meanwhile(immich))
    assert made.skipped["changed_meanwhile"] == 2
    left = "SELECT key FROM fluffy_sql.photo_clusters WHERE cluster_id IS NULL ORDER BY key"
    assert ask(immich, left) == ask(
        immich, "SELECT md5(n::text)::uuid FROM generate_series(12, 13) AS n ORDER BY 1"
    )


def test_a_photo_that_was_locked_is_not_shown_even_before_the_next_run(
    run_cli: Run, immich: str
) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    execute(immich, "UPDATE asset SET visibility = 'locked' WHERE id = md5('11')::uuid")

    shown = "SELECT count(*) FROM fluffy_sql.cluster_members WHERE path LIKE '%/11.jpg'"
    assert ask(immich, shown) == [(0,)]


def test_a_dump_goes_on_where_it_is_loaded(
    run_cli: Run, immich: str, empty_database: Callable[..., Any]
) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    written = dump(immich, "--no-comments")
    labels = ask(immich, KEYS)
    with empty_database() as url:
        assert load(url, written) == []
        succeeds(run_cli, url, "migrate")
        assert ask(url, KEYS) == labels
        succeeds(run_cli, url, "generate", "--recluster", "--k", "2")
        succeeds(run_cli, url, "check")
        succeeds(run_cli, url, "detach", "--source")
        assert ask(url, "SELECT to_regnamespace('fluffy_sql')") == [(None,)]


def test_owners_are_shown_by_their_own_value(run_cli: Run, immich: str) -> None:
    succeeds(run_cli, immich, "attach", *IMMICH.attach)
    succeeds(run_cli, immich, "generate", "--k", str(THEMES))
    [(owner,)] = ask(immich, "SELECT md5('user1')::uuid::text")

    of_one = json.loads(succeeds(run_cli, immich, "clusters", "--scope", owner, "--json"))

    assert [row["scope"] for row in of_one["clusters"]] == [owner] * THEMES
    assert owner in run_cli("sweep", "--k", "2,3", "--database-url", immich).err
    assert "check --scope" in is_refused(run_cli, immich, "clusters", "--scope", "nobody")


def test_keys_of_several_columns_and_other_types(run_cli: Run, bare_database_url: str) -> None:
    url = bare_database_url
    make(url, DJANGO)
    execute(
        url,
        "CREATE DOMAIN short AS text",
        "CREATE TABLE pages AS SELECT (row_number() OVER ())::integer AS page,"
        " 'book'::short AS book, embedding::vector::real[] AS numbers FROM gallery_photo",
    )
    columns = ("--key", "book", "--key", "page", "--embedding", "numbers")
    succeeds(run_cli, url, "attach", "--table", "pages", *columns, "--dry-run")
    assert ask(url, "SELECT to_regnamespace('fluffy_sql')") == [(None,)]
    succeeds(run_cli, url, "attach", "--table", "pages", *columns)
    succeeds(run_cli, url, "generate", "--k", str(THEMES))
    joined = (
        "SELECT count(*) FROM pages JOIN fluffy_sql.photo_clusters ON book = key AND page = key2"
    )
    assert ask(url, f"{joined} WHERE cluster_id IS NOT NULL") == [(60,)]
    other = "SELECT FROM fluffy_sql.photo_clusters"
    assert not ask(url, f"{other} WHERE fluffy_sql.photo_of(key, key2) <> photo_id")
    assert ask(url, "SELECT fluffy_sql.photo_of('', 1)") == [(None,)]
    Path("new.csv").write_text('path,embedding\nnew,"[1,0]"\n', encoding="utf-8")
    assert "this library is attached" in is_refused(run_cli, url, "import", "new.csv")


STRANGE = {
    "a part is null": ("SELECT nullif(n, 2) AS key, n AS key2", "without a key"),
    "an empty text": ("SELECT '' AS key", "shows the key  3 times"),
    "a very large key": (
        "SELECT (SELECT string_agg(md5((n * i)::text), '') FROM generate_series(1, 500) AS i)"
        " AS key",
        "keys of at most 2,600 bytes",
    ),
    "a type of an extension": ("SELECT n::text::citext AS key", "is citext"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_key_is_refused_in_a_line(
    run_cli: Run, bare_database_url: str, tmp_path: Path, case: str
) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector")
    if case == "a type of an extension":
        if not ask(bare_database_url, "SELECT FROM pg_available_extensions WHERE name = 'citext'"):
            pytest.skip("the server has no citext")
        execute(bare_database_url, "CREATE EXTENSION citext")
    keys, told = STRANGE[case]
    file = tmp_path / "mine.sql"
    file.write_text(f"{keys}, '[1,2]'::vector AS embedding FROM generate_series(1, 3) AS n")
    assert told in is_refused(run_cli, bare_database_url, "attach", "--query", str(file))


def test_a_key_of_fixed_length_keeps_its_length(run_cli: Run, bare_database_url: str) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        "CREATE TABLE pictures AS SELECT md5(n::text)::char(36) AS id,"
        " '[1,2]'::vector AS embedding FROM generate_series(1, 3) AS n",
    )
    succeeds(run_cli, bare_database_url, "attach", "--table", "pictures", *GOOD[2:])
    joined = "SELECT count(*) FROM pictures JOIN fluffy_sql.photo_clusters ON id = key"
    assert ask(bare_database_url, joined) == [(3,)]


@pytest.mark.parametrize("version", ["", ", 1 AS version"])
def test_an_array_that_is_no_vector_counts_as_no_embedding(
    run_cli: Run, bare_database_url: str, tmp_path: Path, version: str
) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE pictures (id integer, numbers double precision[])",
        "INSERT INTO pictures SELECT n, ARRAY[n, 1] FROM generate_series(1, 10) AS n",
        "INSERT INTO pictures VALUES (11, NULL), (12, '{}'), (13, '{1,NULL}'), (14, '{1,NaN}'),"
        " (15, '{1,-Infinity}'), (16, '{1,1e300}'), (17, array_fill(1, ARRAY[16001]))",
    )
    file = tmp_path / "mine.sql"
    file.write_text(f"SELECT id AS key, numbers AS embedding{version} FROM pictures")
    succeeds(run_cli, url, "attach", "--query", str(file))
    succeeds(run_cli, url, "generate", "--k", "2")
    assert ask(url, KEYS) == [(n,) for n in sorted(range(1, 11), key=str)]
    succeeds(run_cli, url, "check")


GOOD = ("--table", "gallery_photo", "--key", "id", "--embedding", "embedding")
REFUSED = {
    ("--table", "gallery_foto", *GOOD[2:]): (
        "there is no table gallery_foto; there is gallery_photo"
    ),
    (*GOOD[:4], "--embedding", "embeddings"): "there is embedding",
    (*GOOD[:4], "--embedding", "image"): "is character varying",
    (*GOOD[:2], "--key", "created", *GOOD[4:]): "uuid, text or a whole number",
    (*GOOD[:2], "--key", "image", *GOOD[4:]): "shows the key same.jpg 60 times",
}
# What is told of the SELECT; None: it is attached.
QUERIES = {
    "id AS key, embedding, image FROM gallery_photo": "shows a column image",
    "id AS key FROM gallery_photo": "shows no column embedding",
    "1; DROP TABLE gallery_photo": "mine.sql has more than one statement",
    "nullif(file, '7.jpg') AS key, embedding FROM gallery_photo": "without a key",
    "id AS key,\nembeddin AS embedding FROM gallery_photo": "(line 2); correct the SELECT, and",
    "id AS key, embedding, (file || 'x')::integer AS path FROM gallery_photo": (
        "mine.sql can not be read: invalid input syntax for type integer:"
    ),
    "id AS key, (CASE WHEN 1 / (length(file) - 5) < 9 THEN embedding END) AS embedding, 1 AS"
    " version FROM gallery_photo": "division by zero; let it leave such rows out, or show null",
    "id AS key, '{1:1}/30000'::sparsevec AS embedding, 1 AS version FROM gallery_photo": (
        "embeddings of at most 16,000 dimensions"
    ),
    "id AS key, embedding FROM gallery_photo FOR UPDATE": "let it be one SELECT that only reads",
    "id AS key, embedding, now() AS version FROM gallery_photo": "each time it is read",
    "id AS key, embedding FROM gallery_photo ORDER BY random() LIMIT 9": "each time it is read",
    "id AS key, embedding, pg_sleep(9)::text AS version FROM gallery_photo": (
        "canceling statement due to statement timeout; run again, with a longer"
    ),
    "id AS key, embedding, $$;'$$ AS path FROM gallery_photo; -- the end": None,
    "id AS key, embedding, E'\\';--' || ';' AS path FROM gallery_photo /* ; */;;": None,
    "id AS key, embedding, xmin AS version FROM gallery_photo": None,
}


def test_what_can_not_be_attached_is_refused_in_a_line(
    run_cli: Run, bare_database_url: str
) -> None:
    url, file = bare_database_url, Path("mine.sql")
    make(url, DJANGO)
    execute(
        url,
        "ALTER TABLE gallery_photo ADD file text",
        "UPDATE gallery_photo SET file = image, image = 'same.jpg'",
    )
    for arguments, told in REFUSED.items():
        assert told in is_refused(run_cli, url, "attach", *arguments)
    hurried = make_conninfo(url, options="-c statement_timeout=300")
    for query, told_of_it in QUERIES.items():
        file.write_text(f"\N{BYTE ORDER MARK}SELECT {query}", encoding="utf-8")
        if told_of_it is None:
            succeeds(run_cli, url, "attach", "--query", "mine.sql", "--dry-run")
        else:
            at = hurried if "pg_sleep" in query else url
            refused = is_refused(run_cli, at, "attach", "--query", "mine.sql")
            assert told_of_it in refused, query
    assert ask(url, "SELECT to_regnamespace('fluffy_sql'), count(*) FROM gallery_photo") == [
        (None, 60)
    ]


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("generate", "--k", "2", "--recluster"),
    ("assign",),
    ("sweep", "--k", "2,3"),
    ("duplicates",),
    ("report", "--out", "themes"),
    ("clusters",),
    ("check",),
)
# What an application does to its table, how it is undone, and what is told.
CHANGES = {
    "ALTER TABLE pictures RENAME TO gallery": (
        "ALTER TABLE gallery RENAME TO pictures",
        'pictures can not be read as it was attached: relation "public.pictures" does not exist',
    ),
    "ALTER TABLE pictures ALTER id TYPE text": (
        "ALTER TABLE pictures ALTER id TYPE integer USING id::integer",
        "its key is text now, and was integer; change it back, or attach it anew: fluffy-sql detach"
        " --source",
    ),
    "ALTER TABLE pictures ALTER numbers TYPE text": (
        "ALTER TABLE pictures ALTER numbers TYPE real[] USING numbers::real[]",
        "its embedding is text now, and was real[]; change it back",
    ),
    "ALTER TABLE pictures RENAME TO gallery; CREATE VIEW pictures AS TABLE gallery": (
        "DROP VIEW pictures; ALTER TABLE gallery RENAME TO pictures",
        "it is no table any more, so its rows have no version (xmin)",
    ),
    "ALTER TABLE pictures ENABLE ROW LEVEL SECURITY": (
        "ALTER TABLE pictures DISABLE ROW LEVEL SECURITY",
        'policy for table "pictures"; give the role BYPASSRLS, or use the owner of the table',
    ),
    "REVOKE SELECT ON pictures FROM PUBLIC": (
        "GRANT SELECT ON pictures TO PUBLIC",
        "permission denied for table pictures; let its owner GRANT this role the right to read it",
    ),
    "ALTER TABLE pictures ALTER numbers TYPE vector USING numbers::vector": (
        "",
        "pictures is not as it was attached: its embedding is vector now, and was real[]; run:"
        " fluffy-sql migrate",
    ),
}


def test_a_source_that_changed_is_named_by_every_command(
    run_cli: Run, bare_database_url: str
) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE pictures AS SELECT n AS id, ARRAY[mod(n, 2), 1]::real[] AS numbers FROM"
        " generate_series(1, 9) AS n",
        "GRANT SELECT ON pictures TO PUBLIC",
    )
    arguments = ("--table", "pictures", "--key", "id", "--embedding", "numbers")
    with psycopg.connect(url, autocommit=True) as connection, new_role(connection) as role:
        [(database,)] = ask(url, "SELECT current_database()")
        execute(url, f"GRANT CREATE ON DATABASE {database} TO {role}")
        as_role = make_conninfo(url, options=f"-c role={role}")
        succeeds(run_cli, as_role, "attach", *arguments)
        succeeds(run_cli, as_role, "generate", "--k", "2")
        assert "attached to pictures already" in is_refused(run_cli, as_role, "attach", *arguments)
        for change, (undone, told) in CHANGES.items():
            execute(url, change)
            for command in COMMANDS if not undone else COMMANDS[-2:]:
                finished = run_cli(*command, "--database-url", as_role)
                assert finished.code == 1
                assert told in finished.out + finished.err, (change, command)
            if undone:
                execute(url, *undone.split("; "))
        succeeds(run_cli, as_role, "runs")
        succeeds(run_cli, as_role, "migrate")
        succeeds(run_cli, as_role, "generate", "--k", "2")
        succeeds(run_cli, as_role, "check")
        execute(url, "ALTER TABLE pictures RENAME TO gallery")
        with pytest.raises(psycopg.errors.UndefinedTable) as raised:
            ask(url, "SELECT * FROM fluffy_sql.photo_nearest_clusters(1)")
        first_line = "-- pictures, as it was attached; if that fails: fluffy-sql check"
        assert (raised.value.diag.internal_query or "").startswith(first_line)
        succeeds(run_cli, as_role, "detach", "--source")


def test_a_row_that_can_not_be_read_later_is_told_with_its_source(
    run_cli: Run, bare_database_url: str
) -> None:
    url = bare_database_url
    make(url, DJANGO)
    Path("mine.sql").write_text(
        "SELECT id AS key, CASE WHEN 1 / length(image) >= 0 THEN embedding END AS embedding,"
        " xmin AS version FROM gallery_photo",
        encoding="utf-8",
    )
    succeeds(run_cli, url, "attach", "--query", "mine.sql")
    execute(url, "DELETE FROM gallery_photo")
    told = "there is no photo with an embedding to try anything on; let the source show some"
    assert told in run_cli("sweep", "--k", "2", "--database-url", url).err
    execute(
        url, "INSERT INTO gallery_photo VALUES (gen_random_uuid(), '', '[1,2,3,4,5,6,7,8]', now())"
    )
    refused = run_cli("generate", "--database-url", url).err
    assert (
        "a row of mine.sql can not be read: division by zero; correct it in the source" in refused
    )


def test_an_owner_of_any_name_can_be_chosen(run_cli: Run, bare_database_url: str) -> None:
    url = bare_database_url
    execute(
        url,
        "CREATE EXTENSION vector",
        "CREATE TABLE pictures AS SELECT n AS id, '[1,2]'::vector AS e,"
        " (ARRAY['none', '', ':x', NULL])[n] AS who FROM generate_series(1, 4) AS n",
    )
    columns = ("--key", "id", "--embedding", "e", "--owner", "who")
    succeeds(run_cli, url, "attach", "--table", "pictures", *columns)
    succeeds(run_cli, url, "generate", "--k", "1")
    for asked, owner in (("none", None), (":none", "none"), (":", ""), ("::x", ":x")):
        of_one = json.loads(succeeds(run_cli, url, "clusters", "--scope", asked, "--json"))
        assert [row["scope"] for row in of_one["clusters"]] == [owner]
    shown = "(none, :, ::x, ...)"
    assert shown in run_cli("sweep", "--k", "2", "--database-url", url).err
    moved = (
        "UPDATE fluffy_sql.photos AS p SET cluster_id = c.id FROM fluffy_sql.clusters AS c"
        " WHERE c.scope IS NULL AND p.scope IS NOT NULL"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match=r"is of scope (none|:x|) and can not"):
        execute(url, moved)
    rescoped = "UPDATE fluffy_sql.clusters SET scope = 1 WHERE scope IS NULL"
    with pytest.raises(psycopg.errors.CheckViolation, match="can not be of scope : it holds"):
        execute(url, rescoped)


# Tables with embeddings, and what attaches them.
ELSEWHERE = {
    "CREATE TABLE gallery (id int PRIMARY KEY, e vector)": "--table gallery --key id --embedding e",
    "CREATE DOMAIN clip AS vector(2); CREATE TABLE docs (n int, t int, c clip, UNIQUE (t, n))": (
        "--table docs --key t --key n --embedding c"
    ),
    'CREATE MATERIALIZED VIEW docs AS SELECT 1 AS id, ARRAY[1.0]::real[] AS "clipEmbedding"': (
        "--table docs --key KEY --embedding clipEmbedding"
    ),
    'CREATE SCHEMA "My app"; CREATE TABLE "My app".p (a int, "the b" int, e vector, PRIMARY KEY'
    ' ("the b", a))': "--table 'My app.p' --key 'the b' --key a --embedding e",
    "CREATE TABLE photos (id bigint PRIMARY KEY, path text);"
    " CREATE TABLE embeddings (photo_id bigint PRIMARY KEY REFERENCES photos, e halfvec)": (
        "--table embeddings --key photo_id --embedding e"
    ),
    "CREATE TABLE photos (id bigint PRIMARY KEY, path text, clip vector)": (
        "--table photos --key id --embedding clip"
    ),
    "CREATE VIEW photos AS SELECT 1 AS id, '[1]'::vector AS embedding": (
        "--table photos --key KEY --embedding embedding"
    ),
}


def test_migrate_names_the_tables_that_hold_embeddings(
    run_cli: Run, bare_database_url: str
) -> None:
    url = bare_database_url
    [(database,)] = ask(url, "SELECT current_database()")
    execute(
        url,
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION vector WITH SCHEMA extensions",
        f"ALTER DATABASE {database} SET search_path = public, extensions",
    )
    for made, arguments in ELSEWHERE.items():
        execute(url, *made.split("; "))
        assert f"fluffy-sql attach {arguments}" in is_refused(run_cli, url, "migrate"), made
        execute(url, 'DROP SCHEMA IF EXISTS public, "My app" CASCADE', "CREATE SCHEMA public")
    execute(url, "CREATE TABLE gallery (id int PRIMARY KEY, e vector)")
    assert "or, for an empty library: fluffy-sql migrate --empty" in is_refused(
        run_cli, url, "migrate"
    )
    succeeds(run_cli, url, "migrate", "--empty")
