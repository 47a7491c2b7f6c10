-- What create_sample does, for a table that is distributed by photo_id: Citus can keep a key only with that in it.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.sample (
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    embedding vector NOT NULL,
    PRIMARY KEY (position, photo_id)
);
