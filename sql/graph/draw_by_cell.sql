-- Puts the photos that were assigned to cells in order, those of a cell side by side and by their ids.
-- Returns: after_row (exclusive), last_row, label (of the cell); in the order of the rows.
WITH drawn AS (
    INSERT INTO work_drawn (position, photo_id)
    SELECT
        row_number() OVER (ORDER BY label, photo_id) AS position,
        photo_id
    FROM work_assignments
    RETURNING position, photo_id
)

SELECT
    min(drawn.position) - 1 AS after_row,
    max(drawn.position) AS last_row,
    assigned.label
FROM drawn
INNER JOIN work_assignments AS assigned ON drawn.photo_id = assigned.photo_id
GROUP BY assigned.label
ORDER BY after_row;
