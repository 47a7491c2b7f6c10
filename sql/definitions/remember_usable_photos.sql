-- Keeps the view usable_photos as it is now, for migrate to make it again if somebody drops it. As its owner, and
-- without an argument: whoever runs may have it remembered, and can't say what. Does nothing if it is gone; the schema
-- is asked for, since the application may have a view of that name.
CREATE OR REPLACE FUNCTION remember_usable_photos()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    usable record;
BEGIN
    SELECT
        rtrim(pg_get_viewdef(pg_class.oid), ';') AS written,
        pg_class.reloptions AS options
    INTO usable
    FROM pg_class INNER JOIN pg_namespace ON pg_class.relnamespace = pg_namespace.oid
    WHERE pg_namespace.nspname = current_schema() AND pg_class.relname = 'usable_photos';
    IF FOUND THEN
        UPDATE definitions
        SET
            usable_photos = nullif(usable.written, rtrim(default_usable_photos, ';')),
            usable_photos_options = usable.options
        WHERE usable_photos IS DISTINCT FROM nullif(usable.written, rtrim(default_usable_photos, ';'))
            OR usable_photos_options IS DISTINCT FROM usable.options;
    END IF;
END
$$;

COMMENT ON FUNCTION remember_usable_photos() IS
'Keeps the text of the view usable_photos, for migrate to make it again if it is dropped. Example: SELECT remember_usable_photos();';
