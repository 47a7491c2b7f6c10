-- Lets names be looked up in our schema and in that of pgvector alone: an attached library has photos and clusters of
-- its own, whatever tables of these names an application has. Before these are made, in ours alone: pgvector may be in
-- the schema of such tables. After find_library, and again after make_tables.
-- Returns: home_of_others (where tables would be made), home, own_photos, search_path; one row.
SELECT
    set_config(
        'fluffy_sql.home_of_others',
        coalesce(nullif(current_setting('fluffy_sql.home_of_others', TRUE), ''), current_setting('fluffy_sql.home')),
        FALSE
    ) AS home_of_others,
    set_config('fluffy_sql.home', current_setting('fluffy_sql.schema'), FALSE) AS home,
    set_config('fluffy_sql.own_photos', '0', FALSE) AS own_photos,
    set_config(
        'search_path',
        concat_ws(
            ', ',
            quote_ident(current_setting('fluffy_sql.schema')),
            (
                SELECT quote_ident(pg_namespace.nspname)
                FROM pg_extension
                INNER JOIN pg_namespace ON pg_extension.extnamespace = pg_namespace.oid
                WHERE
                    pg_extension.extname = 'vector'
                    AND EXISTS (
                        SELECT FROM pg_class
                        INNER JOIN pg_namespace AS ours ON pg_class.relnamespace = ours.oid
                        WHERE ours.nspname = current_setting('fluffy_sql.schema') AND pg_class.relname = 'photos'
                    )
            ),
            'pg_temp'
        ),
        FALSE
    ) AS search_path;
