-- Work tables get a schema of their own, so that a role that clusters photos need not be allowed to create things where
-- the library is: what it could make there, a function say, others might take for the library's own. No search_path
-- names this schema. Who may not create schemas has it made first by someone who may; then it is used as it is.
-- depends: 0012_scopes

DO $$
BEGIN
    IF to_regnamespace('fluffy_sql_work') IS NULL THEN
        CREATE SCHEMA fluffy_sql_work;
        COMMENT ON SCHEMA fluffy_sql_work IS
            'Tables that a run of fluffy_sql works in; empty when none is at work. Made by fluffy-sql migrate.';
    END IF;
END
$$;

-- What killed runs left where work tables were until now.
DROP TABLE IF EXISTS fluffy_sql_assignments, fluffy_sql_candidates, fluffy_sql_drawn, fluffy_sql_measured,
fluffy_sql_measured_clusters, fluffy_sql_placements, fluffy_sql_sample, fluffy_sql_sample_cells;
