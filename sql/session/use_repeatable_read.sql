-- All statements of this transaction see the database as it is now, whatever a run commits meanwhile. After
-- begin_looking.
-- Returns: nothing.
SET LOCAL transaction_isolation TO 'repeatable read';
