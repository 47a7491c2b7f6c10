-- How alike two partitions of the same photos are (Hubert and Arabie 1985): 1 for the same, about 0 for two that
-- are unrelated. Counts pairs of photos that are together, each in both orders.
-- Returns: adjusted_rand_index double precision.
WITH shared AS MATERIALIZED (
    SELECT
        label,
        other_label,
        count(*) AS photos
    FROM work_measured
    GROUP BY label, other_label
)

SELECT
    CASE
        WHEN pairs.in_first = pairs.in_second AND pairs.in_first = pairs.in_both THEN 1
        ELSE
            (pairs.in_both - pairs.in_first * pairs.in_second / pairs.in_all)
            / ((pairs.in_first + pairs.in_second) / 2 - pairs.in_first * pairs.in_second / pairs.in_all)
    END AS adjusted_rand_index
FROM (
    SELECT
        sum(counted.pairs) FILTER (WHERE counted.label IS NOT NULL AND counted.other_label IS NOT NULL) AS in_both,
        sum(counted.pairs) FILTER (WHERE counted.label IS NOT NULL AND counted.other_label IS NULL) AS in_first,
        sum(counted.pairs) FILTER (WHERE counted.label IS NULL AND counted.other_label IS NOT NULL) AS in_second,
        sum(counted.pairs) FILTER (WHERE counted.label IS NULL AND counted.other_label IS NULL) AS in_all
    FROM (
        SELECT
            label,
            other_label,
            sum(photos) * (sum(photos) - 1)::double precision AS pairs
        FROM shared
        GROUP BY GROUPING SETS ((label, other_label), (label), (other_label), ())
    ) AS counted
) AS pairs;
