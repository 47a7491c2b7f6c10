-- Which server process answers: behind a pooler, another one than the client knows.
-- Returns: pid integer.
SELECT pg_backend_pid() AS pid;
