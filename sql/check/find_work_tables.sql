-- Work tables of runs that were killed; nobody else's, after try_lock_runs.
-- Returns: name.
SELECT work_table.name
FROM
    unnest(
        ARRAY[
            'fluffy_sql_aside',
            'fluffy_sql_assignments',
            'fluffy_sql_candidates',
            'fluffy_sql_drawn',
            'fluffy_sql_measured',
            'fluffy_sql_measured_clusters',
            'fluffy_sql_placements',
            'fluffy_sql_sample',
            'fluffy_sql_sample_cells'
        ]
    ) AS work_table (name)
WHERE to_regclass(work_table.name) IS NOT NULL
ORDER BY work_table.name;
