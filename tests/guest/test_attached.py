"""Libraries whose embeddings stay in the table of an application, which is only read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluffy_sql.runs.progress import Progress
from tests.guest.applications import APPLICATIONS, DJANGO, IMMICH, THEMES, Application
from tests.guest.catalog import catalog
from tests.guest.helpers import Run, ask, execute, is_refused, succeeds
from tests.guest.programs import dump, load
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
    nearest = "SELECT is_member FROM fluffy_sql.photo_nearest_clusters(%s, n => 2)"
    [(photo,)] = ask(
        immich, "SELECT photo_id FROM fluffy_sql.photo_clusters WHERE key = md5('9')::uuid"
    )
    assert (True,) in ask(immich, nearest, photo)
    writable = "SELECT pg_relation_is_updatable('fluffy_sql.photo_clusters'::regclass, TRUE)"
    assert ask(immich, writable) == [(0,)]


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
    "no such table": (
        ("--table", "gallery_foto", *GOOD[2:]),
        "there is no table gallery_foto; there is gallery_photo",
    ),
    "no such column": ((*GOOD[:4], "--embedding", "embeddings"), "there is embedding"),
    "not an embedding": ((*GOOD[:4], "--embedding", "image"), "is character varying"),
    "not a key": ((*GOOD[:2], "--key", "created", *GOOD[4:]), "uuid, text or a whole number"),
    "twice": ((*GOOD[:2], "--key", "image", *GOOD[4:]), "shows the key same.jpg 60 times"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_attached_is_refused_in_a_line(
    run_cli: Run, bare_database_url: str, case: str
) -> None:
    make(bare_database_url, DJANGO)
    execute(bare_database_url, "UPDATE gallery_photo SET image = 'same.jpg'")
    arguments, told = REFUSED[case]
    assert told in is_refused(run_cli, bare_database_url, "attach", *arguments)
    assert ask(bare_database_url, "SELECT to_regnamespace('fluffy_sql')") == [(None,)]


QUERIES = {
    "SELECT id AS key, embedding, image FROM gallery_photo": "shows a column image",
    "SELECT id AS key FROM gallery_photo": "shows no column embedding",
    "SELECT 1; DROP TABLE gallery_photo": "can not be read: syntax error",
    "SELECT nullif(image, '7.jpg') AS key, embedding FROM gallery_photo": "without a key",
    "DELETE FROM gallery_photo RETURNING id AS key, embedding": "can not be read",
    "SELECT id AS key, embedding, (image || 'x')::integer AS path FROM gallery_photo": (
        "mine.sql can not be read: invalid input syntax"
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_can_not_be_attached_is_refused_in_a_line(
    run_cli: Run, bare_database_url: str, tmp_path: Path, query: str
) -> None:
    make(bare_database_url, DJANGO)
    file = tmp_path / "mine.sql"
    file.write_text(query, encoding="utf-8")
    refused = is_refused(run_cli, bare_database_url, "attach", "--query", str(file))
    assert QUERIES[query] in refused
    assert ask(bare_database_url, "SELECT count(*) FROM gallery_photo") == [(60,)]


def test_a_source_that_changed_is_named(run_cli: Run, bare_database_url: str) -> None:
    url = bare_database_url
    make(url, DJANGO)
    succeeds(run_cli, url, "attach", *GOOD)
    succeeds(run_cli, url, "generate", "--k", str(THEMES))
    assert "attached to gallery_photo already" in is_refused(run_cli, url, "attach", *GOOD)
    execute(url, "ALTER TABLE gallery_photo RENAME TO picture")
    refused = run_cli("assign", "--database-url", url).err
    assert "gallery_photo can not be read as it was attached" in refused
    assert "fluffy-sql detach --source" in refused
    assert "the source of this library can not be read" in is_refused(run_cli, url, "clusters")
    assert "gallery_photo can not be read" in run_cli("check", "--database-url", url).out
    succeeds(run_cli, url, "detach", "--source")


def test_migrate_names_the_tables_that_hold_embeddings(
    run_cli: Run, bare_database_url: str
) -> None:
    make(bare_database_url, DJANGO)
    refused = is_refused(run_cli, bare_database_url, "migrate")
    assert "attach --table gallery_photo --key id --embedding embedding" in refused
    succeeds(run_cli, bare_database_url, "migrate", "--empty")


def test_migrate_quotes_names_for_the_shell(run_cli: Run, bare_database_url: str) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        'CREATE SCHEMA "My app"',
        'CREATE TABLE "My app".pictures (a int, "the b" int, e vector, PRIMARY KEY ("the b", a))',
    )
    told = is_refused(run_cli, bare_database_url, "migrate")
    assert "attach --table 'My app.pictures' --key 'the b' --key a --embedding e;" in told
