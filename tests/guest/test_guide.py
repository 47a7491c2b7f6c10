"""Every recipe of docs/guides/your-database.md, on databases as its frameworks make them."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fluffy_sql.operations.check import check
from fluffy_sql.postgres import schema
from tests.docs.examples import in_shell, write_programs
from tests.docs.pages import DOCS
from tests.guest.catalog import add_stamped_photos
from tests.guest.guide import SECTIONS, block, blocks
from tests.guest.helpers import ask, execute
from tests.guest.poolers import find_pgbouncer, pgbouncer
from tests.guest.programs import dump, load
from tests.guest.roles import role, user
from tests.integration.helpers import generate

PHOTOS = (
    "CREATE TABLE photos (id bigserial PRIMARY KEY, path varchar(200) NOT NULL,"
    " embedding vector(8), created_at timestamp(6), updated_at timestamp(6))"
)
RUN_HERE = {
    "What is added",
    "Before a migration of your own",
    "Supabase",
    "Poolers",
    "Replicas",
    "Tenants",
    "Partitions",
}


def test_no_recipe_is_left_out() -> None:
    shown = {title for title in SECTIONS if blocks(title, "sql") + blocks(title, "sh")}
    assert shown == RUN_HERE


@pytest.fixture(scope="module")
def made(empty_database: Any) -> Iterator[str]:
    """The name of an application's database with photos, which are in clusters."""
    with empty_database() as url:
        execute(url, "CREATE EXTENSION vector", PHOTOS)
        schema.migrate(url)
        add_stamped_photos(url)
        generate(url, k=3)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(empty_database: Any, made: str) -> Iterator[str]:
    with empty_database(made) as url:
        yield url


def run_shell(recipe: str, folder: Path, **environment: str) -> str:
    """Runs it where the checkout's docs are, with the commands that it names; gives the output."""
    (folder / "docs").symlink_to(DOCS)
    done = in_shell(recipe, folder, write_programs(folder / "programs"), **environment)
    assert done.returncode == 0, done.stdout
    return done.stdout


def labels(url: str) -> list[tuple[Any, ...]]:
    return ask(url, "SELECT id, cluster_id FROM photos ORDER BY id")


def test_what_is_added(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        overview, central, view = block("What is added", "sql").split(";\n")[:3]
        if connection.info.server_version < 150000:
            view = view.replace("WITH (security_invoker = true) ", "")
        assert len(connection.execute(overview.encode()).fetchall()) == 3
        assert len(connection.execute(central.encode()).fetchall()) == 3
        connection.execute(view.encode())
    said = run_shell(block("What is added", "sh"), tmp_path, DATABASE_URL=url)
    assert "The database is up to date." in said


def test_before_a_migration_of_your_own(url: str, tmp_path: Path) -> None:
    before = labels(url)
    run_shell(block("Before a migration of your own", "sh"), tmp_path, DATABASE_URL=url)
    assert ask(
        url,
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'photos'::regclass AND attname = 'path'",
    ) == [("text",)]
    assert labels(url) == before
    assert check(url).ok


def test_rails_loads_its_structure(url: str, bare_database_url: str, empty_database: Any) -> None:
    """As `rails db:schema:dump` and `db:schema:load` do it."""
    structure = dump(url, "--schema-only", "--no-privileges", "--no-owner")
    with empty_database() as loaded:
        stop = ("--set", "ON_ERROR_STOP=1", "--output", os.devnull)
        assert load(loaded, structure, *stop) == []
        schema.migrate(loaded)
        add_stamped_photos(loaded)
        assert generate(loaded, k=3).clusters_created == 3
        assert check(loaded).ok


def test_rails_may_count_itself_or_leave_it_to_triggers(bare_database_url: str) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        PHOTOS,
        "CREATE TABLE clusters (id bigserial PRIMARY KEY, name varchar, photos_count integer"
        " DEFAULT 0 NOT NULL, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL)",
    )
    assert schema.migrate(bare_database_url).counter_cache.kept_by == "service"
    add_stamped_photos(bare_database_url)
    generate(bare_database_url, k=3)
    assert check(bare_database_url).ok
    counted = schema.migrate(bare_database_url, keep_counts_by="triggers").counter_cache
    assert counted.kept_by == "triggers"
    execute(bare_database_url, "DELETE FROM photos WHERE id < 20")
    assert check(bare_database_url).ok


def test_a_migration_of_rails_is_one_transaction(url: str) -> None:
    before = labels(url)
    schema.detach(url)
    with psycopg.connect(url) as connection:
        connection.execute('ALTER TABLE "photos" ALTER COLUMN "path" TYPE text')
    schema.migrate(url)
    assert labels(url) == before


