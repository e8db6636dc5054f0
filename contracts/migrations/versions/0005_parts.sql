ALTER TABLE artifacts ADD COLUMN upstream_id TEXT,
    ADD COLUMN filled TEXT[] DEFAULT '{}'::text[] NOT NULL;

CREATE INDEX artifacts_organization_id_idx ON artifacts (organization_id)
WHERE organization_id IS NOT NULL;

CREATE TABLE parts (
    artifact_id BIGINT NOT NULL,
    part TEXT NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    description TEXT,
    repository_id BIGINT,
    license TEXT,
    CONSTRAINT parts_pkey PRIMARY KEY (artifact_id, part),
    CONSTRAINT parts_artifact_id_fkey FOREIGN KEY(artifact_id) REFERENCES artifacts (id),
    CONSTRAINT parts_repository_id_fkey FOREIGN KEY(repository_id) REFERENCES artifacts (id)
);

CREATE INDEX parts_repository_id_idx ON parts (repository_id) WHERE repository_id IS NOT NULL;

ALTER TABLE relations ADD COLUMN part TEXT DEFAULT 'facts' NOT NULL,
    DROP CONSTRAINT relations_pkey,
    ADD CONSTRAINT relations_pkey PRIMARY KEY (artifact_id, type, target_id, scope, part);

CREATE TABLE problems (
    artifact_id BIGINT NOT NULL,
    part TEXT NOT NULL,
    place INTEGER NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT problems_pkey PRIMARY KEY (artifact_id, part, place),
    CONSTRAINT problems_artifact_id_fkey FOREIGN KEY(artifact_id) REFERENCES artifacts (id)
);

CREATE TABLE aliases (
    purl TEXT NOT NULL,
    artifact_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT aliases_pkey PRIMARY KEY (purl),
    CONSTRAINT aliases_artifact_id_fkey FOREIGN KEY(artifact_id) REFERENCES artifacts (id)
);

CREATE INDEX aliases_artifact_id_idx ON aliases (artifact_id);

CREATE INDEX aliases_name_idx ON aliases (lower(name));

CREATE TABLE naming (
    version BIGINT NOT NULL,
    CONSTRAINT naming_pkey PRIMARY KEY (version)
);

INSERT INTO naming VALUES (1);

-- Whoever writes shares the names with others who do; whoever changes what a name stands for has
-- them alone. The version is read by a statement of its own, so that it is not older than the lock.
CREATE FUNCTION share_names() RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7114512);
    RETURN (SELECT version FROM naming);
END
$$;

-- What leads to one artifact leads to another one from now on.
CREATE FUNCTION lead_on(old bigint, new bigint) RETURNS void
LANGUAGE sql
AS $$
    UPDATE relations r SET target_id = new
    WHERE target_id = old AND artifact_id <> new AND NOT EXISTS (
        SELECT FROM relations k WHERE k.target_id = new
        AND (k.artifact_id, k.type, k.scope, k.part) = (r.artifact_id, r.type, r.scope, r.part));
    DELETE FROM relations WHERE target_id = old;
    UPDATE artifacts SET repository_id = new WHERE repository_id = old;
    UPDATE parts SET repository_id = new WHERE repository_id = old;
    UPDATE aliases SET artifact_id = new WHERE artifact_id = old;
$$;

-- What is known of an artifact twice is kept once: what leads to it, and what was counted of it. What
-- it says itself is what the other one said last.
CREATE FUNCTION join_artifacts(old bigint, new bigint) RETURNS void
LANGUAGE sql
AS $$
    SELECT lead_on(old, new);
    UPDATE observations o SET artifact_id = new
    WHERE artifact_id = old AND NOT EXISTS (
        SELECT FROM observations k
        WHERE (k.artifact_id, k.metric_id, k.observed_at) = (new, o.metric_id, o.observed_at));
    DELETE FROM observations WHERE artifact_id = old;
    UPDATE current_metrics c SET artifact_id = new
    WHERE artifact_id = old AND NOT EXISTS (
        SELECT FROM current_metrics k
        WHERE (k.artifact_id, k.metric_id) = (new, c.metric_id));
    DELETE FROM current_metrics WHERE artifact_id = old;
    DELETE FROM relations WHERE artifact_id = old;
    DELETE FROM versions WHERE artifact_id = old;
    DELETE FROM artifact_tags WHERE artifact_id = old;
    DELETE FROM files WHERE artifact_id = old;
    DELETE FROM signals WHERE artifact_id = old;
    DELETE FROM ranks WHERE artifact_id = old;
    DELETE FROM problems WHERE artifact_id = old;
    DELETE FROM parts WHERE artifact_id = old;
    DELETE FROM artifacts WHERE id = old;
$$;

ALTER TABLE organizations DROP COLUMN repository_count,
    DROP COLUMN star_count,
    DROP COLUMN updated_at,
    ADD COLUMN read_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN told_repository_count BIGINT,
    ADD COLUMN told_star_count BIGINT,
    ADD COLUMN own_repository_count BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN own_star_count BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN repository_count BIGINT
        GENERATED ALWAYS AS (coalesce(told_repository_count, own_repository_count)) STORED NOT NULL,
    ADD COLUMN star_count BIGINT
        GENERATED ALWAYS AS (coalesce(told_star_count, own_star_count)) STORED NOT NULL;

CREATE INDEX organizations_stars_idx ON organizations (star_count DESC, id DESC);

CREATE INDEX organizations_repositories_idx ON organizations (repository_count DESC, id DESC);

CREATE TABLE run_days (
    source TEXT NOT NULL,
    job TEXT NOT NULL,
    day DATE NOT NULL,
    status TEXT NOT NULL,
    runs BIGINT NOT NULL,
    planned BIGINT NOT NULL,
    items BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    CONSTRAINT run_days_pkey PRIMARY KEY (source, job, day, status)
);

