CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS unaccent;

-- What full-text search looks at. The name counts most: whole, and by its parts, so that
-- "asgi framework" finds "my-asgi-framework" and "myAsgiFramework".
CREATE FUNCTION artifact_search(namespace text, name text, keywords text[], description text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('english', regexp_replace(
           regexp_replace(name, '([a-z0-9])([A-Z])', '\1 \2', 'g'), '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple', regexp_replace(namespace, '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(array_to_tsvector(array_remove(keywords, '')), 'B')
    || setweight(to_tsvector('english', coalesce(description, '')), 'C');

CREATE TABLE api_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    tier TEXT DEFAULT 'free' NOT NULL,
    requests_per_minute INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash)
);

CREATE TABLE current_metrics (
    artifact_id BIGINT NOT NULL,
    metric_id SMALLINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    previous_value DOUBLE PRECISION,
    observed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT current_metrics_pkey PRIMARY KEY (artifact_id, metric_id)
)
 WITH (fillfactor = 80);

CREATE INDEX current_metrics_ranking_idx ON current_metrics (metric_id, value DESC, artifact_id DESC);

CREATE TABLE metrics (
    id SMALLINT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    CONSTRAINT metrics_pkey PRIMARY KEY (id),
    CONSTRAINT metrics_name_key UNIQUE (name)
);

CREATE TABLE observations (
    artifact_id BIGINT NOT NULL,
    metric_id SMALLINT NOT NULL,
    observed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    origin TEXT DEFAULT 'live' NOT NULL,
    CONSTRAINT observations_pkey PRIMARY KEY (artifact_id, metric_id, observed_at)
)
 PARTITION BY RANGE (observed_at);

CREATE TABLE organizations (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    login TEXT NOT NULL,
    name TEXT,
    url TEXT,
    website TEXT,
    description TEXT,
    sponsorship_url TEXT,
    repository_count BIGINT,
    star_count BIGINT,
    updated_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT organizations_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX organizations_source_login_idx ON organizations (source, login);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    messages BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);

CREATE TABLE preferences (
    owner TEXT NOT NULL,
    scope TEXT NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT preferences_pkey PRIMARY KEY (owner, scope)
);

CREATE TABLE ranks (
    artifact_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    latest TIMESTAMP WITH TIME ZONE,
    hot DOUBLE PRECISION,
    used DOUBLE PRECISION,
    trending DOUBLE PRECISION,
    CONSTRAINT ranks_pkey PRIMARY KEY (artifact_id)
)
 WITH (fillfactor = 80);

CREATE INDEX ranks_hot_idx ON ranks (hot DESC, artifact_id DESC);

CREATE INDEX ranks_kind_hot_idx ON ranks (kind, hot DESC, artifact_id DESC);

CREATE INDEX ranks_kind_latest_idx ON ranks (kind, latest DESC, artifact_id DESC);

CREATE INDEX ranks_kind_used_idx ON ranks (kind, used DESC, artifact_id DESC);

CREATE INDEX ranks_latest_idx ON ranks (latest DESC, artifact_id DESC);

CREATE INDEX ranks_source_hot_idx ON ranks (source, hot DESC, artifact_id DESC);

CREATE INDEX ranks_source_latest_idx ON ranks (source, latest DESC, artifact_id DESC);

CREATE INDEX ranks_source_used_idx ON ranks (source, used DESC, artifact_id DESC);

CREATE INDEX ranks_used_idx ON ranks (used DESC, artifact_id DESC);

CREATE TABLE runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    job TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    planned INTEGER DEFAULT 0 NOT NULL,
    batches INTEGER,
    settled INTEGER[] DEFAULT '{}'::int[] NOT NULL,
    items INTEGER DEFAULT 0 NOT NULL,
    failed INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    progressed_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT runs_pkey PRIMARY KEY (id),
    CONSTRAINT runs_status_check CHECK (status IN ('pending', 'running', 'success', 'partial', 'error'))
);

CREATE INDEX runs_open_idx ON runs (id) WHERE status IN ('pending', 'running');

CREATE INDEX runs_source_idx ON runs (source, id DESC);

CREATE TABLE signals (
    artifact_id BIGINT NOT NULL,
    metric_id SMALLINT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    state JSONB DEFAULT '{}'::jsonb NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT signals_pkey PRIMARY KEY (artifact_id, metric_id)
);

CREATE TABLE tags (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    category TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT tags_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX tags_category_name_idx ON tags (category, name);

CREATE INDEX tags_name_idx ON tags (name);

CREATE TABLE usage_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    type TEXT NOT NULL,
    artifact_id BIGINT,
    package_id BIGINT,
    details JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT usage_events_pkey PRIMARY KEY (id)
);

CREATE TABLE watches (
    purl TEXT NOT NULL,
    source TEXT NOT NULL,
    cadence_seconds INTEGER NOT NULL,
    next_due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    validators JSONB DEFAULT '{}'::jsonb NOT NULL,
    backfilled BOOLEAN DEFAULT false NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    last_success_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT watches_pkey PRIMARY KEY (purl)
)
 WITH (fillfactor = 80);

CREATE INDEX watches_source_next_due_at_idx ON watches (source, next_due_at);

CREATE TABLE webhooks (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    url TEXT NOT NULL,
    secret BYTEA NOT NULL,
    filters JSONB DEFAULT '{}'::jsonb NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    last_sequence BIGINT DEFAULT 0 NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id)
);

