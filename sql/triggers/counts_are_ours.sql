-- Whether migrate made clusters.photos_count, rather than an application that counts in a column of its own. A dump
-- without comments has lost what tells so, that of run_id too: then they are ours if our trigger is there, or if the
-- table is as migrate makes it.
-- Returns: counts_are_ours boolean.
SELECT
    coalesce(
        obj_description('clusters'::regclass, 'pg_class') LIKE '%Made by fluffy_sql.'
        OR (
            SELECT col_description(attrelid, attnum) LIKE '%Made by fluffy_sql.'
            FROM pg_attribute
            WHERE attrelid = 'clusters'::regclass AND attname = 'photos_count' AND NOT attisdropped
        ),
        FALSE
    )
    OR EXISTS (
        SELECT FROM pg_attribute AS run
        WHERE
            run.attrelid = 'clusters'::regclass
            AND run.attname = 'run_id'
            AND col_description(run.attrelid, run.attnum) IS NULL
            AND (
                EXISTS (
                    SELECT FROM pg_trigger
                    WHERE pg_trigger.tgrelid = run.attrelid AND pg_trigger.tgname = 'fluffy_sql_count_cluster'
                )
                OR (
                    EXISTS (
                        SELECT FROM pg_attribute AS key
                        WHERE key.attrelid = run.attrelid AND key.attname = 'id' AND key.attidentity = 'd'
                    )
                    AND EXISTS (
                        SELECT FROM pg_constraint
                        WHERE
                            pg_constraint.conrelid = run.attrelid
                            AND pg_constraint.conname = 'clusters_status_check'
                    )
                )
            )
    ) AS counts_are_ours;
