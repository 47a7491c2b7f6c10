-- What set_assignments_aside does, where the work tables are distributed: rows that are deleted to be put elsewhere
-- would all be sent, so clear_assignments is to follow.
-- Parameters: add integer (to each label)
-- Returns: nothing; the row count is the photos.
INSERT INTO fluffy_sql_work.aside (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    label + %(add)s::integer AS label,
    distance,
    row_version,
    fingerprint
FROM fluffy_sql_work.assignments;
