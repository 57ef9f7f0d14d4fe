-- migrate:up

ALTER TABLE auth.identities ADD COLUMN picture_url text;
COMMENT ON COLUMN auth.identities.picture_url IS
  'of an account that was created through this identity, until the picture was fetched or given up';
CREATE INDEX identities_picture ON auth.identities (created_at) WHERE picture_url IS NOT NULL;

-- migrate:down

ALTER TABLE auth.identities DROP COLUMN picture_url;
