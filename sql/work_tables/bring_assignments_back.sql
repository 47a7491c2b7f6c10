-- Puts what was set aside back into the run's work table.
-- Returns: nothing; the row count is the photos.
INSERT INTO fluffy_sql_work.assignments (photo_id, label, distance, row_version, fingerprint)
SELECT
    photo_id,
    label,
    distance,
    row_version,
    fingerprint
FROM fluffy_sql_work.aside;
