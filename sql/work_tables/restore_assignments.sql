-- Puts what was set aside back into the run's work table.
-- Returns: nothing; the row count is the photos.
INSERT INTO work_assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    label,
    distance,
    row_version,
    fingerprint
FROM work_aside;
