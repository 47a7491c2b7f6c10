-- Gives the photos of an attached library the columns that it needs beside those of every library: the key of the
-- source, in its own type, the scope, and what tells that the source's row changed. Types are of the server alone, so
-- nothing depends on the application's. Keys are looked up in source_keys: an index here would be written anew with
-- each photo that moves, which took a third of the time of the final transaction under a uuid.
-- Returns: nothing.
DO $$
DECLARE
    wanted record;
    keyed text;
    keys text;
BEGIN
    FOR wanted IN
        SELECT column_name, column_type
        FROM attached_source CROSS JOIN unnest(columns, types) AS source (column_name, column_type)
        WHERE column_name LIKE 'key%'
    LOOP
        FOREACH keyed IN ARRAY ARRAY['photos', 'source_keys'] LOOP
            EXECUTE format('ALTER TABLE %I ADD COLUMN %I %s NOT NULL', keyed, wanted.column_name, wanted.column_type);
            EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', keyed, wanted.column_name, 'What the source calls the photo.');
        END LOOP;
        keys := concat_ws(', ', keys, wanted.column_name);
    END LOOP;
    ALTER TABLE photos ADD COLUMN scope bigint, ADD COLUMN source_version text;
    EXECUTE format('CREATE UNIQUE INDEX source_keys_key_idx ON source_keys (%s)', keys);
    COMMENT ON COLUMN photos.path IS 'Where the photo lies, as the source says. Null: it does not.';
    COMMENT ON COLUMN photos.embedding IS 'Not used: embeddings stay in the source, and usable_photos shows them.';
    COMMENT ON COLUMN photos.scope IS 'Whose the photo is. Null: unscoped.';
    COMMENT ON COLUMN photos.source_version IS
        'The version column of the source, or a number that another embedding would not have, when it was last looked at.';
END
$$;
