"""Every statement keeps to the rules of Citus, or has a form that does; no server is asked."""

import pytest

from fluffy_sql.postgres.statements import on_citus, statement, statement_names
from tests.citus_rules import broken_rules

# Statements that never run where photos are distributed: moves take several statements there, rows
# are not followed, see AssignmentTracker, each scope is clustered alone, see fit_scopes, and what
# goes by a graph is refused.
NEVER_THERE = {
    "commit/keep_neighbours",
    "commit/move_photos",
    "duplicates/write_groups",
    "graph/assign_cells",
    "graph/draw_by_cell",
    "graph/drop_copies",
    "graph/count_kept",
    "graph/draw_kept",
    "graph/fetch_kept",
    "graph/find_neighbours",
    "graph/find_pairs",
    "graph/forget_unlabelled",
    "graph/label_photos",
    "graph/note_photos",
    "graph/rank_candidates",
    "graph/sketch_rows",
    "kmeans/assign_photos_by_cell",
    "kmeans/assign_photos_by_scope",
    "kmeans/assign_sample",
    "kmeans/count_far_from_nearest",
    "kmeans/draw_scopes",
    "kmeans/find_labels",
    "kmeans/full_dimension_means_by_cell",
    "kmeans/lloyd_step_by_cell",
    "kmeans/lloyd_step_by_scope",
}
# What they send is small whatever the library.
SENDS_LITTLE = {"kmeans/find_range_bounds": "ids of the sample, without embeddings"}
RUN_THERE = sorted(
    {on_citus(name) for name in statement_names() if name not in NEVER_THERE | {*SENDS_LITTLE}}
)


def test_statements_keep_the_rules() -> None:
    broken = {name: broken_rules(statement(name).text) for name in RUN_THERE}
    assert {name: rules for name, rules in broken.items() if rules} == {}


@pytest.mark.parametrize("name", sorted({*SENDS_LITTLE}))
def test_an_exception_is_one(name: str) -> None:
    assert broken_rules(statement(name).text) != []


BROKEN = {
    "SELECT id FROM photos FOR UPDATE": "Citus locks no rows on several shards",
    "CREATE TABLE a AS SELECT id FROM photos": "CREATE TABLE AS",
    "TRUNCATE work_sample": "TRUNCATE",
    "UPDATE photos SET updated_at = clock_timestamp()": "must not be volatile",
    "INSERT INTO clusters (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = now()": "immutable",
    "DELETE FROM clusters AS c WHERE NOT EXISTS (SELECT FROM photos WHERE cluster_id = c.id)": (
        "let a CTE tell first"
    ),
    "WITH f AS (SELECT cluster_id FROM photos) DELETE FROM clusters"
    " WHERE id IN (SELECT cluster_id FROM f)": "clock_timestamp() keeps the CTE apart",
    "UPDATE photos SET path = s.path FROM pg_temp.stage AS s": "a table of the coordinator",
    "WITH m AS (UPDATE photos SET path = %(p)s::text RETURNING id) SELECT count(*) FROM m": (
        "rows that a CTE modifies"
    ),
    "SELECT c.id, (SELECT count(*) FROM photos WHERE cluster_id = c.id) FROM photos AS c": (
        "a subquery for each row"
    ),
    "SELECT label FROM work_measured GROUP BY GROUPING SETS ((label), ())": "GROUPING SETS",
    "SELECT sum(distance ORDER BY distance) FROM work_assignments": "that sorts",
    "SELECT count(*) FROM photos AS p JOIN work_sample AS s ON p.id = s.position": (
        "p, s are not joined by the ids of photos"
    ),
    "SELECT e <-> e FROM (SELECT l2_normalize(embedding) AS e FROM photos OFFSET 0) AS f": (
        "embeddings would leave"
    ),
    "WITH f AS (SELECT embedding FROM photos) SELECT avg(embedding) FROM f": (
        "embeddings would leave"
    ),
    "INSERT INTO clusters (centroid) SELECT embedding FROM photos": "embeddings would leave",
    "SELECT a FROM (SELECT array_agg(embedding) AS a FROM photos GROUP BY cluster_id) AS f": (
        "embeddings would leave"
    ),
    "WITH m AS (UPDATE clusters SET name = NULL) INSERT INTO cluster_runs SELECT FROM clusters": (
        "beside a CTE that modifies"
    ),
    "CREATE TRIGGER t AFTER INSERT ON photos FOR EACH ROW EXECUTE FUNCTION f()": "triggers",
}


@pytest.mark.parametrize(("text", "rule"), BROKEN.items())
def test_a_broken_rule_is_found(text: str, rule: str) -> None:
    assert rule in "; ".join(broken_rules(text))


KEPT = [
    # A CTE may call what an UPDATE or DELETE itself may not.
    "WITH f AS (SELECT cluster_id FROM photos WHERE clock_timestamp() IS NOT NULL)"
    " DELETE FROM clusters WHERE id IN (SELECT cluster_id FROM f)",
    # A fence of its own, beside the table.
    "SELECT count(*) FROM photos AS p CROSS JOIN LATERAL (SELECT l2_normalize(p.embedding) AS e"
    " LIMIT 1) AS f WHERE vector_norm(f.e) > 0",
    # Means of groups are small.
    "SELECT label, avg(embedding) FROM work_measured GROUP BY label",
    # Found by its key on the same shard.
    "SELECT count(*) FROM work_candidates AS c CROSS JOIN LATERAL"
    " (SELECT p.embedding AS e FROM photos AS p WHERE p.id = c.photo_id OFFSET 0) AS f",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_keeps_the_rules_is_let_be(text: str) -> None:
    assert broken_rules(text) == []
