-- Takes photos out of the run that got no label, since they can't be compared or changed meanwhile.
-- Returns: nothing; the row count is the photos.
DELETE FROM work_assignments
WHERE label < 0;
