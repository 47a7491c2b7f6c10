-- Puts what was assigned aside, under labels that no other scope has.
-- Parameters: add integer (to each label)
-- Returns: nothing; the row count is the photos.
WITH done AS (
    DELETE FROM work_assignments
    RETURNING photo_id, label, distance, row_version, fingerprint
)

INSERT INTO work_aside (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    label + %(add)s::integer AS label,
    distance,
    row_version,
    fingerprint
FROM done;
