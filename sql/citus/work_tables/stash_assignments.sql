-- What set_assignments_aside does, where the work tables are distributed: rows that are deleted to be put elsewhere
-- would all be sent, so empty is to follow.
-- Parameters: add integer (to each label)
-- Returns: nothing; the row count is the photos.
INSERT INTO work_aside (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    label + %(add)s::integer AS label,
    distance,
    row_version,
    fingerprint
FROM work_assignments;
