-- Where photos were taken, for names that are suggested to clusters.
-- depends: 0011_attached_source

ALTER TABLE photo_files ADD COLUMN IF NOT EXISTS latitude double precision;
ALTER TABLE photo_files ADD COLUMN IF NOT EXISTS longitude double precision;
ALTER TABLE photo_replacements ADD COLUMN IF NOT EXISTS latitude double precision;
ALTER TABLE photo_replacements ADD COLUMN IF NOT EXISTS longitude double precision;

COMMENT ON COLUMN photo_files.latitude IS 'Where it was taken, in degrees, north is above 0 (EXIF). Null: not told.';
COMMENT ON COLUMN photo_files.longitude IS 'Where it was taken, in degrees, east is above 0 (EXIF). Null: not told.';