CREATE TABLE artifacts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    purl TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    namespace TEXT DEFAULT '' NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT,
    homepage TEXT,
    repository_id BIGINT,
    organization_id BIGINT,
    language TEXT,
    license TEXT,
    keywords TEXT[] DEFAULT '{}'::text[] NOT NULL,
    latest_version TEXT,
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    tracked BOOLEAN DEFAULT false NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    extra JSONB DEFAULT '{}'::jsonb NOT NULL,
    search TSVECTOR GENERATED ALWAYS AS (artifact_search(namespace, name, keywords, description)) STORED,
    CONSTRAINT artifacts_pkey PRIMARY KEY (id),
    CONSTRAINT artifacts_repository_id_fkey FOREIGN KEY(repository_id) REFERENCES artifacts (id),
    CONSTRAINT artifacts_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
)
 WITH (fillfactor = 60);

CREATE INDEX artifacts_name_prefix_idx ON artifacts (lower(name) text_pattern_ops) WHERE tracked;

CREATE INDEX artifacts_name_trgm_idx ON artifacts USING gin (name gin_trgm_ops) WHERE tracked;

CREATE INDEX artifacts_namespace_idx ON artifacts (source, namespace) WHERE namespace <> '';

CREATE UNIQUE INDEX artifacts_purl_idx ON artifacts (purl);

CREATE INDEX artifacts_repository_id_idx ON artifacts (repository_id);

CREATE INDEX artifacts_search_idx ON artifacts USING gin (search) WHERE tracked;

CREATE TABLE artifact_tags (
    artifact_id BIGINT NOT NULL,
    tag_id BIGINT NOT NULL,
    CONSTRAINT artifact_tags_pkey PRIMARY KEY (artifact_id, tag_id)
);

CREATE INDEX artifact_tags_tag_idx ON artifact_tags (tag_id, artifact_id);

CREATE TABLE files (
    artifact_id BIGINT NOT NULL,
    path TEXT NOT NULL,
    size_bytes BIGINT,
    blob_id TEXT,
    lfs BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (artifact_id, path),
    CONSTRAINT files_artifact_id_fkey FOREIGN KEY(artifact_id) REFERENCES artifacts (id)
);

CREATE TABLE relations (
    artifact_id BIGINT NOT NULL,
    type TEXT NOT NULL,
    target_id BIGINT NOT NULL,
    scope TEXT DEFAULT '' NOT NULL,
    requirement TEXT,
    extra JSONB DEFAULT '{}'::jsonb NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT relations_pkey PRIMARY KEY (artifact_id, type, target_id, scope),
    CONSTRAINT relations_artifact_id_fkey FOREIGN KEY(artifact_id) REFERENCES artifacts (id),
    CONSTRAINT relations_target_id_fkey FOREIGN KEY(target_id) REFERENCES artifacts (id)
);

CREATE INDEX relations_target_idx ON relations (target_id, type, artifact_id);

CREATE TABLE versions (
    artifact_id BIGINT NOT NULL,
    version TEXT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    prerelease BOOLEAN DEFAULT false NOT NULL,
    yanked BOOLEAN DEFAULT false NOT NULL,
    deprecated TEXT,
    channels TEXT[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT versions_pkey PRIMARY KEY (artifact_id, version)
);

CREATE INDEX versions_published_idx ON versions (artifact_id, published_at DESC NULLS LAST, version DESC);

-- Months are cut in UTC, whatever the time zone of the session. A month that is there already is
-- left alone; two callers at once wait for each other.
CREATE FUNCTION ensure_observation_partitions(months date[])
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
    month date;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7114510);
    FOR month IN SELECT DISTINCT date_trunc('month', m)::date FROM unnest(months) AS m ORDER BY 1
    LOOP
        CONTINUE WHEN to_regclass(format('public.observations_%s', to_char(month, 'YYYY_MM'))) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE public.observations_%s PARTITION OF public.observations FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYY_MM'),
            month::timestamp AT TIME ZONE 'UTC',
            (month + interval '1 month')::timestamp AT TIME ZONE 'UTC'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Roles belong to the whole cluster, so another database may have made them before. They cannot log
-- in until whoever runs the database gives them a password.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['groundswell_collector', 'groundswell_ingest', 'groundswell_api']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
    END LOOP;
END
$$;

ALTER ROLE groundswell_collector SET statement_timeout = '30s';

ALTER ROLE groundswell_ingest SET statement_timeout = '60s';

ALTER ROLE groundswell_api SET statement_timeout = '10s';

REVOKE ALL ON FUNCTION ensure_observation_partitions(date[]) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION ensure_observation_partitions(date[]) TO groundswell_ingest;

GRANT SELECT, INSERT, UPDATE ON watches, runs TO groundswell_collector;

GRANT SELECT ON metrics TO groundswell_ingest;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    organizations, artifacts, observations, current_metrics, signals, ranks, relations,
    tags, artifact_tags, versions, files, outbox
TO groundswell_ingest;

GRANT SELECT ON
    metrics, organizations, artifacts, observations, current_metrics, signals, ranks, relations,
    tags, artifact_tags, versions, files, outbox, runs, alembic_version
TO groundswell_api;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    watches, api_keys, usage_events, preferences, webhooks
TO groundswell_api;

GRANT INSERT, UPDATE ON runs TO groundswell_api
