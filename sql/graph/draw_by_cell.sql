-- Puts the photos that were assigned to cells in order: scope after scope, those of a cell side by side and by their
-- ids.
-- Returns: scope, after_row (exclusive), last_row, label (of the cell); in the order of the rows.
WITH drawn AS (
    INSERT INTO work_drawn (position, photo_id, scope)
    SELECT
        row_number() OVER (
            ORDER BY usable.scope ASC NULLS FIRST, assigned.label ASC, assigned.photo_id ASC
        ) AS position,
        assigned.photo_id,
        usable.scope::bigint AS scope
    FROM work_assignments AS assigned
    INNER JOIN usable_photos AS usable ON assigned.photo_id = usable.id
    RETURNING position, photo_id, scope
)

SELECT
    drawn.scope,
    min(drawn.position) - 1 AS after_row,
    max(drawn.position) AS last_row,
    assigned.label
FROM drawn
INNER JOIN work_assignments AS assigned ON drawn.photo_id = assigned.photo_id
GROUP BY drawn.scope, assigned.label
ORDER BY after_row;
