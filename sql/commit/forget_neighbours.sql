-- Forgets the neighbours of photos that a run that keeps neighbours did not find any of.
-- Returns: nothing; the row count is the photos.
DELETE FROM photo_neighbour_lists AS kept
WHERE
    NOT EXISTS (
        SELECT
        FROM work_neighbours AS found
        WHERE found.photo_id = kept.photo_id
    );
