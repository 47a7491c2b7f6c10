-- As begin_looking, for a command that may mend what it finds.
-- Returns: nothing.
BEGIN;
