-- Work tables of runs that were killed; nobody else's, after try_lock_runs.
-- Returns: name.
SELECT work_table.name
FROM
    unnest(
        ARRAY[
            'fluffy_sql_work.aside',
            'fluffy_sql_work.assignments',
            'fluffy_sql_work.candidates',
            'fluffy_sql_work.drawn',
            'fluffy_sql_work.measured',
            'fluffy_sql_work.measured_clusters',
            'fluffy_sql_work.placements',
            'fluffy_sql_work.sample'
        ]
    ) AS work_table (name)
WHERE to_regclass(work_table.name) IS NOT NULL
ORDER BY work_table.name;
