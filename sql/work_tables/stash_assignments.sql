-- Puts what was assigned aside, under labels that no other scope has; work_assignments is to be emptied then.
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
