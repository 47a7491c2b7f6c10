-- Takes photos out of the run that got no label, since they can't be compared or changed meanwhile. Those that were
-- left out on purpose (-1) stay.
-- Returns: nothing; the row count is the photos.
DELETE FROM work_assignments
WHERE label < -1;
