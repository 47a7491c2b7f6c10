-- From now on, what this transaction moves is in photos_count after each statement: it has the clusters locked anyway.
-- Local to the transaction.
-- Returns: nothing.
SET CONSTRAINTS fluffy_sql_fold IMMEDIATE;
