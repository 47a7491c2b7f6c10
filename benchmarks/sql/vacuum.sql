-- Gives the room of dead rows back and renews what the planner knows.
-- Returns: nothing.
VACUUM (ANALYZE);
