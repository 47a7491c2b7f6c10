"""What is asked of the view usable_photos and of the table before a run begins."""

import pytest

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids

# A view over the photos, whether it is as migrate makes it, and whether it reads photos alone.
VIEWS = {
    "as it is": ("SELECT 1", True, True),
    "some": ("{} FROM photos WHERE id > 1", False, True),
    "of a scope": (
        "SELECT id, path, embedding, cluster_id, id % 2 AS scope FROM photos",
        False,
        True,
    ),
    "embeddings elsewhere": (
        "SELECT photos.id, path, own.embedding, cluster_id, NULL::bigint AS scope FROM photos"
        " INNER JOIN own ON photos.id = own.id",
        False,
        False,
    ),
    "who is not hidden": ("{} FROM photos WHERE id NOT IN (SELECT id FROM own)", False, False),
    "as of now": ("{} FROM photos WHERE created_at < now()", False, False),
    "of a function": ("{} FROM photos WHERE id > own_function()", False, False),
    "of one that never changes": ("{} FROM photos WHERE id > abs(-1)", False, True),
    "some at random": ("{} FROM photos WHERE random() < 0.5", False, False),
}
COLUMNS = "SELECT id, path, embedding, cluster_id, NULL::bigint AS scope"


def replace_view(session: Session, text: str) -> None:
    session.connection.execute("CREATE TABLE own AS SELECT id, embedding FROM photos LIMIT 0")
    session.connection.execute(
        "CREATE FUNCTION own_function() RETURNS bigint LANGUAGE sql"
        " RETURN (SELECT max(id) FROM own)"
    )
    if text != "SELECT 1":
        session.connection.execute(
            f"CREATE OR REPLACE VIEW usable_photos AS {text.format(COLUMNS)}".encode()
        )


@pytest.mark.parametrize("case", VIEWS)
def test_what_a_view_is_made_of_is_told(session: Session, case: str) -> None:
    text, as_made, reads_photos_alone = VIEWS[case]
    replace_view(session, text)
    assert session.fetch_all("survey/describe_view") == [
        {"as_made": as_made, "reads_photos_alone": reads_photos_alone}
    ]


def test_over_ids_that_may_be_there_twice_no_view_is_as_made(session: Session) -> None:
    session.connection.execute("ALTER TABLE photos DROP CONSTRAINT photos_pkey")
    [found] = session.fetch_all("survey/describe_view")
    assert found == {"as_made": False, "reads_photos_alone": True}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{} FROM photos", []),
        ("{} FROM photos WHERE id > 2", []),
        ("{} FROM photos UNION ALL {} FROM photos WHERE id = 2", [{"photo_id": 2, "times": 2}]),
        (
            "{} FROM photos CROSS JOIN generate_series(1, 3) AS n WHERE id = 1 OR n = 1",
            [{"photo_id": 1, "times": 3}],
        ),
    ],
)
def test_a_photo_that_is_shown_twice_is_found(
    session: Session, text: str, found: list[dict[str, int]]
) -> None:
    add_with_ids(session, {1: [1, 0], 2: [1, 0], 3: [1, 0]})
    session.connection.execute(
        f"CREATE OR REPLACE VIEW usable_photos AS {text.replace('{}', COLUMNS)}".encode()
    )
    assert session.fetch_all("survey/find_unsteady") == found


def test_so_is_one_that_is_shown_at_one_look_and_not_at_the_next(session: Session) -> None:
    add_with_ids(session, {i: [1, 0] for i in range(1, 101)})
    session.connection.execute(
        f"CREATE OR REPLACE VIEW usable_photos AS {COLUMNS} FROM photos ORDER BY random() LIMIT 50"
    )
    [found] = session.fetch_all("survey/find_unsteady")
    assert found["times"] <= 1


def test_indexes_on_embeddings_are_listed_by_name(session: Session) -> None:
    assert session.fetch_all("survey/list_vector_indexes") == []
    for statement in (
        "ALTER TABLE photos ALTER embedding TYPE vector(2)",
        "CREATE INDEX near ON photos USING hnsw (embedding vector_l2_ops)",
        "CREATE INDEX alike ON photos USING ivfflat (embedding vector_cosine_ops) WITH (lists = 1)",
        "CREATE INDEX paths ON photos USING hash (path)",
        "CREATE TABLE own AS TABLE photos",
        "CREATE INDEX own_near ON own USING hnsw (embedding vector_l2_ops)",
    ):
        with session.connection.transaction():
            session.connection.execute("DROP VIEW IF EXISTS usable_photos CASCADE")
            session.connection.execute(statement.encode())
    assert session.fetch_all("survey/list_vector_indexes") == [
        {"name": "alike", "method": "ivfflat"},
        {"name": "near", "method": "hnsw"},
    ]
