-- Makes the type vector known, which the table needs before the migrations run.
-- Returns: nothing.
CREATE EXTENSION vector;
