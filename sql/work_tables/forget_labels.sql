-- Forgets the photos of some labels, whose scopes are clustered once more.
-- Parameters: labels integer[]
-- Returns: nothing; the row count is the photos.
DELETE FROM work_assignments
WHERE label = any(%(labels)s::integer[]);
