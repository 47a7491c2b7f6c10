-- Keeps the view usable_photos as it is now, for migrate to make it again if somebody drops it. As its owner, and
-- without an argument: whoever runs may have it remembered, and can't say what.
CREATE OR REPLACE FUNCTION remember_usable_photos()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    written text := pg_get_viewdef('usable_photos'::regclass);
BEGIN
    UPDATE definitions
    SET
        usable_photos = nullif(rtrim(written, ';'), rtrim(default_usable_photos, ';')),
        usable_photos_options = (SELECT reloptions FROM pg_class WHERE oid = 'usable_photos'::regclass)
    WHERE usable_photos IS DISTINCT FROM nullif(rtrim(written, ';'), rtrim(default_usable_photos, ';'));
END
$$;

COMMENT ON FUNCTION remember_usable_photos() IS
'Keeps the text of the view usable_photos, for migrate to make it again if it is dropped. Example: SELECT remember_usable_photos();';
