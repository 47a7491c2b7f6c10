-- Forgets the photos of an attached library that changed in its source since the run began, or are not shown there any
-- more: that does not show in their rows. They are left for the next run.
-- Parameters: fingerprint_vector vector (as long as any embedding)
-- Returns: nothing; the row count is how many there were.
DELETE FROM work_assignments AS assignment
USING source_differences(%(fingerprint_vector)b::vector) AS other
WHERE assignment.photo_id = other.photo_id;
