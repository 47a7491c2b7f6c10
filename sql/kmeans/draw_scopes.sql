-- Draws all photos of some scopes, those of a scope side by side and in an order of their own hash: the same on every
-- run, whatever the order of the rows on disk.
-- Parameters: seed bigint, scopes bigint[], unscoped boolean (also those without a scope), clustered boolean (also
--   those
--   in a cluster)
-- Returns: scope, after_row (exclusive), last_row; in the order of the rows.
WITH drawn AS (
    INSERT INTO work_drawn (position, photo_id, scope)
    SELECT
        row_number() OVER (ORDER BY photo.scope ASC NULLS FIRST, photo.draw ASC, photo.id ASC) AS position,
        photo.id AS photo_id,
        photo.scope
    FROM (
        SELECT
            id::bigint AS id,
            scope::bigint AS scope,
            hashint8extended(id::bigint, %(seed)s::bigint) AS draw
        FROM usable_photos AS usable
        WHERE
            (scope = any(%(scopes)s::bigint[]) OR (scope IS NULL AND %(unscoped)s::boolean))
            AND (%(clustered)s::boolean OR cluster_id IS NULL)
            AND embedding IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM work_duplicates AS aside
                WHERE aside.photo_id = usable.id
            )
    ) AS photo
    RETURNING position, scope
)

SELECT
    scope,
    min(position) - 1 AS after_row,
    max(position) AS last_row
FROM drawn
GROUP BY scope
ORDER BY last_row;
