-- The schema goes if the migration made it; with what killed runs left in it, and nothing else.

DROP TABLE IF EXISTS fluffy_sql_work.aside, fluffy_sql_work.assignments, fluffy_sql_work.candidates,
fluffy_sql_work.drawn, fluffy_sql_work.measured, fluffy_sql_work.measured_clusters, fluffy_sql_work.placements,
fluffy_sql_work.sample, fluffy_sql_work.sample_cells;

DO $$
BEGIN
    IF obj_description(to_regnamespace('fluffy_sql_work'), 'pg_namespace') LIKE '%Made by fluffy-sql migrate.' THEN
        DROP SCHEMA fluffy_sql_work;
    END IF;
END
$$;
