-- As begin_looking, for a command that may repair what it finds.
-- Returns: nothing.
BEGIN;
