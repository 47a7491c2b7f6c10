-- What was assigned of scopes that are done, while another one is clustered.
-- Returns: nothing.
CREATE UNLOGGED TABLE fluffy_sql_aside (LIKE fluffy_sql_assignments);
