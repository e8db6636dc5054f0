ALTER TABLE watches
    ADD COLUMN job TEXT DEFAULT 'refresh' NOT NULL,
    ADD COLUMN priority TEXT DEFAULT 'normal' NOT NULL,
    ADD CONSTRAINT watches_job_check CHECK (job IN ('refresh', 'dependencies', 'enrich')),
    ADD CONSTRAINT watches_priority_check CHECK (priority IN ('high', 'normal', 'low')),
    DROP CONSTRAINT watches_pkey,
    ADD CONSTRAINT watches_pkey PRIMARY KEY (source, job, purl);

DROP INDEX watches_source_next_due_at_idx;

CREATE INDEX watches_due_idx ON watches (source, job, priority, next_due_at);

CREATE INDEX watches_purl_idx ON watches (purl);

ALTER TABLE runs ADD COLUMN notes TEXT;

CREATE TABLE sources (
    source TEXT NOT NULL,
    needs TEXT,
    fingerprint TEXT,
    last_success_at TIMESTAMP WITH TIME ZONE,
    last_failure_at TIMESTAMP WITH TIME ZONE,
    last_failure TEXT,
    parked_at TIMESTAMP WITH TIME ZONE,
    parked_reason TEXT,
    probed_at TIMESTAMP WITH TIME ZONE,
    requests_limit BIGINT,
    requests_remaining BIGINT,
    requests_reset_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (source)
);

-- A watch whose artifact moved is ended.
GRANT DELETE ON watches TO groundswell_collector;

GRANT SELECT, INSERT, UPDATE ON sources TO groundswell_collector;

GRANT SELECT ON sources TO groundswell_api;

-- The API may tell a parked source to go on, and nothing else.
GRANT UPDATE (parked_at, parked_reason, probed_at) ON sources TO groundswell_api
