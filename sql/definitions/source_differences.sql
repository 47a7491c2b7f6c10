-- Only in an attached library: where its photos differ from the source, found in one pass. The body is text, looked up
-- when it runs, so nothing depends on the source.
DO $do$
DECLARE
    source record;
    keys text[];
    owner_type text;
BEGIN
    SELECT * INTO STRICT source FROM attached_source;
    keys := ARRAY(SELECT name FROM unnest(source.columns) AS listed (name) WHERE name LIKE 'key%');
    owner_type := source.types[array_position(source.columns, 'owner')];
    PERFORM set_config('check_function_bodies', 'off', TRUE);
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION source_differences(fingerprint_vector vector)'
        ' RETURNS TABLE (photo_id bigint, shown boolean, %s, path text, scope bigint, version text)'
        ' LANGUAGE sql STABLE SET search_path FROM CURRENT AS %L',
        (
            SELECT string_agg(name || ' ' || type, ', ')
            FROM unnest(source.columns, source.types) AS listed (name, type)
            WHERE name LIKE 'key%'
        ),
        format(
            $body$
                SELECT photo.id, source.shown IS TRUE, %1$s, source.path, source.scope, source.version
                FROM photos AS photo
                FULL JOIN (
                    SELECT TRUE AS shown, %1$s, %2$s AS path, %3$s AS scope, %4$s AS version
                    FROM (%5$s) AS source%6$s
                ) AS source ON %7$s
                WHERE
                    photo.id IS NULL
                    OR source.shown IS NULL
                    OR photo.path IS DISTINCT FROM source.path
                    OR photo.scope IS DISTINCT FROM source.scope
                    OR photo.source_version IS DISTINCT FROM source.version
            $body$,
            'source.' || array_to_string(keys, ', source.'),
            CASE WHEN 'path' = ANY (source.columns) THEN 'source.path::text' ELSE 'NULL::text' END,
            CASE
                WHEN owner_type IS NULL THEN 'NULL::bigint'
                WHEN owner_type IN ('bigint', 'integer', 'smallint') THEN 'source.owner::bigint'
                ELSE '(SELECT known.scope FROM source_owners AS known WHERE known.owner = source.owner::text)'
            END,
            CASE
                WHEN 'version' = ANY (source.columns) THEN 'source.version::text'
                ELSE '(fetched.embedding <#> subvector($1, 1, vector_dims(fetched.embedding)))::real::text'
            END,
            source.query,
            CASE
                WHEN 'version' = ANY (source.columns) THEN ''
                WHEN source.types[array_position(source.columns, 'embedding')] LIKE '%[]'
                    THEN
                        ' CROSS JOIN LATERAL unnest(ARRAY[CASE WHEN array_ndims(source.embedding) = 1'
                        ' AND cardinality(source.embedding) <= 16000 AND ''3.4028235e38'' >= ALL (source.embedding)'
                        ' AND ''-3.4028235e38'' <= ALL (source.embedding) THEN source.embedding::vector END])'
                        ' AS fetched (embedding)'
                ELSE ' CROSS JOIN LATERAL unnest(ARRAY[source.embedding::vector]) AS fetched (embedding)'
            END,
            (SELECT string_agg(format('photo.%1$s = source.%1$s', name), ' AND ') FROM unnest(keys) AS listed (name))
        )
    );
END
$do$;

COMMENT ON FUNCTION source_differences(vector) IS
'Photos of an attached library that are new (photo_id is null), gone (shown is false) or changed in its source. For runs of fluffy_sql.';