-- A month whose history is kept by the day has its partition under another name.
CREATE OR REPLACE FUNCTION ensure_observation_partitions(months date[])
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
    month date;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7114510);
    FOR month IN SELECT DISTINCT date_trunc('month', m)::date FROM unnest(months) AS m ORDER BY 1
    LOOP
        name := format('public.observations_%s', to_char(month, 'YYYY_MM'));
        CONTINUE WHEN to_regclass(name) IS NOT NULL OR to_regclass(name || '_daily') IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %s PARTITION OF public.observations FOR VALUES FROM (%L) TO (%L)',
            name,
            month::timestamp AT TIME ZONE 'UTC',
            (month + interval '1 month')::timestamp AT TIME ZONE 'UTC'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- The months that end before a day and are still kept in full.
CREATE FUNCTION full_observation_months(before date) RETURNS SETOF date
LANGUAGE sql STABLE SET search_path = pg_catalog, public
AS $$
    SELECT month FROM (
        SELECT to_date(substr(c.relname, 14), 'YYYY_MM') AS month
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.observations'::regclass
          AND c.relname ~ '^observations_[0-9]{4}_[0-9]{2}$'
    ) full_months
    WHERE month + interval '1 month' <= before
    ORDER BY month
$$;

-- Rewrite a month into one row a day, the last of each UTC day, and put that in its place. The copy
-- is made while others read and write. Then nobody does, for as long as one look at the month takes:
-- the days of rows that are younger than the copy are copied again. Returns how many rows there
-- were and how many there are.
CREATE FUNCTION keep_observations_by_day(month date, OUT rows_before bigint, OUT rows_after bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET work_mem = '64MB'
AS $$
DECLARE
    name text := format('observations_%s', to_char(month, 'YYYY_MM'));
    starts timestamptz := month::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    copied_at pg_snapshot;
    young integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7114510);
    rows_before := 0;
    rows_after := 0;
    IF to_regclass('public.' || name) IS NULL THEN
        RETURN;
    END IF;
    copied_at := pg_current_snapshot();
    EXECUTE format('CREATE TABLE public.%I (LIKE public.observations INCLUDING DEFAULTS)', name || '_daily');
    EXECUTE format($sql$
        INSERT INTO public.%2$I
        SELECT artifact_id, metric_id, observed_at, value, read_at, origin
        FROM (
            SELECT *, lead(observed_at) OVER (
                PARTITION BY artifact_id, metric_id ORDER BY observed_at) AS next_at
            FROM public.%1$I
        ) o
        WHERE next_at IS NULL OR date_trunc('day', next_at, 'UTC') > observed_at
    $sql$, name, name || '_daily');
    EXECUTE format($sql$
        ALTER TABLE public.%1$I
            ADD CONSTRAINT %2$I PRIMARY KEY (artifact_id, metric_id, observed_at),
            ADD CONSTRAINT %3$I CHECK (observed_at >= %4$L AND observed_at < %5$L)
    $sql$, name || '_daily', name || '_daily_pkey', name || '_daily_check', starts, ends);
    LOCK TABLE public.observations IN ACCESS EXCLUSIVE MODE;
    young := pg_current_xact_id()::text::bigint - pg_snapshot_xmin(copied_at)::text::bigint;
    EXECUTE format($sql$
        CREATE TEMPORARY TABLE written_meanwhile ON COMMIT DROP AS
        SELECT artifact_id, metric_id, date_trunc('day', observed_at, 'UTC') AS day, count(*) AS rows
        FROM public.%I WHERE age(xmin) <= %s GROUP BY 1, 2, 3
    $sql$, name, young);
    EXECUTE format($sql$
        DELETE FROM public.%I d USING written_meanwhile w
        WHERE (d.artifact_id, d.metric_id) = (w.artifact_id, w.metric_id)
          AND d.observed_at >= w.day AND d.observed_at < w.day + interval '1 day'
    $sql$, name || '_daily');
    EXECUTE format($sql$
        INSERT INTO public.%2$I
        SELECT l.* FROM written_meanwhile w CROSS JOIN LATERAL (
            SELECT o.* FROM public.%1$I o
            WHERE (o.artifact_id, o.metric_id) = (w.artifact_id, w.metric_id)
              AND o.observed_at >= w.day AND o.observed_at < w.day + interval '1 day'
            ORDER BY o.observed_at DESC LIMIT 1
        ) l
    $sql$, name, name || '_daily');
    EXECUTE format('SELECT count(*) FROM public.%I', name) INTO rows_before;
    EXECUTE format('SELECT count(*) FROM public.%I', name || '_daily') INTO rows_after;
    EXECUTE format('DROP TABLE public.%I', name);
    EXECUTE format(
        'ALTER TABLE public.observations ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name || '_daily', starts, ends
    );
    EXECUTE format('ANALYZE public.%I', name || '_daily');
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT %I', name || '_daily', name || '_daily_check');
    DROP TABLE written_meanwhile;
END
$$;

REVOKE ALL ON FUNCTION keep_observations_by_day(date), full_observation_months(date) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION keep_observations_by_day(date), full_observation_months(date)
TO groundswell_ingest;

GRANT SELECT, INSERT, UPDATE, DELETE ON parts, problems, aliases, naming TO groundswell_ingest;

GRANT SELECT, INSERT, UPDATE ON run_days TO groundswell_ingest;

GRANT SELECT, DELETE ON runs TO groundswell_ingest;

GRANT SELECT ON parts, problems, aliases, run_days TO groundswell_api
