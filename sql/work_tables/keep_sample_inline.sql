-- Keeps the sample's embeddings in their rows, so that no step has to fetch one; a row must then fit a page.
-- Returns: nothing.
ALTER TABLE fluffy_sql_work.sample ALTER COLUMN embedding SET STORAGE PLAIN;
