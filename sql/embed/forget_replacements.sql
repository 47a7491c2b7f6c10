-- Empties the table of new embeddings.
-- Returns: nothing.
DELETE FROM photo_replacements;
