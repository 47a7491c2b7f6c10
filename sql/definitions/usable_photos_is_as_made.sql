-- Whether usable_photos is the view that migrate makes, told by its text: guard_photos asks it. Names are pinned as in
-- count_photos, and the text is written as in remember_usable_photos.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION usable_photos_is_as_made() RETURNS boolean
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            written text;
        BEGIN
            PERFORM pg_catalog.set_config('search_path', %3$L, TRUE);
            written := pg_catalog.pg_get_viewdef(pg_catalog.to_regclass(%2$L));
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', TRUE);
            RETURN (SELECT rtrim(written, ';') = rtrim(default_usable_photos, ';') FROM %1$I.definitions);
        END
        $function$
    $create$,
        current_setting('fluffy_sql.schema'),
        format('%I.usable_photos', current_setting('fluffy_sql.schema')),
        current_setting('search_path')
    );
END
$do$;

COMMENT ON FUNCTION usable_photos_is_as_made() IS
'Whether the view usable_photos is as migrate makes it, so that every photo is usable and none has a scope. Example: SELECT usable_photos_is_as_made();';
