-- As begin_looking; all statements see the database as it is now, whatever a run commits meanwhile.
-- Returns: nothing.
START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
