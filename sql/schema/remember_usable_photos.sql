-- Keeps the view usable_photos as it is now, to be made again if somebody drops it.
-- Returns: one row, nothing in it.
SELECT remember_usable_photos() AS remembered;
