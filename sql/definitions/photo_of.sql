-- Only in an attached library: what our views and functions call the photo that the source knows by a key. Parameters
-- have the types of the key, so a literal needs no cast.
DO $do$
DECLARE
    names text;
    parameters text;
    comparison text;
BEGIN
    SELECT
        string_agg(listed.name, ', ' ORDER BY listed.place),
        string_agg(listed.name || ' ' || listed.type, ', ' ORDER BY listed.place),
        string_agg(format('known.%s = $%s', listed.name, listed.place), ' AND ' ORDER BY listed.place)
    INTO STRICT names, parameters, comparison
    FROM (
        SELECT
            shown.name,
            shown.type,
            row_number() OVER (ORDER BY shown.place) AS place
        FROM attached_source
        CROSS JOIN unnest(columns, types) WITH ORDINALITY AS shown (name, type, place)
        WHERE shown.name LIKE 'key%'
    ) AS listed;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION photo_of(%s) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE'
        ' BEGIN ATOMIC SELECT photo.id FROM source_keys AS known'
        ' INNER JOIN photos AS photo ON known.photo_id = photo.id WHERE %s; END',
        parameters,
        comparison
    );
    EXECUTE format(
        'COMMENT ON FUNCTION photo_of IS %L',
        'What views and functions of fluffy_sql call the photo that the source of an attached library knows by this key;'
        || ' null: none, as of the last run. Example: SELECT cluster_id FROM photo_clusters WHERE photo_id = photo_of('
        || names || ');'
    );
END
$do$;
