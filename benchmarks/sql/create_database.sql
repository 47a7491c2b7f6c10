-- Makes the database that a benchmark works in; refused where another benchmark is at work on the server.
-- Returns: nothing.
CREATE DATABASE fluffy_sql_benchmark;
