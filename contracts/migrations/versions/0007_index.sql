CREATE TABLE percentiles (
    source TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    CONSTRAINT percentiles_pkey PRIMARY KEY (source, value)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON percentiles TO groundswell_ingest;

-- Roles belong to the whole cluster, so another database may have made it before.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'groundswell_search') THEN
        CREATE ROLE groundswell_search NOLOGIN;
    END IF;
END
$$;

ALTER ROLE groundswell_search SET statement_timeout = '60s';

GRANT SELECT ON
    artifacts, current_metrics, relations, aliases, tags, artifact_tags, percentiles, alembic_version
TO groundswell_search
