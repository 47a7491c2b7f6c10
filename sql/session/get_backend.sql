-- Which server process answers: behind a pooler, another one than the client was told of.
-- Returns: pid integer.
SELECT pg_backend_pid() AS pid;
