-- Forgets which photos old runs moved; before commit/prune_moves, which forgets the rest of them.
-- Parameters: keep integer (how many runs that changed something to keep)
-- Returns: nothing; the row count is the photos.
WITH old AS MATERIALIZED (
    SELECT id
    FROM cluster_runs
    WHERE photos_moved IS NOT NULL
    ORDER BY id DESC
    OFFSET %(keep)s::integer
)

DELETE FROM cluster_run_photo_moves
WHERE run_id IN (SELECT old.id FROM old);
