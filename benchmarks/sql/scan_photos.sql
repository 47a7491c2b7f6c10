-- Fetches every embedding once.
-- Returns: one row of no interest.
SELECT sum(vector_norm(embedding)) FROM usable_photos;
