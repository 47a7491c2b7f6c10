-- What create_drawn does, for a table that is distributed by photo_id: Citus can keep a key only with that in it.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.drawn (
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    PRIMARY KEY (position, photo_id)
);
