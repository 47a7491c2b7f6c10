-- The neighbours that are kept of drawn photos, by their positions.
-- Parameters: neighbours integer (how many of each), after_row bigint (exclusive), last_row bigint (inclusive)
-- Returns: position, neighbours bytea (as in graph/find_neighbours).
SELECT
    drawn.position,
    string_agg(int4send(neighbour.position::integer), ''::bytea ORDER BY near.place) AS neighbours
FROM work_drawn AS drawn
INNER JOIN photo_neighbour_lists AS kept ON drawn.photo_id = kept.photo_id
CROSS JOIN
    LATERAL unnest(kept.neighbour_ids[1:%(neighbours)s::integer]) WITH ORDINALITY AS near (photo_id, place)
INNER JOIN work_drawn AS neighbour ON near.photo_id = neighbour.photo_id
WHERE drawn.position > %(after_row)s::bigint AND drawn.position <= %(last_row)s::bigint
GROUP BY drawn.position;
