-- Forgets what old runs moved, what clusters were before them, and the steps of their training: those but the newest,
-- which can then no longer be undone. The runs themselves and their settings stay, and the quality and the levels of
-- the clusters that are theirs still.
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
),

steps AS ( -- noqa: ST03
    DELETE FROM cluster_run_steps
    WHERE run_id IN (SELECT old.id FROM old)
),

quality AS ( -- noqa: ST03
    DELETE FROM cluster_quality
    WHERE
        run_id IN (SELECT old.id FROM old)
        AND NOT EXISTS (
            SELECT FROM clusters
            WHERE clusters.id = cluster_quality.cluster_id AND clusters.run_id = cluster_quality.run_id
        )
),

levels AS ( -- noqa: ST03
    DELETE FROM cluster_levels
    WHERE
        run_id IN (SELECT old.id FROM old)
        AND NOT EXISTS (
            SELECT FROM clusters
            WHERE clusters.id = cluster_levels.cluster_id AND clusters.run_id = cluster_levels.run_id
        )
),

settled AS ( -- noqa: ST03
    DELETE FROM retired_clusters
    WHERE returned_by IN (SELECT old.id FROM old)
)

DELETE FROM cluster_run_moves
WHERE run_id IN (SELECT old.id FROM old);
