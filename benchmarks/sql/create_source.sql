-- Makes a table of an application's with the photos, for a library to be attached to.
-- Parameters: table_name text
-- Returns: nothing.
DO $do$
DECLARE
    source text := 'public.' || quote_ident(%(table_name)s);
BEGIN
    EXECUTE 'CREATE TABLE ' || source || ' AS SELECT id AS picture_id, embedding FROM photos';
    EXECUTE 'ALTER TABLE ' || source || ' ADD PRIMARY KEY (picture_id)';
END
$do$;
