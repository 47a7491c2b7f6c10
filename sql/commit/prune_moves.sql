-- Forgets what old runs moved and what clusters were before them: those but the newest, which can then no longer be
-- undone. The runs themselves, their settings and quality stay.
-- Parameters: keep integer (how many runs that changed something to keep)
-- Returns: nothing; the row count is the rows deleted.
WITH old AS MATERIALIZED (
    SELECT id
    FROM cluster_runs
    WHERE photos_moved IS NOT NULL
    ORDER BY id DESC
    OFFSET %(keep)s::integer
),

forgotten AS ( -- noqa: ST03
    DELETE FROM cluster_run_clusters
    WHERE run_id IN (SELECT old.id FROM old)
)

DELETE FROM cluster_run_moves
WHERE run_id IN (SELECT old.id FROM old);
