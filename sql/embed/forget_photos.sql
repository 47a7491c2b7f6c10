-- Deletes photos whose file is gone.
-- Parameters: photo_ids bigint[]
-- Returns: nothing; it touches as many rows as photos were deleted.
DELETE FROM photos
WHERE id = ANY(%(photo_ids)s::bigint[]);
