-- In which cell each row of the sample lies: found once, and looked at in every step.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_work.sample_cells (
    position bigint PRIMARY KEY,
    cell integer NOT NULL
);
