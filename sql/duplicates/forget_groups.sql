-- Forgets the groups that were found before; in the transaction that writes others.
-- Returns: nothing; the row count is the photos.
DELETE FROM photo_duplicates;
