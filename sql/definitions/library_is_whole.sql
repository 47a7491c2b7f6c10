-- Asked by every function that a trigger of an application's table calls: a statement of the application never fails
-- because somebody renamed or dropped what these functions use. It is called by functions that act as their owner, so
-- its names are pinned as theirs are: see count_photos.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION library_is_whole() RETURNS boolean
        LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
        AS $function$
        BEGIN
            RETURN to_regclass(%2$L) IS NOT NULL
                AND to_regclass(%3$L) IS NOT NULL
                AND (
                    SELECT count(*) = 10
                    FROM pg_attribute
                    WHERE NOT attisdropped
                        AND (
                            -- somebody may have made one with fewer columns
                            (
                                attrelid = to_regclass(%1$L)
                                AND attname IN ('id', 'embedding', 'cluster_id', 'scope')
                            )
                            OR (
                                attrelid = to_regclass(%4$L)
                                AND attname IN ('id', 'cluster_id', 'cluster_pinned', 'updated_at')
                            )
                            OR (attrelid = to_regclass(%5$L) AND attname IN ('id', 'photos_count'))
                        )
                );
        END
        $function$
    $create$,
        format('%I.usable_photos', current_setting('fluffy_sql.schema')),
        format('%I.scoped_clusters', current_setting('fluffy_sql.schema')),
        format('%I.photo_count_changes', current_setting('fluffy_sql.schema')),
        application_table('photos'),
        application_table('clusters')
    );
END
$do$;

COMMENT ON FUNCTION library_is_whole() IS
'Whether all is there that triggers of fluffy_sql use: not if a column was renamed, or after fluffy-sql detach. Then they do nothing. Example: SELECT library_is_whole();';
