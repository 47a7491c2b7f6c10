-- Draws the photos of some scopes whose neighbours are kept, those of a scope side by side, in the order in which they
-- were compared; what is kept of them is to stay.
-- Parameters: scopes bigint[], unscoped boolean (as in graph/note_photos)
-- Returns: scope, after_row (exclusive), last_row; in the order of the rows.
WITH kept AS MATERIALIZED (
    SELECT
        row_number() OVER (ORDER BY scope ASC NULLS FIRST, place ASC) AS position,
        photo_id,
        scope
    FROM photo_neighbour_lists
    WHERE scope = any(%(scopes)s::bigint[]) OR (scope IS NULL AND %(unscoped)s::boolean)
),

drawn AS (
    INSERT INTO work_drawn (position, photo_id, scope)
    SELECT
        position,
        photo_id,
        scope
    FROM kept
),

stay AS (
    INSERT INTO work_neighbours (photo_id)
    SELECT photo_id
    FROM kept
)

SELECT
    scope,
    min(position) - 1 AS after_row,
    max(position) AS last_row
FROM kept
GROUP BY scope
ORDER BY after_row;
