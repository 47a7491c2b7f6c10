-- Forgets the files of photos that were deleted, here or by an application.
-- Returns: nothing; it touches as many rows as photos were deleted.
DELETE FROM photo_files
WHERE
    NOT EXISTS (
        SELECT FROM photos
        WHERE photos.id = photo_files.photo_id
    );
