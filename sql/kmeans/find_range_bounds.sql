-- Cuts the ids into ranges of about as many photos each, by the ids of the sample: it is drawn evenly from the
-- library, so its quantiles are the library's, and no scan is needed.
-- Parameters: fractions double precision[] (rising, between 0 and 1)
-- Returns: bounds bigint[] (ids, rising; null if the sample is empty).
SELECT percentile_disc(%(fractions)s::double precision[]) WITHIN GROUP (ORDER BY photo_id) AS bounds
FROM work_sample;
