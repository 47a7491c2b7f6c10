-- Reads the first rows that the SELECT of a source shows, while nothing is allowed but to read; note_query had that
-- text, after try_query. An embedding that can't be a vector fails here, before anything is made.
-- Returns: nothing; fluffy_sql.source_rows has the key and version of each.
DO $$
DECLARE
    shown json := current_setting('fluffy_sql.source_columns');
    rows text;
    embeddings bigint;
BEGIN
    PERFORM set_config('transaction_read_only', 'on', TRUE);
    EXECUTE format(
        'SELECT coalesce(json_agg(concat_ws(''/'', %s)), ''[]''), count(source.embedding%s)'
        ' FROM (SELECT * FROM (%s) AS shown LIMIT 100) AS source',
        (
            SELECT string_agg(format('source.%I::text', name), ', ')
            FROM json_object_keys(shown) AS listed (name)
            WHERE name LIKE 'key%' OR name = 'version'
        ),
        (
            SELECT format('::%s.vector', pg_extension.extnamespace::regnamespace)
            FROM pg_extension CROSS JOIN pg_type
            WHERE
                pg_extension.extname = 'vector'
                AND pg_type.oid = (shown ->> 'embedding')::oid
                AND pg_type.typcategory <> 'A'
        ),
        current_setting('fluffy_sql.source_query')
    ) INTO rows, embeddings;
    PERFORM set_config('fluffy_sql.source_rows', rows, TRUE);
END
$$;
