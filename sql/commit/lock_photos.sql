-- Keeps out sessions that truncate or change the table photos before clusters are locked: they count photos later.
-- LOCK would need the right to write to every column, and an UPDATE of nothing would fire triggers.
-- Returns: nothing.
SELECT FROM photos
WHERE FALSE
FOR NO KEY UPDATE;