DJANGO = '''
import sys
from pathlib import Path
import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **DATABASE}},
    INSTALLED_APPS=["library"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
call_command("makemigrations", "library", verbosity=0)
call_command("migrate", verbosity=0)

from django.db import connection
from fluffy_sql.operations.check import check
from fluffy_sql.postgres import schema
from fluffy_sql.operations.history import undo_run
from library.models import Cluster, ClusterOverview, Photo
from tests.integration.helpers import generate

schema.migrate(URL)
for number in range(30):
    embedding = [0.001 * (number * place % 7) for place in range(8)]
    embedding[number % 3] = 1
    Photo.objects.create(path=f"p{number}", embedding=embedding)
generate(URL, k=3)
assert sorted(o.photos_count for o in ClusterOverview.objects.all()) == [10, 10, 10]
assert Photo.objects.filter(cluster__isnull=True).count() == 0
generate(URL, k=2, recluster=True)
Cluster.objects.filter(pk=Photo.objects.first().cluster_id).delete()
Photo.objects.filter(cluster=None).update(cluster=Cluster.objects.create(name="others"))
Photo.objects.last().delete()
assert check(URL).ok, check(URL)

# Django proposes nothing, and may change a type after detach
call_command("makemigrations", "library", check=True, verbosity=0)
Path("library/migrations/0002_longer.py").write_text("""
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]
    operations = [
        migrations.AlterField("photo", "path", models.TextField(unique=True)),
        migrations.AddField("cluster", "title", models.TextField(null=True)),
    ]
""")
schema.detach(URL)
call_command("migrate", "library", verbosity=0)
schema.migrate(URL)
assert check(URL).ok, check(URL)
assert generate(URL, k=2, recluster=True).photos_processed == 29
print("done")
'''


