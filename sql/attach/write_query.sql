-- The SELECT of some columns of a table. If none tells versions apart, that is what Postgres keeps of each row itself.
-- Parameters: relation oid, columns text[], names text[] (that each is to have)
-- Returns: query text.
SELECT
    'SELECT ' || string_agg(quote_ident(listed.own) || ' AS ' || quote_ident(listed.name), ', ' ORDER BY listed.place)
    || CASE
        WHEN 'version' <> all(%(names)s::text[]) AND found.relkind IN ('r', 'm') THEN ', xmin AS version'
        ELSE ''
    END
    || ' FROM ' || quote_ident(place.nspname) || '.' || quote_ident(found.relname) AS query
FROM pg_class AS found
INNER JOIN pg_namespace AS place ON found.relnamespace = place.oid
CROSS JOIN unnest(%(columns)s::text[], %(names)s::text[]) WITH ORDINALITY AS listed (own, name, place)
WHERE found.oid = %(relation)s::oid
GROUP BY place.nspname, found.relname, found.relkind;
