-- Keeps the view usable_photos as it is now, to be made again if somebody drops it; nothing to do before it was ever
-- made.
-- Returns: nothing.
DO $$
BEGIN
    IF to_regprocedure(quote_ident(current_setting('fluffy_sql.schema')) || '.remember_usable_photos()') IS NOT NULL THEN
        PERFORM remember_usable_photos();
    END IF;
END
$$;
