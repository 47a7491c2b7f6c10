-- What writing to photos takes anyway, taken before clusters are locked: so does whoever truncates photos, or changes
-- the table, and counts them afterwards.
-- Returns: nothing.
LOCK TABLE photos IN ROW EXCLUSIVE MODE;
