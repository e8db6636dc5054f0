CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- A name as it is compared: what separates its words says nothing.
CREATE FUNCTION compact_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(regexp_replace(name, '[^[:alnum:]]+', '', 'g'));

-- Words without what separates them. PostgreSQL's parser would take "node.js" for the name of a
-- host and "3986/3987" for a path, and neither is found by its parts.
CREATE FUNCTION plain_words(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(words, '[^[:alnum:]]+', ' ', 'g');

-- "myAsgiFramework" is found by itself and by its parts.
CREATE OR REPLACE FUNCTION artifact_search(namespace text, name text, keywords text[], description text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('english', plain_words(name) || CASE
           WHEN name ~ '[a-z0-9][A-Z]'
           THEN ' ' || plain_words(regexp_replace(name, '([a-z0-9])([A-Z])', '\1 \2', 'g'))
           ELSE '' END), 'A')
    || setweight(to_tsvector('english', plain_words(namespace)), 'B')
    || setweight(to_tsvector('english', plain_words(array_to_string(keywords, ' '))), 'B')
    || setweight(to_tsvector('english', plain_words(coalesce(description, ''))), 'C');

ALTER TABLE artifacts ALTER COLUMN search
SET EXPRESSION AS (artifact_search(namespace, name, keywords, description));

DROP INDEX artifacts_name_prefix_idx;

CREATE INDEX artifacts_compact_name_idx ON artifacts (compact_name(name) text_pattern_ops)
WHERE tracked;

CREATE INDEX artifacts_compact_full_name_idx
ON artifacts (compact_name(namespace || name) text_pattern_ops)
WHERE tracked AND namespace <> '';

CREATE TABLE heads (
    artifact_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    letters TEXT NOT NULL,
    popularity REAL NOT NULL,
    search TSVECTOR NOT NULL,
    CONSTRAINT heads_pkey PRIMARY KEY (artifact_id)
);

CREATE INDEX heads_name_idx ON heads (name text_pattern_ops);

CREATE INDEX heads_full_name_idx ON heads (full_name text_pattern_ops);

CREATE INDEX heads_letters_idx ON heads (letters);

CREATE INDEX heads_trgm_idx ON heads USING gin (full_name gin_trgm_ops);

CREATE INDEX heads_search_idx ON heads USING gin (search);

CREATE TABLE words (
    word TEXT NOT NULL,
    stem TEXT NOT NULL,
    documents INTEGER NOT NULL,
    CONSTRAINT words_pkey PRIMARY KEY (word)
);

CREATE INDEX words_stem_idx ON words (stem);

GRANT SELECT, INSERT, UPDATE, DELETE ON heads, words TO groundswell_ingest;

GRANT SELECT ON heads, words TO groundswell_api
