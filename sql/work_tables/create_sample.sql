-- The rows that a run trains on, in an order drawn from its seed: the first n are a sample of n.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_sample (
    position bigint PRIMARY KEY,
    photo_id bigint NOT NULL,
    embedding vector NOT NULL
);
