-- Whether migrate made clusters.photos_count: the application counts in a column of its own.
-- Returns: one boolean.
SELECT
    coalesce(
        obj_description('clusters'::regclass, 'pg_class') LIKE '%Made by fluffy_sql.'
        OR (
            SELECT col_description(attrelid, attnum) LIKE '%Made by fluffy_sql.'
            FROM pg_attribute
            WHERE attrelid = 'clusters'::regclass AND attname = 'photos_count' AND NOT attisdropped
        ),
        FALSE
    ) AS counts_are_ours;
