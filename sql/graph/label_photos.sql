-- Gives the photos that were drawn the labels that were found for them.
-- Parameters: labels integer[] (by position, from 1; -1: left out, -2: not compared)
-- Returns: nothing; the row count is the photos.
UPDATE work_assignments
SET label = found.label
FROM work_drawn AS drawn
INNER JOIN unnest(%(labels)b::integer[]) WITH ORDINALITY AS found (label, position) ON drawn.position = found.position
WHERE work_assignments.photo_id = drawn.photo_id;
