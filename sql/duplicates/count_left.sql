-- Counts the photos that were set aside and get no cluster, since the best of their group gets none.
-- Returns: photos bigint.
SELECT count(*) AS photos
FROM work_duplicates AS aside
LEFT JOIN work_assignments AS best ON aside.best_id = best.photo_id
WHERE best.photo_id IS NULL OR best.label < 0;
