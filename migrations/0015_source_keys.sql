-- Which photo of an attached library has a key of its source, in a table of its own: a photo that moves into another
-- cluster is written anew, and an index on its key would be, too. Empty for all other libraries.
-- depends: 0014_photo_places

CREATE TABLE IF NOT EXISTS source_keys (photo_id bigint PRIMARY KEY);

COMMENT ON TABLE source_keys IS
'The photo of each key (key, key2, ...) of the source of an attached library; photo_of looks there.';
COMMENT ON COLUMN source_keys.photo_id IS 'The photo, if there still is one of this id.';

-- A library that was attached before has that index.
DO $$
DECLARE
    wanted record;
    keys text;
BEGIN
    IF to_regclass(format('%I.photos_key_idx', current_setting('fluffy_sql.schema'))) IS NULL THEN
        RETURN;
    END IF;
    FOR wanted IN
        SELECT column_name, column_type
        FROM attached_source CROSS JOIN unnest(columns, types) AS source (column_name, column_type)
        WHERE column_name LIKE 'key%'
    LOOP
        EXECUTE format('ALTER TABLE source_keys ADD COLUMN %I %s NOT NULL', wanted.column_name, wanted.column_type);
        EXECUTE format('COMMENT ON COLUMN source_keys.%I IS %L', wanted.column_name, 'What the source calls the photo.');
        keys := concat_ws(', ', keys, wanted.column_name);
    END LOOP;
    EXECUTE format('INSERT INTO source_keys (photo_id, %1$s) SELECT id, %1$s FROM photos ORDER BY id', keys);
    EXECUTE format('CREATE UNIQUE INDEX source_keys_key_idx ON source_keys (%s)', keys);
    ANALYZE source_keys;
    DROP INDEX photos_key_idx;
END
$$;
