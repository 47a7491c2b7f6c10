-- Adds to photos_count what triggers wrote down and could not add, since somebody had the cluster locked.
-- Returns: folded (one row, nothing in it).
SELECT fold_photo_counts() AS folded;
