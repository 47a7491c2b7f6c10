-- Only in an attached library: its photos with what the source shows of them, looked up each time. The body is text, so
-- nothing depends on the source, which can be changed in any way; and Postgres puts the body in the place of the call,
-- so it costs no more than a view. (check_function_bodies: the source may be gone when this is made.)
-- If a name in it is gone, Postgres shows the body with its error: its first line says what to do.
-- A photo that the source does not show any more is not shown here either, whether or not a run has noticed.
-- What is not a vector is converted below a fence (OFFSET 0), once for each row; an array that can't be one, with a
-- null, a NaN or what is too large for a real in it, counts as no embedding.
DO $do$
DECLARE
    source record;
    place text := (SELECT quote_ident(nspname) FROM pg_extension INNER JOIN pg_namespace ON extnamespace = pg_namespace.oid
        WHERE extname = 'vector');
    embedding_type text;
    keys text[];
BEGIN
    SELECT * INTO STRICT source FROM attached_source;
    keys := ARRAY(SELECT name FROM unnest(source.columns) AS listed (name) WHERE name LIKE 'key%');
    embedding_type := source.types[array_position(source.columns, 'embedding')];
    PERFORM set_config('check_function_bodies', 'off', TRUE);
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION source_photos()'
        ' RETURNS TABLE (id bigint, path text, embedding vector, cluster_id bigint, scope bigint)'
        ' LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000 AS %L',
        format(
            E'-- %s, as it was attached; if that fails: fluffy-sql check\nSELECT photo.id, %s, %s, photo.cluster_id, %s\nFROM %I.photos AS photo\nINNER JOIN (\n%s\n) AS source ON %s%s',
            translate(source.name, E'\n\r', '  '),
            format('coalesce(photo.path, concat_ws(''/'', photo.%s))', array_to_string(keys, ', photo.')),
            CASE
                WHEN embedding_type ~ '(^|\.)vector$' THEN format('source.embedding::%s.vector', place)
                ELSE 'converted.embedding'
            END,
            -- without owners a constant: the planner takes "not distinct from null" for no rows
            CASE WHEN 'owner' = ANY (source.columns) THEN 'photo.scope' ELSE 'NULL::bigint' END,
            current_setting('fluffy_sql.schema'),
            source.query,
            (SELECT string_agg(format('photo.%1$s = source.%1$s', name), ' AND ') FROM unnest(keys) AS listed (name)),
            CASE
                WHEN embedding_type ~ '(^|\.)vector$' THEN ''
                WHEN embedding_type LIKE '%[]' THEN format(
                    E'\nCROSS JOIN LATERAL (SELECT CASE WHEN array_ndims(source.embedding) = 1'
                    ' AND cardinality(source.embedding) <= 16000 AND ''3.4028235e38'' >= ALL (source.embedding)'
                    ' AND ''-3.4028235e38'' <= ALL (source.embedding) THEN source.embedding::%s.vector END'
                    ' AS embedding OFFSET 0) AS converted',
                    place
                )
                ELSE format(
                    E'\nCROSS JOIN LATERAL (SELECT source.embedding::%s.vector AS embedding OFFSET 0) AS converted', place
                )
            END
        )
    );
END
$do$;

COMMENT ON FUNCTION source_photos() IS
'The photos of an attached library with the embeddings of its source; usable_photos shows them. Example: SELECT count(*) FROM source_photos();';
