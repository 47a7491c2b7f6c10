-- Keeps whole embeddings of up to 2,000 dimensions in the rows of the sample: as high a target as Postgres allows.
-- Returns: nothing.
ALTER TABLE fluffy_sql_work.sample SET (toast_tuple_target = 8160);