def test_django(bare_database_url: str, tmp_path: Path) -> None:
    pytest.importorskip("django")
    execute(bare_database_url, "CREATE EXTENSION vector")
    library = tmp_path / "library"
    (library / "migrations").mkdir(parents=True)
    for file in (library / "__init__.py", library / "migrations" / "__init__.py"):
        file.touch()
    (library / "models.py").write_text(block("Django", "python"), encoding="utf-8")
    parts = psycopg.conninfo.conninfo_to_dict(bare_database_url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    database = {
        key: parts[name] for key, name in {**names, "PORT": "port"}.items() if name in parts
    }
    script = f"DATABASE = {database!r}\nURL = {bare_database_url!r}\n{DJANGO}"
    (tmp_path / "run.py").write_text(script, encoding="utf-8")
    said = run_shell(f"{sys.executable} run.py", tmp_path)
    assert said.splitlines()[-1] == "done"


def test_supabase(bare_database_url: str, tmp_path: Path) -> None:
    """With what its platform grants by default, and the names of its roles."""
    with psycopg.connect(bare_database_url) as connection:
        if connection.info.server_version < 150000:
            pytest.skip("views look with their owner's rights before PostgreSQL 15")
    with (
        role(bare_database_url, grants=()) as anon,
        role(bare_database_url, grants=()) as signed_in,
    ):
        named = {"anon": user(anon), "authenticated": user(signed_in)}
        execute(
            bare_database_url,
            "CREATE SCHEMA extensions",
            "CREATE EXTENSION vector SCHEMA extensions",
            f"GRANT USAGE ON SCHEMA extensions, public TO {', '.join(named.values())}",
            *(
                f"ALTER DEFAULT PRIVILEGES {place} GRANT ALL ON {what} TO {name}"
                for what in ("TABLES", "SEQUENCES", "FUNCTIONS")
                for name in named.values()
                for place in ("", "IN SCHEMA public")
            ),
            PHOTOS.replace("vector(8)", "extensions.vector(8)"),
            "ALTER TABLE photos ENABLE ROW LEVEL SECURITY",
            "CREATE PUBLICATION supabase_realtime",
        )
        schema.migrate(bare_database_url)
        add_stamped_photos(bare_database_url)
        generate(bare_database_url, k=3)
        assert_shut(anon)

        # somebody grants too much
        execute(
            bare_database_url,
            f"GRANT USAGE ON SCHEMA fluffy_sql TO PUBLIC, {named['anon']}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA fluffy_sql TO {named['anon']}",
            f"GRANT SELECT (id), UPDATE (name) ON clusters TO {named['anon']}",
            f"GRANT ALL ON clusters TO PUBLIC, {named['anon']}",
        )
        assert ask(anon, "SELECT count(*) FROM fluffy_sql.cluster_runs") == [(1,)]
        shut = rename(block("Supabase", "sh"), named)
        said = run_shell(shut, tmp_path, DATABASE_URL=bare_database_url)
        assert "reaches" not in said
        assert_shut(anon)

        # ... and what may be seen is shown again
        for_api, realtime = (rename(text, named) for text in blocks("Supabase", "sql"))
        execute(bare_database_url, *for_api.strip().split(";\n"), *realtime.strip().split(";\n"))
        execute(bare_database_url, "UPDATE clusters SET name = 'sea' WHERE id = 2")
        for who in (anon, signed_in):
            assert ask(who, "SELECT id, name FROM albums") == [(2, "sea")]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(who, "SELECT centroid FROM clusters")
        assert generate(bare_database_url, k=2, recluster=True).photos_processed == 60


def assert_shut(url: str) -> None:
    for statement in (
        "SELECT id FROM clusters",
        "DELETE FROM clusters",
        "SELECT nextval('clusters_id_seq')",
        "SELECT * FROM fluffy_sql.usable_photos",
        "SELECT fluffy_sql.assign_photo(1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(url, statement)


def rename(text: str, names: dict[str, str]) -> str:
    for name, taken in names.items():
        text = re.sub(rf"\b{name}\b", taken, text)
    return text


def test_an_api_that_reaches_the_library_all_the_same_is_told(url: str, tmp_path: Path) -> None:
    with role(url, grants=()) as member, role(url, grants=()) as group:
        execute(
            url,
            f"GRANT {user(group)} TO {user(member)}",
            f"GRANT USAGE ON SCHEMA fluffy_sql TO {user(group)}",
            f"ALTER ROLE {user(member)} SET pgrst.db_schemas = 'public, fluffy_sql'",
        )
        command = f"fluffy-sql psql -v role={user(member)} -f docs/grants/api.sql"
        said = run_shell(command, tmp_path, DATABASE_URL=url)
        assert "this role reaches the library all the same" in said
        assert "pgrst.db_schemas serves the schema of the library" in said


@pytest.mark.skipif(find_pgbouncer() is None, reason="there is no pgbouncer here")
def test_poolers(url: str, tmp_path: Path) -> None:
    execute(url, "UPDATE photos SET cluster_id = NULL")
    with pgbouncer(url, "transaction") as pooled:
        said = run_shell(block("Poolers", "sh"), tmp_path, DIRECT_URL=url, POOLED_URL=pooled)
    assert "60 photos compared" in said


def test_replicas(url: str) -> None:
    execute(url, block("Replicas", "sql"), "CREATE PUBLICATION everything FOR ALL TABLES")
    assert generate(url, k=2, recluster=True).photos_processed == 60
    assert check(url).ok
    schema.uninstall(url)


def test_tenants(bare_database_url: str, tmp_path: Path) -> None:
    execute(bare_database_url, "CREATE EXTENSION vector")
    tenants = ("ann", "bob")
    for tenant in tenants:
        execute(bare_database_url, f"CREATE SCHEMA {tenant}")
        there = make_conninfo(bare_database_url, options=f"-csearch_path={tenant},public")
        execute(there, PHOTOS)
        add_stamped_photos(there)
    run_shell(block("Tenants", "sh"), tmp_path, DATABASE_URL=bare_database_url)
    for tenant in tenants:
        assert len(ask(bare_database_url, f"TABLE {tenant}.clusters")) == 2
        assert check(bare_database_url, schema=f"fluffy_sql_{tenant}").ok
    schema.uninstall(bare_database_url, schema="fluffy_sql_ann")
    assert check(bare_database_url, schema="fluffy_sql_bob").ok


def test_partitions(bare_database_url: str, tmp_path: Path) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        "CREATE TABLE photos (id bigserial, year integer DEFAULT 2024, path text NOT NULL,"
        " embedding vector(8), created_at timestamp, updated_at timestamp, PRIMARY KEY (id, year))"
        " PARTITION BY LIST (year)",
        "CREATE TABLE photos_2024 PARTITION OF photos FOR VALUES IN (2024)",
    )
    schema.migrate(bare_database_url)
    add_stamped_photos(bare_database_url)
    generate(bare_database_url, k=3)
    execute(
        bare_database_url,
        "CREATE TABLE photos_2025 (LIKE photos INCLUDING ALL)",
        "INSERT INTO photos_2025 (id, year, path, cluster_id) VALUES (900, 2025, 'new', 1)",
        "ALTER TABLE photos ATTACH PARTITION photos_2025 FOR VALUES IN (2025)",
    )
    assert not check(bare_database_url).ok
    run_shell(block("Partitions", "sh"), tmp_path, DATABASE_URL=bare_database_url)
    execute(bare_database_url, "DELETE FROM photos_2025")
    assert check(bare_database_url).ok
