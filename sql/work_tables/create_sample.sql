-- The rows that a run trains on: drawn photos, each as its coordinates in the main directions and what is left of it.
-- A position of fluffy_sql_work.drawn is missing where its photo can't be used.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.sample (
    position bigint PRIMARY KEY,
    photo_id bigint NOT NULL,
    embedding vector NOT NULL
);
