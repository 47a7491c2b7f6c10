-- Puts what was assigned aside, under labels that no other scope has; work_assignments is to be emptied then.
-- Parameters: add integer (to each label from 0 up)
-- Returns: nothing; the row count is the photos.
INSERT INTO work_aside (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    CASE WHEN label < 0 THEN label ELSE label + %(add)s::integer END AS label,
    distance,
    row_version,
    fingerprint
FROM work_assignments;
