-- Keeps whoever truncates photos, or changes the table, out before clusters are locked: he counts photos afterwards.
-- LOCK would need the right to write to every column, and an UPDATE of nothing would fire triggers.
-- Returns: nothing.
SELECT FROM photos
WHERE FALSE
FOR NO KEY UPDATE;
