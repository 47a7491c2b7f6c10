-- What of an application's prevents distributing photos by id: things that Citus refuses, or that it
-- would refuse later. The unique path of a table that migrate made is not one: see distribute_tables.
-- Returns: obstacle (as a person reads it).
SELECT 'photos.id is ' || format_type(attribute.atttypid, NULL) || ', and work tables are of bigint' AS obstacle
FROM pg_attribute AS attribute
WHERE
    attribute.attrelid = 'photos'::regclass
    AND attribute.attname = 'id'
    AND attribute.atttypid <> 'bigint'::regtype
UNION ALL
SELECT 'no server could tell whether ' || index.indexrelid::regclass || ' is unique, for it is without id' AS obstacle
FROM pg_index AS index
INNER JOIN pg_attribute AS attribute ON index.indrelid = attribute.attrelid AND attribute.attname = 'id'
WHERE
    index.indrelid = 'photos'::regclass
    AND index.indisunique
    AND attribute.attnum <> all(index.indkey::smallint[])
    AND NOT (
        index.indexrelid::regclass::text = 'photos_path_key'
        AND coalesce(obj_description('photos'::regclass, 'pg_class') LIKE '%Made by fluffy_sql.', FALSE)
    )
UNION ALL
SELECT 'Citus runs no triggers, and ' || trigger.tgrelid::regclass || ' has ' || trigger.tgname AS obstacle
FROM pg_trigger AS trigger
INNER JOIN pg_proc AS called ON trigger.tgfoid = called.oid
WHERE
    trigger.tgrelid IN ('photos'::regclass, 'clusters'::regclass)
    AND NOT trigger.tgisinternal
    AND (
        called.proname = 'place_new_photo'
        OR called.pronamespace <> quote_ident(current_setting('fluffy_sql.schema'))::regnamespace
    );
