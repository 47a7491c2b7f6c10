"""Libraries that are attached in a database where Citus is, too."""

from collections.abc import Callable

import psycopg
import pytest

from fluffy_sql import open_library
from fluffy_sql.errors import SchemaError

MADE = (
    "SELECT n AS id, ARRAY[mod(n, 5) + 0.1 * sin(n), mod(n, 7), 1]::real[]::vector AS embedding"
    " FROM generate_series(1, 300) AS n"
)


def test_a_table_that_citus_left_alone_is_attached_and_others_are_refused(
    citus_database: Callable[[], str],
) -> None:
    url = citus_database()
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("here", "everywhere", "spread"):
            connection.execute(f"CREATE TABLE {table} AS {MADE}")
            connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (id)")
        connection.execute("SELECT create_reference_table('everywhere')")
        connection.execute("SELECT create_distributed_table('spread', 'id')")
        connection.execute("CREATE VIEW looks AS SELECT * FROM spread")
    with open_library(url) as library:
        for table, read in {"everywhere": "everywhere", "looks": "spread"}.items():
            with pytest.raises(SchemaError, match=f"{table} reads {read}, which Citus keeps on"):
                library.attach(table, key="id", embedding="embedding")
        assert library.attach("here", key="id", embedding="embedding").photos == 300
        assert library.migrate().changed == ()
        assert library.generate(k=4).photos_processed == 300
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO here VALUES (301, '[1,1,1]')")
            connection.execute("DELETE FROM here WHERE id = 1")
        assert library.assign().photos_assigned == 1
        assert sum(cluster.photos_count or 0 for cluster in library.clusters()) == 300
        made = library.generate(k=5, recluster=True)
        assert made.run_id is not None
        library.undo_run(made.run_id)
        library.detach()
        library.migrate()
        library.detach(source=True)
