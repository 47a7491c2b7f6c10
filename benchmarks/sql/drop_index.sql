-- Drops the index on embeddings of a run before.
-- Returns: nothing.
DROP INDEX IF EXISTS photos_embedding_idx;
