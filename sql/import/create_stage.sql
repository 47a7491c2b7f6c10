-- Creates the table an import or an embed fills before it touches photos; it is gone when the transaction ends. What
-- follows embedding is known of the file of a photo, by embed alone; only there an embedding may be missing.
--   toast_tuple_target: as high as Postgres allows, which keeps vectors of up to 2,000 dimensions
--   inside their row and makes COPY twice as fast.
-- Returns: nothing.
CREATE TEMPORARY TABLE photo_import (
    row_number bigint NOT NULL,
    line_number bigint,
    photo_path text NOT NULL,
    embedding vector,
    bytes bigint,
    modified double precision,
    hash bytea,
    width integer,
    height integer,
    taken_at timestamp,
    latitude double precision,
    longitude double precision,
    reason text
) WITH (toast_tuple_target = 8160) ON COMMIT DROP;
