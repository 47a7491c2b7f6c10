-- Whether the foreign key of photos has to hold for all rows when it is made: that of a partitioned table, before
-- PostgreSQL 18.
-- Returns: must_hold_key boolean.
SELECT count(*) > 0 AS must_hold_key
FROM pg_class AS photos
INNER JOIN pg_attribute AS placed ON photos.oid = placed.attrelid AND placed.attname = 'cluster_id'
WHERE
    photos.oid = to_regclass('photos')
    AND photos.relkind = 'p'
    AND NOT placed.attisdropped
    AND to_regclass('clusters') IS NOT NULL
    AND current_setting('server_version_num')::integer < 180000
    AND NOT EXISTS (
        SELECT FROM pg_constraint AS made
        WHERE made.conrelid = photos.oid AND made.confrelid = to_regclass('clusters') AND made.contype = 'f'
    );
