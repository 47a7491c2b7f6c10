-- Builds the index, whose lists are the clusters of a k-means over a sample.
-- Parameters: lists integer
-- Returns: nothing.
CREATE INDEX photos_embedding_idx ON photos USING ivfflat (embedding vector_l2_ops) WITH (lists = %(lists)s);
