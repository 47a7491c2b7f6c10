-- Keeps the view usable_photos as it is now, for migrate to make it again if somebody drops it. As its owner, and
-- without an argument: whoever runs may have it remembered, and can't say what. Does nothing if it is gone. Names are
-- pinned as in count_photos; the view's text alone is written as the library's own search_path reads it, so that it
-- still holds if tables move.
DO $do$
BEGIN
    EXECUTE format($create$
        CREATE OR REPLACE FUNCTION remember_usable_photos() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $function$
        DECLARE
            found oid := to_regclass(%2$L)::oid;
            written text;
        BEGIN
            PERFORM pg_catalog.set_config('search_path', %3$L, TRUE);
            written := pg_catalog.pg_get_viewdef(found);
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', TRUE);
            UPDATE %1$I.definitions AS kept
            SET
                usable_photos = nullif(rtrim(written, ';'), rtrim(kept.default_usable_photos, ';')),
                usable_photos_options = usable.reloptions
            FROM pg_class AS usable
            WHERE
                usable.oid = found
                AND (
                    kept.usable_photos IS DISTINCT FROM nullif(rtrim(written, ';'), rtrim(kept.default_usable_photos, ';'))
                    OR kept.usable_photos_options IS DISTINCT FROM usable.reloptions
                );
        END
        $function$
    $create$,
        current_setting('fluffy_sql.schema'),
        format('%I.usable_photos', current_setting('fluffy_sql.schema')),
        current_setting('search_path')
    );
END
$do$;

COMMENT ON FUNCTION remember_usable_photos() IS
'Keeps the text of the view usable_photos, for migrate to make it again if it is dropped. Example: SELECT remember_usable_photos();';
