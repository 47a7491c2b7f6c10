-- Says what is to be clustered. A user replaces it to say what "usable" means; then it is kept, and made again as it
-- was last seen if it is gone. It selects from a subquery, so that nobody can write to photos through it.
DO $$
DECLARE
    saved record;
BEGIN
    IF EXISTS (
        SELECT FROM pg_class
        INNER JOIN pg_namespace ON relnamespace = pg_namespace.oid
        WHERE nspname = current_setting('fluffy_sql.schema') AND relname = 'usable_photos'
    ) THEN
        RETURN;
    END IF;
    SELECT usable_photos, usable_photos_options INTO saved FROM definitions;
    IF saved.usable_photos IS NOT NULL THEN
        BEGIN
            EXECUTE 'CREATE VIEW usable_photos AS ' || saved.usable_photos;
        EXCEPTION WHEN syntax_error_or_access_rule_violation THEN
            RAISE EXCEPTION 'the view usable_photos can not be made again as somebody wrote it: %; create %.usable_photos as it is to be now, and migrate again',
                SQLERRM, quote_ident(current_setting('fluffy_sql.schema'));
        END;
    ELSE
        IF EXISTS (SELECT FROM attached_source) THEN
            CREATE VIEW usable_photos AS
            SELECT
                photo.id,
                photo.path,
                photo.embedding,
                photo.cluster_id,
                photo.scope
            FROM source_photos() AS photo;
        ELSE
            CREATE VIEW usable_photos AS
            SELECT
                photo.id,
                photo.path,
                photo.embedding,
                photo.cluster_id,
                NULL::bigint AS scope
            FROM (
                SELECT
                    id,
                    path,
                    embedding,
                    cluster_id
                FROM photos
            ) AS photo;
        END IF;
        UPDATE definitions SET default_usable_photos = pg_get_viewdef('usable_photos'::regclass);
    END IF;
    IF cardinality(saved.usable_photos_options) > 0 THEN
        EXECUTE format('ALTER VIEW usable_photos SET (%s)', array_to_string(saved.usable_photos_options, ', '));
    END IF;
    COMMENT ON VIEW usable_photos IS
        'The photos that fluffy_sql looks at: all, until you replace the view. Keep the columns id, path, embedding, cluster_id, scope (whose the photo is; null: unscoped). Its embedding is what is clustered.';
END
$$;
