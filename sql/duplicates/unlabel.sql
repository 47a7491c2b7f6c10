-- Takes the labels of photos that were set aside, if an algorithm gave them some.
-- Returns: nothing; the row count is the photos.
DELETE FROM work_assignments
USING work_duplicates AS aside
WHERE work_assignments.photo_id = aside.photo_id;
