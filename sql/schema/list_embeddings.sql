-- Tables of others that hold embeddings, if there is no table photos: what somebody who migrates may have meant.
-- Returns: name, attach text[] (the arguments that attach it); in order.
SELECT
    quote_ident(place.nspname) || '.' || quote_ident(found.relname) AS name,
    CASE
        WHEN found.relname = 'smart_search' THEN ARRAY['--preset', 'immich']
        WHEN found.relname = 'langchain_pg_embedding' THEN ARRAY['--preset', 'langchain']
        WHEN found.relname = 'api_photo' THEN ARRAY['--preset', 'librephotos']
        ELSE
            ARRAY[
                '--table',
                CASE WHEN pg_table_is_visible(found.oid) THEN '' ELSE place.nspname || '.' END || found.relname
            ]
            || coalesce(
                (
                    SELECT array_agg(argument ORDER BY array_position(key.conkey, part.attnum), listed.place)
                    FROM pg_constraint AS key
                    INNER JOIN pg_attribute AS part ON key.conrelid = part.attrelid AND part.attnum = any(key.conkey)
                    CROSS JOIN
                        unnest(ARRAY['--key', part.attname::text]) WITH ORDINALITY AS listed (argument, place)
                    WHERE key.conrelid = found.oid AND key.contype = 'p'
                ),
                ARRAY['--key', 'KEY']
            )
            || ARRAY['--embedding', of_embedding.attname::text]
    END AS attach
FROM pg_attribute AS of_embedding
INNER JOIN pg_class AS found ON of_embedding.attrelid = found.oid
INNER JOIN pg_namespace AS place ON found.relnamespace = place.oid
INNER JOIN pg_type AS type ON of_embedding.atttypid = type.oid
LEFT JOIN pg_extension AS extension ON extension.extname = 'vector'
WHERE
    to_regclass('photos') IS NULL
    AND found.relkind IN ('r', 'p')
    AND NOT found.relispartition
    AND NOT of_embedding.attisdropped
    AND (
        (type.typnamespace = extension.extnamespace AND type.typname IN ('vector', 'halfvec', 'sparsevec'))
        OR (
            type.oid IN ('real[]'::regtype, 'double precision[]'::regtype)
            AND (of_embedding.attname LIKE '%embedding%' OR of_embedding.attname LIKE '%clip%')
        )
    )
    AND NOT starts_with(place.nspname, 'pg_')
    AND coalesce(obj_description(found.oid, 'pg_class') NOT LIKE '%Made by fluffy_sql.', TRUE)
    AND coalesce(
        col_description(of_embedding.attrelid, of_embedding.attnum) NOT LIKE '%Made by fluffy_sql.', TRUE
    )
    AND has_schema_privilege(place.oid, 'USAGE')
    -- neither our schema nor another library's, nor the photos of one
    AND NOT EXISTS (
        SELECT FROM pg_class AS known
        WHERE known.relnamespace = place.oid AND known.relname = 'application_tables'
    )
    AND found.relname NOT IN ('photos', 'clusters')
ORDER BY name;
