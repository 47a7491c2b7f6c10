-- Drops the index of a run before.
-- Returns: nothing.
DROP INDEX IF EXISTS photos_embedding_idx;
