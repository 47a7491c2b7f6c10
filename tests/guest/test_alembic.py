"""Alembic's autogenerate on a migrated database proposes what the guide says, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.postgres import schema
from tests.guest.guide import added, blocks
from tests.guest.helpers import execute

alembic = pytest.importorskip("alembic")
sqlalchemy = pytest.importorskip("sqlalchemy")

TITLE = "SQLAlchemy and Alembic"
INDEXES_OF_OURS = {
    "photo_duplicates_group_id_idx",
    "retired_clusters_cluster_id_idx",
    "work_drawn_photo_id_idx",
    "cluster_run_moves_run_id_idx",
}
# Our tables have columns of types that SQLAlchemy does not know.
pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type")


@pytest.fixture
def engine(bare_database_url: str) -> Iterator[Any]:
    execute(bare_database_url, "CREATE EXTENSION vector")
    parts: dict[str, Any] = dict(conninfo_to_dict(bare_database_url))
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg",
            username=parts.get("user"),
            password=parts.get("password"),
            database=parts["dbname"],
            query={key: str(parts[key]) for key in ("host", "port") if key in parts},
        )
    )
    yield engine
    engine.dispose()


def as_written(*, clusters: bool) -> Any:
    """Models as an application had them before."""
    from pgvector.sqlalchemy import Vector

    metadata = sqlalchemy.MetaData()
    sqlalchemy.Table(
        "photos",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.BigInteger, primary_key=True),
        sqlalchemy.Column("path", sqlalchemy.Text, nullable=False, comment="where it lies"),
        sqlalchemy.Column("embedding", Vector(8)),
        sqlalchemy.Column("updated_at", sqlalchemy.DateTime, server_default=sqlalchemy.func.now()),
    )
    if clusters:
        sqlalchemy.Table(
            "clusters",
            metadata,
            sqlalchemy.Column("id", sqlalchemy.BigInteger, primary_key=True),
            sqlalchemy.Column("name", sqlalchemy.Text, index=True),
            comment="themes",
        )
    return metadata


def of_the_guide() -> Any:
    """The model that the guide shows, with columns of ours."""
    from pgvector.sqlalchemy import Vector
    from sqlalchemy import BigInteger, ForeignKey, Index, Text, orm

    class Base(orm.DeclarativeBase):
        pass

    class Cluster(Base):
        __tablename__ = "clusters"
        id = orm.mapped_column(BigInteger, primary_key=True)

    names = {
        "Any": Any,
        "Base": Base,
        "BigInteger": BigInteger,
        "ForeignKey": ForeignKey,
        "Index": Index,
        "Mapped": orm.Mapped,
        "Text": Text,
        "Vector": Vector,
        "mapped_column": orm.mapped_column,
    }
    run(blocks(TITLE, "python")[1], names)
    return Base.metadata


def run(written: str, names: dict[str, Any]) -> None:
    exec(compile(written, "the guide", "exec", dont_inherit=True), names)  # noqa: S102 - ours


def env_of_the_guide() -> dict[str, Any]:
    names: dict[str, Any] = {}
    run(blocks(TITLE, "python")[0], names)
    return {key: names[key] for key in ("include_name", "include_object")}


def proposals(engine: Any, metadata: Any, **options: Any) -> set[tuple[str, str]]:
    """What autogenerate would do, and to what."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, **options}
        )
        found: set[tuple[str, str]] = set()
        for proposed in compare_metadata(context, metadata):
            for one in proposed if isinstance(proposed, list) else [proposed]:
                what, *of = one
                named = next((part for part in reversed(of) if hasattr(part, "name")), of[-1])
                found.add((what, getattr(named, "name", str(named))))
        return found


@pytest.mark.parametrize(("clusters", "include_schemas"), [(False, False), (True, True)])
def test_with_the_guide_s_env_nothing_of_ours_is_proposed(
    clusters: bool, include_schemas: bool, engine: Any, bare_database_url: str
) -> None:
    metadata = as_written(clusters=clusters)
    metadata.create_all(engine)
    schema.migrate(bare_database_url)
    options = {"include_schemas": include_schemas, **env_of_the_guide()}
    assert proposals(engine, metadata, **options) == set()
    # and what is the application's is proposed as ever
    sqlalchemy.Table("albums", metadata, sqlalchemy.Column("id", sqlalchemy.Integer))
    metadata.tables["photos"].append_column(sqlalchemy.Column("title", sqlalchemy.Text))
    execute(bare_database_url, "ALTER TABLE photos ADD COLUMN old text")
    assert proposals(engine, metadata, **options) == {
        ("add_table", "albums"),
        ("add_column", "title"),
        ("remove_column", "old"),
    }


@pytest.mark.parametrize(("clusters", "include_schemas"), [(True, False), (False, True)])
def test_without_it_what_the_guide_lists_is_proposed(
    clusters: bool, include_schemas: bool, engine: Any, bare_database_url: str
) -> None:
    metadata = as_written(clusters=clusters)
    metadata.create_all(engine)
    schema.migrate(bare_database_url)
    found = proposals(engine, metadata, include_schemas=include_schemas)
    of_ours = {*schema._tables(), "migrations", "migrations_log", "migrations_version"}
    named = {name for _, name in found if name not in of_ours and name not in INDEXES_OF_OURS}
    of_clusters = added("clusters") - {"name"} if clusters else {"clusters", "clusters_run_id_idx"}
    assert named == of_clusters | added("photos") - {"embedding", "updated_at"}
    assert {kind for kind, _ in found} <= {
        "remove_column",
        "remove_fk",
        "remove_index",
        "remove_table",
    }
    assert (of_ours <= {name for _, name in found}) == include_schemas


def test_a_model_may_have_columns_of_ours(engine: Any, bare_database_url: str) -> None:
    execute(
        bare_database_url,
        "CREATE TABLE clusters (id bigserial PRIMARY KEY)",
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path text NOT NULL, embedding vector(8))",
    )
    schema.migrate(bare_database_url)
    assert proposals(engine, of_the_guide(), **env_of_the_guide()) == set()


def test_what_a_migration_takes_the_comments_from_is_ours_all_the_same(
    engine: Any, bare_database_url: str
) -> None:
    """Without the guide's env, models with columns of ours have Alembic drop the comments."""
    as_written(clusters=False).create_all(engine)
    schema.migrate(bare_database_url)
    execute(
        bare_database_url,
        "COMMENT ON COLUMN photos.cluster_id IS NULL",
        "COMMENT ON TABLE clusters IS NULL",
        "COMMENT ON COLUMN clusters.photos_count IS NULL",
    )
    assert schema.migrate(bare_database_url).counter_cache.kept_by == "triggers"
    execute(bare_database_url, "COMMENT ON TABLE clusters IS 'themes'")
    schema.uninstall(bare_database_url)
    with engine.connect() as connection:
        found = sqlalchemy.inspect(connection)
        assert found.get_table_names() == ["photos"]
        assert [column["name"] for column in found.get_columns("photos")] == [
            "id",
            "path",
            "embedding",
            "updated_at",
        ]
