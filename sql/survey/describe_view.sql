-- What usable_photos is made of, by the catalogs.
-- Returns: as_made (whether it is as migrate makes it, over a table whose ids are unique), reads_photos_alone (whether
--   all that it shows is in the row of the photo: then a change of that shows in the version of the row).
SELECT
    rtrim(pg_get_viewdef('usable_photos'::regclass), ';') = rtrim(definitions.default_usable_photos, ';')
    AND EXISTS (
        SELECT FROM pg_index
        INNER JOIN pg_attribute ON pg_index.indrelid = attrelid AND attname = 'id'
        WHERE indrelid = 'photos'::regclass AND indisunique AND indnkeyatts = 1 AND indkey[0] = attnum
    ) AS as_made,
    NOT EXISTS (
        SELECT FROM pg_rewrite AS rule
        INNER JOIN pg_depend AS used ON rule.oid = used.objid AND used.classid = 'pg_rewrite'::regclass
        WHERE
            rule.ev_class = 'usable_photos'::regclass
            AND used.refclassid = 'pg_class'::regclass
            AND used.refobjid NOT IN ('photos'::regclass, 'usable_photos'::regclass)
    )
    -- Postgres keeps no record of who uses a function of its own, as random() or now()
    AND NOT EXISTS (
        SELECT FROM pg_rewrite AS rule
        CROSS JOIN LATERAL regexp_matches(rule.ev_action::text, ':(?:op)?funcid (\d+)', 'g') AS called (ids)
        INNER JOIN pg_proc ON called.ids[1]::oid = pg_proc.oid
        WHERE rule.ev_class = 'usable_photos'::regclass AND pg_proc.provolatile <> 'i'
    ) AS reads_photos_alone
FROM definitions;
