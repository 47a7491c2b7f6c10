"""Indexes on embeddings make the final transaction long: runs name them, before and if it fails."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from fluffy_sql.postgres import schema
from tests.conftest import Finished
from tests.guest.catalog import add_stamped_photos
from tests.guest.helpers import Run, execute, succeeds

HNSW = "CREATE INDEX near ON photos USING hnsw (embedding vector_cosine_ops)"
IVFFLAT = (
    'CREATE INDEX "Alike" ON photos USING ivfflat ((embedding::halfvec(8)) halfvec_l2_ops)'
    " WITH (lists = 1)"
)
SLOW = (
    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END$$",
    "CREATE TRIGGER wait AFTER UPDATE ON photos EXECUTE FUNCTION wait()",
)
WARNED = "The final transaction has to write {} for each photo, and holds its locks some 10 times"


@pytest.fixture(scope="module")
def made(empty_database: Callable[..., Any]) -> Iterator[str]:
    with empty_database() as url:
        execute(
            url,
            "CREATE EXTENSION vector",
            "CREATE TABLE photos (id bigserial PRIMARY KEY, path text, embedding vector(8))",
        )
        schema.migrate(url)
        add_stamped_photos(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(empty_database: Callable[..., Any], made: str) -> Iterator[str]:
    with empty_database(made) as url:
        yield url


def said(finished: Finished) -> str:
    """Progress is wrapped as wide as the terminal is."""
    return " ".join(finished.err.split())


@pytest.mark.parametrize(
    ("indexes", "names"),
    [
        ([HNSW], ["near"]),
        ([IVFFLAT], ['"Alike"']),
        ([HNSW, IVFFLAT], ['"Alike"', "near"]),
        (["CREATE INDEX newest ON photos (created_at)"], []),
        (
            [
                "CREATE TABLE vectors AS SELECT id, embedding FROM photos",
                HNSW.replace("near ON photos", "elsewhere ON vectors"),
            ],
            [],
        ),
    ],
)
def test_runs_name_them_before_they_train(
    indexes: list[str], names: list[str], url: str, run_cli: Run
) -> None:
    execute(url, *indexes)
    for command in (
        ["generate", "--k", "3"],
        ["generate", "--recluster", "--k", "2"],
        ["generate", "--recluster", "--k", "2", "--dry-run"],
        ["assign"],
    ):
        if command == ["assign"]:
            execute(url, "UPDATE photos SET cluster_id = NULL WHERE id = 1")
        ran = run_cli(*command, "--json", "--database-url", url)
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["vector_indexes"] == names
        warned = WARNED.format(", ".join(names)) in said(ran)
        assert warned == bool(names)
        if warned:
            assert said(ran).index("has to write") < said(ran).index(
                "commit" if "generate" in command else "assign"
            )


def test_if_locks_are_held_too_long_the_message_names_them(url: str, run_cli: Run) -> None:
    execute(url, HNSW, *SLOW)
    Path("image_embed.yml").write_text("clustering:\n  lock_hold: 0.3\n", encoding="utf-8")
    for command in (["generate", "--k", "3"], ["assign"]):
        refused = run_cli(*command, "--database-url", url)
        assert refused.code == 1
        assert said(refused).endswith(
            "(clustering.lock_hold), and nothing was written: it has to write near for each photo:"
            " allow more, or drop that before and make it again afterwards"
            " (docs/guides/operations.md)"
        )
        execute(
            url, "INSERT INTO clusters (centroid) SELECT embedding FROM photos WHERE id IN (1, 2)"
        )


def test_those_of_partitions_are_named_once_each(bare_database_url: str, run_cli: Run) -> None:
    execute(
        bare_database_url,
        "CREATE EXTENSION vector",
        "CREATE TABLE photos (id bigserial PRIMARY KEY, path text, embedding vector(8))"
        " PARTITION BY HASH (id)",
        "CREATE TABLE photos_0 PARTITION OF photos FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE photos_1 PARTITION OF photos FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        HNSW,
    )
    schema.migrate(bare_database_url)
    add_stamped_photos(bare_database_url)
    ran = succeeds(run_cli, bare_database_url, "generate", "--k", "3", "--json")
    assert json.loads(ran)["vector_indexes"] == ["photos_0_embedding_idx", "photos_1_embedding_idx"]
