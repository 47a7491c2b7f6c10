-- Draws photos by a hash of id and seed: the same ones on every run, whatever the order of the rows on disk. Only ids:
-- no embedding is fetched. Photos that go where another one goes are not drawn (clustering.duplicates: once).
-- Parameters: seed bigint, scope bigint (null: unscoped), clustered boolean (also those in a cluster),
--   sample_size bigint
-- Returns: nothing; the row count is the photos drawn.
INSERT INTO work_drawn (position, photo_id)
SELECT
    row_number() OVER (ORDER BY drawn.draw, drawn.id) AS position,
    drawn.id AS photo_id
FROM (
    SELECT
        id::bigint AS id,
        hashint8extended(id::bigint, %(seed)s::bigint) AS draw
    FROM usable_photos AS usable
    WHERE
        scope IS NOT DISTINCT FROM %(scope)s::bigint
        AND (%(clustered)s::boolean OR cluster_id IS NULL)
        AND embedding IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM work_duplicates AS aside
            WHERE aside.photo_id = usable.id
        )
    ORDER BY draw, id
    LIMIT %(sample_size)s::bigint
) AS drawn
ORDER BY position;
