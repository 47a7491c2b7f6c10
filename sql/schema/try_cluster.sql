-- Makes two clusters as a run does, for the caller to roll back: constraints and triggers of an application's table are
-- known only to Postgres. No sequence moves. A scope that must not be null is that of some photo or owner; if there is
-- none, nothing is tried.
-- Returns: nothing.
DO $$
DECLARE
    clusters regclass := to_regclass('clusters');
    owner_column record;
    owner_name text;
    owner_id bigint;
    dimensions integer := (
        SELECT nullif(atttypmod, -1) FROM pg_attribute
        WHERE attrelid = to_regclass('clusters') AND attname = 'centroid' AND NOT attisdropped
    );
    made bigint;
BEGIN
    IF clusters IS NULL THEN
        RETURN;
    END IF;
    FOR owner_column IN
        SELECT
            quote_ident(attname) AS name,
            coalesce(
                (
                    SELECT format('SELECT %I FROM %s LIMIT 1', key.attname, confrelid::regclass)
                    FROM pg_constraint INNER JOIN pg_attribute AS key ON confrelid = key.attrelid AND confkey[1] = key.attnum
                    WHERE conrelid = clusters AND contype = 'f' AND conkey = ARRAY[missing.attnum]
                ),
                format('SELECT %I FROM photos WHERE %1$I IS NOT NULL LIMIT 1', attname)
            ) AS question
        FROM pg_attribute AS missing
        WHERE
            attrelid = clusters
            AND attnum > 0
            AND attnotnull
            AND NOT atthasdef
            AND NOT attisdropped
            AND attidentity = ''
            AND attname NOT IN ('id', 'status', 'photos_count', 'centroid', 'run_id', 'created_at', 'updated_at')
    LOOP
        IF owner_name IS NOT NULL THEN
            RETURN;
        END IF;
        owner_name := owner_column.name;
        EXECUTE owner_column.question INTO owner_id;
        IF owner_id IS NULL THEN
            RETURN;
        END IF;
    END LOOP;
    EXECUTE (
        SELECT format(
            'WITH made AS ('
            'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s'
            ' FROM (SELECT coalesce(max(id), 0) AS id FROM %1$s) AS last'
            ' CROSS JOIN generate_series(1, 2) AS place RETURNING 1)'
            ' SELECT count(*) FROM made',
            clusters,
            string_agg(quote_ident(attname), ', ' ORDER BY attnum),
            string_agg(
                CASE
                    WHEN attname = 'id' THEN 'last.id + place'
                    WHEN attname IN ('status', 'photos_count', 'run_id') THEN '0'
                    WHEN attname IN ('created_at', 'updated_at') THEN 'now()'
                    WHEN attname = 'centroid'
                        THEN format('array_fill(1, ARRAY[%s])::vector', coalesce(dimensions, 1))
                    ELSE owner_id::text
                END,
                ', ' ORDER BY attnum
            )
        )
        FROM pg_attribute
        WHERE
            attrelid = clusters
            AND NOT attisdropped
            AND (
                attname IN ('id', 'status', 'photos_count', 'centroid', 'run_id', 'created_at', 'updated_at')
                OR quote_ident(attname) = owner_name
            )
    ) INTO made;
    IF made <> 2 THEN
        RAISE EXCEPTION 'a rule or trigger of clusters keeps new rows out';
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
END
$$;
