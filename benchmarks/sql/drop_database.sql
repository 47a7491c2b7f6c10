-- Drops the database that a benchmark worked in, whoever is still connected to it.
-- Returns: nothing.
DROP DATABASE IF EXISTS fluffy_sql_benchmark WITH (FORCE);
